// node web/test/access.mjs URL SCREENSHOT: opens the page of the access table in a browser, on a desk and on a phone,
// filters it by persona, and exits 1 with a sentence when it is not as it should be.
import { fits, must, run } from './browser.mjs';

const [url, screenshot] = process.argv.slice(2);
if (!url || !screenshot) {
  console.error('usage: node web/test/access.mjs URL SCREENSHOT');
  process.exit(2);
}

const devices = [
  { name: 'desk', viewport: { width: 1280, height: 800 } },
  { name: 'phone', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
];

async function look(browser, { name, ...device }) {
  const page = await (await browser.newContext(device)).newPage();
  const faults = [];
  page.on('console', (message) => faults.push(message.text()));
  page.on('request', (request) => {
    if (new URL(request.url()).protocol !== 'data:' && new URL(request.url()).origin !== new URL(url).origin) {
      faults.push(`asked ${request.url()}`);
    }
  });
  await page.goto(url);
  const places = () => page.locator('tbody tr').count();
  const total = await places();
  must(total > 20, `the table has only ${total} lines`);
  const has = async (what, expected) => {
    const found = (await page.locator('tbody th', { hasText: new RegExp(`^${what}$`) }).count()) === 1;
    must(found === expected, `${what} is ${found ? 'there' : 'not there'} and should${expected ? '' : ' not'} be`);
  };
  for (const [persona, open, closed] of [
    ['not signed in', 'Mutation.login', 'Query.me'],
    ['a user', 'Query.me', 'Query.users'],
    ['a user, of their own', 'User.sessions', 'Query.users'],
    ['an administrator', 'Query.users', 'Mutation.setRoles'],
    ['an administrator who has just reauthenticated', 'Mutation.setRoles', 'Session.id'],
    ['an administrator who has just proved two factors', 'Mutation.setRoles', 'Session.id'],
  ]) {
    await page.getByRole('link', { name: persona, exact: true }).click();
    await page.waitForLoadState();
    must(await page.locator('nav [aria-current]', { hasText: persona }).count(), `${persona} is not marked as chosen`);
    await has(open, true);
    await has(closed, false);
    must((await places()) < total, `${persona} sees the complete table`);
  }
  await fits(page, `${name}: the page`);
  must(faults.length === 0, `the page: ${faults.join('; ')}`);
  await page.screenshot({ path: screenshot.replace(/\.png$/, `-${name}.png`) });
}

await run('access', new URL(url).hostname, async (browser) => {
  for (const device of devices) await look(browser, device);
});
