import { must, tabTo } from '../browser.mjs';
import { control, password, w } from './visit.mjs';

// Proves again who it is, by password and by passkey, when the server wants that of a page that was opened just now.
export default async function proofs(visit) {
  const { page } = visit;
  const dialog = page.getByRole('dialog', { name: w('stepUp.title') });
  const stored = await visit.authenticator();
  await visit.newcomer();
  await visit.goto();
  await visit.offers(false);
  await visit.signIn();
  await visit.titled(w('profile.title'));
  await visit.section('security');
  await page.getByRole('button', { name: w('totp.start'), exact: true }).waitFor(); // or it is asked for meanwhile
  await control('age');
  await visit.type(w('passkey.name'), 'my laptop');
  await visit.press(w('passkey.add'));
  await dialog.waitFor();
  await visit.type(w('stepUp.field.password'), password);
  await visit.press(w('stepUp.button.password'));
  await page.locator('.codes li').nth(9).waitFor();
  await visit.press(w('recovery.kept'));
  must(await stored() === 1, `the authenticator has ${await stored()} passkeys`);
  await visit.signOut();

  await visit.press(w('signIn.passkey'));
  await visit.titled(w('security.title'));
  await page.getByRole('button', { name: w('totp.start'), exact: true }).waitFor(); // or it is asked for meanwhile
  await control('age');
  await visit.press(w('totp.start'));
  await dialog.waitFor();
  await visit.press(w('stepUp.by.passkey'), 'button', dialog);
  await visit.look('step-up by passkey');
  await page.keyboard.press('Escape');
  await visit.says(w('problems.REAUTHENTICATION_REQUIRED'));
  await visit.press(w('totp.start'));
  await visit.press(w('stepUp.by.passkey'), 'button', dialog);
  await visit.press(w('stepUp.button.passkey'), 'button', dialog);
  await page.locator('img.qr').waitFor();
  await visit.press(w('cancel'));
  await visit.signOut();

  await visit.signIn(); // and be remembered, so that the next sign-in proves one factor
  await visit.titled(w('secondFactor.title'));
  await tabTo(page, page.getByLabel(w('secondFactor.remember')));
  await page.keyboard.press('Space');
  await visit.press(w('signIn.passkey'));
  await visit.titled(w('security.title'));
  await visit.signOut();
  await visit.signIn();
  await visit.titled(w('security.title'));
  await visit.press(w('factor.remove'));
  await visit.press(w('factor.remove'), 'button', page.getByRole('dialog'));
  await dialog.getByText(w('stepUp.mfa')).waitFor();
  must(await dialog.getByLabel(w('stepUp.field.password')).count() === 0, 'a password is no second factor');
  await visit.look('step-up by a second factor');
  await visit.press(w('stepUp.button.passkey'), 'button', dialog);
  await visit.says(w('done.removed'));
  must(await stored() === 0, 'the authenticator still has the removed passkey');
}
