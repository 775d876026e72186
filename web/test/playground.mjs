// Walks through the Playground of a running server in Chromium, looks for what axe finds, and takes screenshots.
//
//   node web/test/playground.mjs URL SCREENSHOT.png [all]      also writes SCREENSHOT-phone.png
//
// On a light desk and a dark phone; with "all" on a dark desk and a light phone too: with the keyboard alone at a desk, by
// touch on a phone. Each time it registers accounts with made-up addresses and logs in. `npm ci` in web/ installs what
// drives the browser; CHROMIUM names the browser where it is not /usr/bin/chromium. Exits 0 when all is well, 1 with a
// sentence when not, and 2 when called wrongly.
import { audit, devices, hangGuard, must, phone, run as inBrowser, tabTo } from './browser.mjs';

// watch collects faults of a page: requests to other servers, failed ones, errors.
function watch(page, origin) {
  const faults = [];
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) faults.push(`asked another server: ${request.url().slice(0, 200)}`);
  });
  page.on('response', (response) => {
    if (!response.ok()) faults.push(`got ${response.status()} for ${response.url()}`);
  });
  page.on('requestfailed', (request) => faults.push(`got nothing for ${request.url()}`));
  page.on('pageerror', (error) => faults.push(`threw: ${error.message}`));
  // Violations of the Content-Security-Policy are console errors, and Monaco without its workers is a warning.
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`wrote to the console: ${message.text()}`);
  });
  return faults;
}

// visit opens the Playground on a device and walks through it; what the page did wrong on the way is part of a failure.
async function visit(browser, device, url, walk) {
  const context = await browser.newContext(device);
  const page = await context.newPage();
  const faults = watch(page, new URL(url).origin);
  try {
    const [introspected] = await Promise.all([answerTo(page, 'IntrospectionQuery'), load(page, url)]);
    must(introspected.answer.data?.__schema, 'the introspection query was refused');
    await walk(page);
  } catch (error) {
    throw new Error([error.message, ...faults.map((fault) => `the page ${fault}`)].join('; '));
  }
  must(faults.length === 0, `the page ${faults.join('; it ')}`);
  await context.close();
}

async function load(page, url) {
  await page.goto(url);
  must(!(await page.getByText('is not built').count()), 'the Playground is not built: run make playground');
  await editorShows(page, 'mutation Register');
}

// answerTo waits for the named operation to be sent and answered.
function answerTo(page, name) {
  const named = new RegExp(`^\\s*(query|mutation) ${name}\\b`, 'm');
  return page.waitForResponse((response) => named.test(response.request().postDataJSON()?.query))
    .then(async (response) => ({ request: response.request(), answer: await response.json() }));
}

// textOf gives a Monaco editor's visible text without white space, which wrapped lines break up.
const textOf = (page, selector) =>
  page.$$eval(`${selector} .view-line`, (lines) => lines.map((line) => line.textContent).join('').replace(/\s/g, ''));

async function shows(page, selector, expected, where) {
  const until = Date.now() + hangGuard;
  let text;
  do {
    text = await textOf(page, selector);
    if (text.includes(expected.replace(/\s/g, ''))) return;
    await page.waitForTimeout(50);
  } while (Date.now() < until);
  throw new Error(`the ${where} does not show ${JSON.stringify(expected)} but ${JSON.stringify(text)}`);
}

const editorShows = (page, expected) => shows(page, '.graphiql-query-editor', expected, 'operation editor');
const resultShows = (page, expected) => shows(page, '.result-window', expected, 'result pane');

// press uses a button or a link as the device does.
async function press(page, element) {
  if (await page.evaluate(() => navigator.maxTouchPoints)) return element.tap();
  await tabTo(page, element);
  return page.keyboard.press('Enter');
}

const button = (page, name) => page.getByRole('button', { name });

const pressRun = (page) => press(page, button(page, /^Execute query/));

// inTheEditor presses keys where an operation is written.
async function inTheEditor(page, pressing) {
  const editor = page.locator('.graphiql-query-editor .graphiql-editor');
  await press(page, editor);
  await pressing(page.keyboard);
  await page.keyboard.press('Escape');
  await editor.and(page.locator(':focus')).waitFor();
}

const pressKeys = (page) => inTheEditor(page, (keyboard) => keyboard.press('Control+Enter'));

// run opens the tab of the named operation and runs it.
async function run(page, name, start = pressRun) {
  await press(page, page.locator('.graphiql-tabs').getByRole('button', { name, exact: true }));
  await editorShows(page, ['Me', 'Sessions'].includes(name) ? `query ${name} {` : `${name}($`);
  const [answered] = await Promise.all([answerTo(page, name), start(page)]);
  return answered;
}

const statusIs = (page, text) => page.getByRole('status').getByText(text, { exact: true }).waitFor();

async function meIsRefused(page) {
  const { request } = await run(page, 'Me');
  must(!request.headers().authorization, 'an Authorization header was sent by a page that is not signed in');
  await resultShows(page, '"code": "UNAUTHENTICATED"');
  await statusIs(page, 'Not signed in');
}

// signIn runs Register or Login and gives what must not be stored.
async function signIn(page, name) {
  const { request, answer } = await run(page, name);
  const payload = answer.data?.[name.toLowerCase()];
  must(payload?.accessToken, `${name} gave no token but ${JSON.stringify(answer)}`);
  const { email, password } = request.postDataJSON().variables.input;
  await resultShows(page, `"${name.toLowerCase()}": {`); // on a phone the token fills the pane: the rest is below
  await statusIs(page, `Signed in as ${email}`);
  return { email, secrets: [payload.accessToken, password] };
}

async function meAnswers(page, email, token) {
  const { request } = await run(page, 'Me', pressKeys);
  must(request.headers().authorization === `Bearer ${token}`, 'Me was sent without the newest access token');
  await resultShows(page, `"email": "${email}"`);
}

async function documentationIsThere(page) {
  const explorer = page.locator('.graphiql-doc-explorer');
  await press(page, button(page, 'Show Documentation Explorer'));
  await press(page, explorer.getByRole('link', { name: 'Mutation', exact: true }));
  await explorer.getByText('Access: everyone, whom success signs in.').first().waitFor();
  await press(page, explorer.getByRole('link', { name: 'register', exact: true }));
  await explorer.getByText('Makes an account and signs it in.').waitFor();
  await audit(page, 'the documentation');
  await press(page, button(page, 'Hide Documentation Explorer'));
}

// editorsLetGo goes into each editor, and out again by Esc and Tab.
async function editorsLetGo(page) {
  const editors = page.locator('[tabindex="0"]:has(.monaco-editor):visible');
  must(await editors.count() === 3, `${await editors.count()} editors`);
  for (const editor of await editors.all()) {
    await press(page, editor);
    await editor.locator('textarea:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    must(await editor.evaluate((e) => !e.contains(document.activeElement)), `the keyboard does not leave ${editor}`);
  }
}

// dialogsAreThere opens each, and closes it.
async function dialogsAreThere(page) {
  for (const name of ['Open short keys dialog', 'Open settings dialog']) {
    await press(page, button(page, name));
    await page.getByRole('dialog').waitFor();
    await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
    await audit(page, `the page after "${name}"`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }
}

// theEditorHelps uses what GraphiQL loads late: the workers that find mistakes, and the formatter.
async function theEditorHelps(page) {
  await press(page, button(page, 'New tab'));
  await inTheEditor(page, async (keyboard) => {
    await keyboard.type('{ mee { id } }');
    await page.locator('.graphiql-query-editor .squiggly-error').waitFor();
  });
  await press(page, button(page, /^Prettify/));
  await page.locator('.graphiql-query-editor .view-line').nth(4).waitFor();
}

async function nothingIsStored(page, secrets) {
  await page.waitForTimeout(1000); // GraphiQL would store its tabs half a second after a change
  const stored = await page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
  }));
  for (const [place, values] of Object.entries(stored)) {
    must(Object.keys(values).length === 0, `the page stored something (${place}): ${JSON.stringify(values)}`);
  }
  const cookies = JSON.stringify(await page.context().cookies());
  must(!secrets.some((secret) => cookies.includes(secret)), 'a cookie holds an access token or a password');
}

// theOtherTabsRun runs the tab that needs a session, and those that want more than one has.
async function theOtherTabsRun(page) {
  const sessions = await run(page, 'Sessions');
  must(sessions.answer.data.me.sessions.length > 0, 'no session is listed');
  const refresh = await run(page, 'Refresh');
  must(refresh.answer.errors[0].extensions.code === 'INVALID_TOKEN', 'a made-up refresh token was exchanged');
  const users = await run(page, 'Users');
  must(users.answer.errors[0].extensions.code === 'FORBIDDEN', 'a user saw all users');
}

// runsAs presses the buttons of made-up people, and looks at what they may.
async function runsAs(page) {
  const seen = {};
  for (const [persona, address, refusal] of [
    ['a user', /^Signed in as (user-\w+@example\.com)$/, 'FORBIDDEN'],
    ['an administrator', /^Signed in as (admin-\w+@example\.com)$/, undefined],
    ['a user', /^Signed in as (user-\w+@example\.com)$/, 'FORBIDDEN'],
  ]) {
    await press(page, button(page, `Run as ${persona}`));
    await page.getByRole('status').getByText(address).waitFor();
    const [, email] = (await page.getByRole('status').innerText()).match(address);
    must((seen[persona] ??= email) === email, `another ${persona} than before: ${email} after ${seen[persona]}`);
    const { answer } = await run(page, 'Users');
    must(answer.errors?.[0].extensions.code === refusal, `${persona}: ${JSON.stringify(answer)}`);
  }
}

// signedOut presses the button, and asks whether the session has ended.
async function signedOut(page, token) {
  const [ended] = await Promise.all([
    answerTo(page, 'SignOut'),
    press(page, button(page, 'Sign out')),
  ]);
  must(ended.answer.data?.logout.success, `signing out answered ${JSON.stringify(ended.answer)}`);
  const reason = await page.evaluate(async (token) => {
    const headers = { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const response = await fetch('graphql', { method: 'POST', headers, body: '{"query": "{ me { id } }"}' });
    return (await response.json()).errors?.[0].extensions.reason;
  }, token);
  must(reason === 'revoked', `a token that was signed out is ${reason ?? 'accepted'}`);
}

// theOthersAreLinked follows each link of the page.
async function theOthersAreLinked(page) {
  for (const [name, heading] of Object.entries({ Access: 'Who may use what', Account: 'Sign in', Inbox: 'Mails' })) {
    const [other] = await Promise.all([page.waitForEvent('popup'), press(page, page.getByRole('link', { name, exact: true }))]);
    await other.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await other.close();
  }
}

const atTheDesk = (screenshot) => async (page) => {
  await audit(page, 'the page');
  await documentationIsThere(page);
  await dialogsAreThere(page);
  await meIsRefused(page);
  const registered = await signIn(page, 'Register');
  const loggedIn = await signIn(page, 'Login');
  await meAnswers(page, loggedIn.email, loggedIn.secrets[0]);
  await editorsLetGo(page);
  await theOtherTabsRun(page);
  await theOthersAreLinked(page);
  await nothingIsStored(page, [...registered.secrets, ...loggedIn.secrets]);
  await audit(page, 'an answer');
  await page.screenshot({ path: screenshot });
  await signedOut(page, loggedIn.secrets[0]);
  await meIsRefused(page);
  await runsAs(page);
  await theEditorHelps(page);
};

const onThePhone = (screenshot) => async (page) => {
  const { email, secrets } = await signIn(page, 'Register');
  await meAnswers(page, email, secrets[0]);
  const { width, height } = phone.viewport;
  for (const selector of ['.graphiql-execute-button', '.result-window', '[role=status]']) {
    const box = await page.locator(selector).boundingBox();
    const inside = box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
    must(inside, `${selector} is off a phone's screen`);
  }
  await audit(page, 'an answer on a phone');
  await page.screenshot({ path: screenshot });
};

const [url, screenshot, all] = process.argv.slice(2);
if (!URL.canParse(url ?? '') || !screenshot) {
  console.error('usage: node web/test/playground.mjs URL SCREENSHOT.png [all]');
  process.exit(2);
}
await inBrowser('playground', new URL(url).hostname, async (browser) => {
  const named = (name) => screenshot.replace(/(\.png)?$/, `${name}.png`);
  await visit(browser, devices.desk, url, atTheDesk(named('')));
  await visit(browser, devices['phone-dark'], url, onThePhone(named('-phone')));
  if (!all) return;
  await visit(browser, devices['desk-dark'], url, atTheDesk(named('-dark')));
  await visit(browser, devices.phone, url, onThePhone(named('-phone-light')));
});
