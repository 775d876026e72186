// Walks through examples/typescript's page in Chromium: a user stays logged in over a reload, by a cookie that no script
// can read, and a page of another origin gets nothing.
//
//   node web/test/cookie.mjs PAGE API FOREIGN SCREENSHOT.png
//
// PAGE and FOREIGN serve the page; the API allows the origin of PAGE only. Exits 0 when all is well, 1 with a sentence
// when not, and 2 when called wrongly.
import { randomUUID } from 'node:crypto';
import { must, run } from './browser.mjs';

const [pageURL, api, foreignURL, screenshot] = process.argv.slice(2);
if (!screenshot) {
  console.error('usage: node web/test/cookie.mjs PAGE API FOREIGN SCREENSHOT.png');
  process.exit(2);
}

const email = `ada.${randomUUID()}@example.com`;
const statusIs = (page, text) => page.getByRole('status').getByText(text, { exact: true }).waitFor();

async function open(context) {
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => faults.push(`wrote to the console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`threw: ${error.message}`));
  await page.goto(pageURL);
  return { page, faults };
}

// cookieOf gives the one cookie that the browser holds.
async function cookieOf(context) {
  const [cookie, ...others] = await context.cookies();
  must(cookie?.name === 'gatehouse_refresh' && others.length === 0, `the browser holds the cookies ${JSON.stringify([cookie, ...others])}`);
  must(cookie.httpOnly && cookie.sameSite === 'Strict' && cookie.path === '/', `the cookie is ${JSON.stringify(cookie)}`);
  return cookie.value;
}

async function nothingIsReadable(page) {
  const readable = await page.evaluate(async () => ({
    cookie: document.cookie,
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: await indexedDB.databases(),
  }));
  must(Object.values(readable).every((place) => place.length === 0), `a script can read ${JSON.stringify(readable)}`);
}

// foreignPageGetsNothing sends the cookie from an origin that is not allowed: a browser does so, the ports being one site.
async function foreignPageGetsNothing(context) {
  const page = await context.newPage();
  await page.goto(foreignURL);
  for (const [method, body] of [['GET'], ['POST', '{"query":"mutation { refresh(input: {}) { accessToken } }"}']]) {
    const outcome = await page.evaluate(
      ([url, method, body]) =>
        fetch(`${url}?query={__typename}`, {
          method, body, credentials: 'include', headers: body ? { 'Content-Type': 'application/json' } : {},
        }).then((response) => `status ${response.status}`, (error) => error.name),
      [api, method, body],
    );
    must(outcome === 'TypeError', `${method} from another origin was answered: ${outcome}`);
  }
  await page.close();
  // What the browser kept from the page, asked for again with the same cookie.
  for (const [origin, status] of [[foreignURL, 403], [pageURL, 200]]) {
    const answer = await context.request.get(`${api}?query={__typename}`, { headers: { Origin: new URL(origin).origin } });
    must(answer.status() === status, `the cookie from ${origin} was answered with ${answer.status()} instead of ${status}: ${await answer.text()}`);
  }
}

async function walk(context) {
  const { page, faults } = await open(context);
  await statusIs(page, 'Not signed in');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(randomUUID());
  await page.getByRole('button', { name: 'Register' }).click();
  await statusIs(page, `Signed in as ${email}`);
  await nothingIsReadable(page);
  const first = await cookieOf(context);

  await page.reload();
  await statusIs(page, `Signed in as ${email}`);
  await nothingIsReadable(page);
  must((await cookieOf(context)) !== first, 'the cookie was not replaced by the refresh');
  await page.screenshot({ path: screenshot });

  await foreignPageGetsNothing(context);
  const other = await open(context);
  await statusIs(other.page, `Signed in as ${email}`);

  await page.getByRole('button', { name: 'Log out' }).click();
  await statusIs(page, 'Not signed in');
  must((await context.cookies()).length === 0, 'the cookie is still there after logging out');
  await page.reload();
  await statusIs(page, 'Not signed in');
  await other.page.reload();
  await statusIs(other.page, 'Not signed in');
  must(faults.length + other.faults.length === 0, `the page ${[...faults, ...other.faults].join('; it ')}`);
}

await run('cookie', new URL(pageURL).hostname, async (browser) => {
  await walk(await browser.newContext({ viewport: { width: 640, height: 480 } }));
});
