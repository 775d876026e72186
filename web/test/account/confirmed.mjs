import { tabTo } from '../browser.mjs';
import { mailed, password, w } from './visit.mjs';

// Registers where addresses are confirmed first: the page tells nobody whether an address has an account, and the mail's
// link makes it.
export default async function confirmed(visit) {
  const { page } = visit;
  const taken = `taken.${visit.email}`;
  await visit.newcomer(taken);
  for (const email of [visit.email, taken]) {
    await visit.goto();
    await visit.press(w('signIn.register'), 'link');
    await visit.titled(w('register.title'));
    await visit.type(w('field.email'), email);
    await visit.type(w('field.password'), password);
    await visit.press(w('register.button'));
    await visit.titled(w('register.mailed'));
    await page.getByText(w('register.mailedTo').replace('{email}', email), { exact: true }).waitFor();
    await page.locator('h1:focus').waitFor();
  }
  await visit.look('a mail is on its way');
  await visit.press(w('register.signIn'), 'link');
  const [link] = (await mailed('register', visit.email)).links;
  await visit.goto(`account/register${new URL(link).hash}`);
  await page.locator('form').waitFor();
  await visit.type(await page.locator('label[for=password]').innerText(), password);
  await tabTo(page, page.getByRole('button'));
  await page.keyboard.press('Enter');
  await page.locator('[role=status]:not(:empty)').waitFor();
  await visit.goto();
  await visit.signIn();
  await visit.titled(w('profile.title'));
  await page.getByText(w('address.confirmed'), { exact: true }).waitFor();
}
