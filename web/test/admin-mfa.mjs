// node web/test/admin-mfa.mjs URL BEFORE SCREEN LANGUAGE: signs in at /admin as the administrator root@example.com, in a
// browser, by the keyboard alone. URL is a server whose administrators need a second factor, which this one sets up on
// SCREEN, after a sign-in on the screen BEFORE. It exits 1 with a sentence when anything is not as it should be.
// SCREENSHOTS names a folder for pictures.
import { must, run } from './browser.mjs';
import { totp, Visit, w } from './account/visit.mjs';

const [url, first, second, language] = process.argv.slice(2);

// users waits for the list of users.
async function users(visit) {
  await visit.titled(w('users.title'));
  await visit.page.getByText('root@example.com').last().waitFor();
  await visit.page.getByText(w('users.count').replace('{n}', '1')).waitFor();
}

// setUp is led to where a factor is set up, and returns its secret.
async function setUp(visit) {
  const { page } = visit;
  const dialog = page.getByRole('dialog', { name: w('stepUp.title') });
  await visit.signIn();
  await dialog.getByText(w('stepUp.none')).waitFor();
  await visit.look('no factor');
  await visit.press(w('cancel'), 'button', dialog);
  await page.getByText(w('problems.REAUTHENTICATION_REQUIRED')).first().waitFor();
  must(await page.getByText(w('loading')).count() === 0, 'the page waits for what was refused');
  await visit.look('refused');
  await visit.press(w('again'));
  await visit.press(w('stepUp.setUp'), 'link', dialog);
  await visit.titled(w('security.title'));
  await visit.press(w('totp.start'));
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '');
  await visit.confirmTotp(secret);
  await visit.press(w('recovery.kept'));
  return secret;
}

await run('admin-mfa', `${new URL(url).hostname} , EXCLUDE 127.0.0.1`, async (browser) => {
  const visits = [await Visit.open(browser, 'mfa', first, language), await Visit.open(browser, 'mfa', second, language)];
  for (const visit of visits) {
    visit.email = 'root@example.com';
    await visit.goto('admin');
  }
  const [before, visit] = visits;
  const dialog = before.page.getByRole('dialog', { name: w('stepUp.title') });
  await before.signIn();
  await before.press(w('cancel'), 'button', dialog);
  const secret = await setUp(visit);
  await visit.goto('admin');
  await users(visit);
  await visit.look('users');
  await visit.signOut();

  await before.page.reload();
  await before.type(w('stepUp.field.code'), totp(secret, 0));
  await before.look('code');
  await before.press(w('stepUp.button.code'));
  await users(before);

  await visit.signIn();
  await visit.titled(w('secondFactor.title'));
  await visit.look('second factor');
  await visit.type(w('field.code'), totp(secret, 1));
  await visit.press(w('secondFactor.button'));
  await users(visit);
  for (const { faults, context } of visits) {
    must(faults.length === 0, faults.join('; '));
    await context.close();
  }
});
