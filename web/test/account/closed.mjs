import { must, tabTo } from '../browser.mjs';
import { w } from './visit.mjs';

// Looks at a server where administrators make the accounts, which sends no mail, and has a logo: the page offers no
// registration, and says of all that needs a mail that there is none.
export default async function closed(visit) {
  const { page } = visit;
  for (const path of ['account', 'account#register']) {
    await visit.goto(path);
    await visit.titled(w('signIn.title'));
    must(await page.getByRole('link', { name: w('signIn.register') }).count() === 0, `${path} offers to register`);
    await showsLogo(page);
  }
  await visit.look('closed');
  await visit.sentTo('**/forgot', visit.press(w('signIn.forgot'), 'link'));
  await visit.type(await page.locator('label[for=email]').innerText(), visit.email);
  await tabTo(page, page.getByRole('button'));
  await page.keyboard.press('Enter');
  await showsLogo(page);
  const noMail = await page.locator('[data-text=MAIL_OFF]').textContent();
  await page.getByRole('status').getByText(noMail, { exact: true }).waitFor();
  await visit.look('forgotten');

  await visit.goto();
  visit.email = 'root@example.com'; // an administrator, whom the caller has made
  await visit.signIn();
  await visit.titled(w('profile.title'));
  await visit.type(w('address.new'), 'next@example.com');
  await visit.press(w('address.change'));
  await visit.says(w('problems.MAIL_OFF'));
  await visit.look('no mail');
  await visit.section('data');
  await visit.press(w('data.exportButton'));
  await visit.says(w('problems.MAIL_OFF'));
}

async function showsLogo(page) {
  const { height, backgroundImage } = await page.locator('.app').evaluate((name) => {
    const style = getComputedStyle(name, '::before');
    return { height: style.height, backgroundImage: style.backgroundImage };
  });
  must(height === '40px' && backgroundImage.startsWith('url("data:'), `the logo is ${backgroundImage}, ${height} high`);
}
