import { must, tabTo } from '../browser.mjs';
import { password, totp, w } from './visit.mjs';

// Sets up an authenticator app, and signs in with a recovery code, a code, and on a remembered device, where what wants
// a second factor asks for it.
export default async function factors(visit) {
  const { page } = visit;
  await visit.register('Ann');
  await visit.section('security');
  await visit.look('no factor');
  // As a session of six minutes ago: the server's own answer would need a clock that can be set.
  let proved = false;
  await page.route('**/graphql', async (route) => {
    const sent = route.request().postData();
    proved ||= sent.includes('mutation Reauthenticate') && sent.includes(password);
    const extensions = { code: 'REAUTHENTICATION_REQUIRED', maxAge: 300 };
    if (proved || !sent.includes('mutation StartTotp')) await route.fallback();
    else await route.fulfill({ json: { errors: [{ message: 'prove it', path: ['startTotp'], extensions }] } });
  });
  await visit.press(w('totp.start'));
  await page.getByRole('dialog', { name: w('stepUp.title') }).waitFor();
  await visit.look('step-up by password');
  await visit.type(w('stepUp.field.password'), 'not the password');
  await visit.press(w('stepUp.button.password'));
  await visit.refuses(w('stepUp.field.password'), w('problems.wrong.password'));
  await visit.type(w('stepUp.field.password'), password);
  await visit.press(w('stepUp.button.password'));
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '');
  const width = await page.locator('img.qr').evaluate((image) => image.decode().then(() => image.naturalWidth));
  must(width > 20, 'there is no QR code');
  await visit.look('setting up');
  await visit.type(w('field.code'), '000000');
  await visit.press(w('totp.confirm'));
  await visit.refuses(w('field.code'), w('problems.wrong.code'));
  await visit.confirmTotp(secret);
  const codes = await page.locator('.codes li').allInnerTexts();
  must(codes.length === 10, `there are ${codes.length} recovery codes`);
  await visit.look('recovery codes');
  await page.emulateMedia({ media: 'print' });
  must(await page.locator('.codes').isVisible(), 'paper has no codes');
  must(await page.getByRole('button').count() === 0, 'paper has more than the codes');
  await page.emulateMedia({ media: 'screen' });
  await visit.press(w('recovery.kept'));
  await visit.signOut();

  const second = async () => {
    await visit.signIn();
    await visit.titled(w('secondFactor.title'));
  };
  await second();
  await visit.look('second factor');
  await visit.type(w('field.code'), '000000');
  await visit.press(w('secondFactor.button'));
  await visit.refuses(w('field.code'), w('problems.wrong.code'));
  await visit.press(w('secondFactor.by.RECOVERY_CODES'));
  await visit.type(w('field.recoveryCode'), codes[0]);
  await visit.press(w('secondFactor.button'));
  await visit.titled(w('security.title'));
  await page.getByText(w('recovery.remaining').replace('{n}', '9')).waitFor();
  await visit.signOut();

  await second();
  await visit.type(w('field.code'), totp(secret, 0));
  await tabTo(page, page.getByLabel(w('secondFactor.remember')));
  await page.keyboard.press('Space');
  await visit.press(w('secondFactor.button'));
  await visit.titled(w('security.title'));
  await visit.signOut();
  await visit.signIn(); // on a remembered device
  await visit.titled(w('security.title'));

  await visit.press(w('factor.remove'));
  await page.getByRole('dialog', { name: w('factor.removeTitle') }).waitFor();
  await visit.look('removing');
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
  await page.locator('dialog:not([open])').waitFor({ state: 'attached' });
  await visit.press(w('factor.remove'));
  await visit.press(w('factor.remove'), 'button', page.getByRole('dialog'));
  await page.getByRole('dialog', { name: w('stepUp.title') }).waitFor();
  await visit.look('step-up');
  must(await page.getByText(w('stepUp.mfa')).count() === 1, 'the page does not say that a second factor is wanted');
  await visit.type(w('stepUp.field.code'), '000000');
  await visit.press(w('stepUp.button.code'));
  await visit.refuses(w('stepUp.field.code'), w('problems.wrong.code'));
  await page.keyboard.press('Escape');
  await visit.says(w('problems.REAUTHENTICATION_REQUIRED'));
  await visit.press(w('factor.remove'));
  await visit.press(w('factor.remove'), 'button', page.getByRole('dialog'));
  await visit.type(w('stepUp.field.code'), totp(secret, 1));
  await visit.press(w('stepUp.button.code'));
  await visit.says(w('done.removed'));
  must(await page.getByText(w('recovery.title'), { exact: true }).count() === 0, 'the recovery codes are still there');
}
