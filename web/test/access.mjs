// node web/test/access.mjs URL SCREENSHOT: opens the page of the access table in a browser, on a desk and on a phone, light
// and dark, filters it by persona with the keyboard alone, and exits 1 with a sentence when it is not as it should be or
// breaks a rule of axe.
import { audit, devices, fits, must, run, tabTo, watch } from './browser.mjs';

const [url, screenshot] = process.argv.slice(2);
if (!url || !screenshot) {
  console.error('usage: node web/test/access.mjs URL SCREENSHOT');
  process.exit(2);
}

// follow goes to a link by the keyboard.
async function follow(page, link) {
  await tabTo(page, link);
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

async function look(browser, name) {
  const context = await browser.newContext(devices[name]);
  const page = await context.newPage();
  const faults = watch(context, new URL(url).origin);
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
    await follow(page, page.getByRole('link', { name: persona, exact: true }));
    must(await page.locator('nav [aria-current]', { hasText: persona }).count(), `${persona} is not marked as chosen`);
    await has(open, true);
    await has(closed, false);
    must((await places()) < total, `${persona} sees the complete table`);
  }
  await fits(page, `${name}: the page`);
  await audit(page, `${name}: the filtered page`);
  must(faults.length === 0, `${name}: ${faults.join('; ')}`);
  await page.screenshot({ path: screenshot.replace(/\.png$/, `-${name}.png`) });
}

await run('access', new URL(url).hostname, async (browser) => {
  for (const name of Object.keys(devices)) await look(browser, name);
});
