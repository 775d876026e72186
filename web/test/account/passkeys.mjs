import { must } from '../browser.mjs';
import { markup, w } from './visit.mjs';

// Makes a passkey, renames it, signs in with it by the button, by the browser's own offer, and as a second factor, and
// removes it.
export default async function passkeys(visit) {
  const { page } = visit;
  const stored = await visit.authenticator();
  await visit.register('Ann');
  await page.bringToFront();
  await visit.section('security');
  await visit.type(w('passkey.name'), 'my laptop');
  await visit.press(w('passkey.add'));
  await page.locator('.codes li').nth(9).waitFor();
  await visit.look('first passkey');
  await visit.press(w('recovery.kept'));
  await visit.press(w('passkey.rename'));
  await visit.type(w('passkey.name'), markup);
  await visit.press(w('save'));
  await visit.says(w('done.renamed'));
  await visit.nothingRuns(markup);
  await visit.look('passkeys');
  await visit.press(w('passkey.add')); // the authenticator has one already
  await visit.says(w('problems.PASSKEY_EXISTS'));
  must(await stored() === 1, `the authenticator has ${await stored()} passkeys`);

  await visit.offers(false);
  await visit.signOut();
  await visit.press(w('signIn.passkey'));
  await visit.titled(w('security.title'));
  await visit.signOut();
  await visit.signIn();
  await visit.titled(w('secondFactor.title'));
  await visit.look('second factor');
  await visit.press(w('signIn.passkey'));
  await visit.titled(w('security.title'));
  await visit.offers(true);
  const offered = page.waitForResponse((response) => response.request().postData()?.includes('mutation PasskeyLogin'));
  await visit.press(w('home.signOut')); // and the browser offers the passkey, which the authenticator gives
  await offered;
  await visit.titled(w('security.title'));

  await visit.press(w('factor.remove'));
  await visit.press(w('factor.remove'), 'button', page.getByRole('dialog'));
  await visit.says(w('done.removed'));
  must(await stored() === 0, 'the authenticator still has the removed passkey');
}
