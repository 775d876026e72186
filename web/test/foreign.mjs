// node web/test/foreign.mjs SERVER APP FOREIGN PATH,… [all]: opens pages of other origins in a signed-in browser, and
// has them do to each of these paths of the server what such pages do: put it into a frame, open it and send it messages,
// send operations with the cookie, have it lead elsewhere. SERVER allows the origin APP and not FOREIGN; all are at
// localhost, and FOREIGN serves an empty page to every name below it. It exits 1 with a sentence when anything comes of it.
import { hangGuard, must, run } from './browser.mjs';

const [server, app, neighbour, list, all] = process.argv.slice(2);
const stranger = neighbour.replace('//', '//evil.'); // another site; the neighbour is another port of the same
const paths = list.split(',');
const secret = 'of-the-address';
const password = 'correct horse battery';
const at = (path) => new URL(path, server).href;

const signIn = (field, email) =>
  `mutation { ${field}(input: {email: "${email}", password: "${password}", cookie: true}) { accessToken } }`;

// ask sends an operation from a page, as its origin may, and gives the answer or the name of the error.
const ask = (page, query, token) => page.evaluate(async ([url, body, access]) => {
  const headers = { 'content-type': 'application/json', ...(access && { authorization: `Bearer ${access}` }) };
  const sent = fetch(url, { method: 'POST', credentials: access ? 'omit' : 'include', headers, body });
  return sent.then((response) => response.json(), (error) => error.name);
}, [at('graphql'), JSON.stringify({ query }), token]);

async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

// framed gives those of some addresses that are shown in a frame of a page.
async function framed(page, addresses) {
  await page.evaluate((urls) => Promise.all(urls.map((src) => new Promise((resolve) => {
    document.body.append(Object.assign(document.createElement('iframe'), { src, onload: resolve, onerror: resolve }));
  }))), addresses);
  const frames = page.frames().slice(1);
  for (const until = Date.now() + hangGuard; !frames.every((frame) => frame.url()); await page.waitForTimeout(20)) {
    must(Date.now() < until, 'a frame has no address'); // of which the browser tells a moment after it has loaded
  }
  const shown = frames.map((frame) => frame.url());
  must(shown.length === addresses.length, `${shown.length} frames`);
  return shown.filter((url) => !url.startsWith('chrome-error:'));
}

async function frames(context, origin, shows) {
  const page = await open(context, origin);
  const shown = await framed(page, shows.map(at));
  must(shown.length === 0, `a page of ${origin} has ${shown.join(', ')} in a frame`);
  const own = await open(context, origin);
  must((await framed(own, [`${origin}/own`])).length === 1, 'a frame does not show what it may');
  await Promise.all([page.close(), own.close()]);
}

// settled waits until a page shows what it has to: its scripts go on after its last request.
async function settled(page) {
  await page.waitForLoadState('networkidle');
  await page.waitForFunction(() => !document.querySelector('.loading, [aria-busy=true]'));
}

// messages opens a page from another, sends it what pages send each other, and looks for any difference.
async function messages(context, origin, path) {
  const page = await open(context, origin);
  const still = await open(context, at(path));
  const look = (of) => of.evaluate(() => [location.href, document.title,
    ...[...document.querySelectorAll('h1, h2, [role=status], main form')].map((element) => element.innerText)].join(' | '));
  await settled(still);
  const [opened] = await Promise.all([
    context.waitForEvent('page'), page.evaluate((url) => { globalThis.opened = open(url); }, at(path)),
  ]);
  await settled(opened);
  const held = await page.evaluate(() => {
    const { opened: to } = globalThis;
    const data = { type: 'session', token: 'T', ended: 'S', redirect: location.href, query: 'mutation { logout { success } }' };
    for (const message of [data, JSON.stringify(data), 'signOut', ['logout']]) to.postMessage(message, '*');
    return !to.closed;
  });
  must(!held, `${path}: who opened the page holds it`);
  must(await opened.evaluate(() => globalThis.opener === null), `${path}: the page knows who opened it`);
  must(await look(opened) === await look(still), `${path}: the page is another after messages of ${origin}`);
  await Promise.all([page.close(), opened.close(), still.close()]);
}

// leaves follows links from a page to another origin, in its tab and in a new one.
async function leaves(context, path) {
  const told = [];
  context.on('request', (request) => {
    if (request.url().startsWith(neighbour)) told.push(request.allHeaders());
  });
  const page = await open(context, `${at(path)}?x=${secret}#token=${secret}`);
  const follow = (target) => page.evaluate(([href, to]) => {
    Object.assign(document.createElement('a'), { href, target: to }).click();
  }, [neighbour, target]);
  const [opened] = await Promise.all([context.waitForEvent('page'), follow('_blank')]);
  await opened.waitForLoadState();
  must(await opened.evaluate(() => globalThis.opener === null), `${path}: a page that is opened knows by whom`);
  await Promise.all([page.waitForURL(`${neighbour}/`), follow('')]);
  const headers = await Promise.all(told);
  must(headers.length >= 2, `${path} led on ${headers.length} times`);
  must(!JSON.stringify(headers).includes(secret) && headers.every(({ referer }) => !referer), `${path} is told: ${JSON.stringify(headers)}`);
  await Promise.all([page.close(), opened.close()]);
}

// simple sends an operation in all ways in which a page may without asking.
const simple = (page, query) => page.evaluate(async ([url, operation]) => {
  const json = JSON.stringify({ query: operation });
  const form = new URLSearchParams({ query: operation });
  const parts = new FormData();
  parts.append('query', operation);
  const address = `${url}?${form}`;
  const bodies = [form, parts, json, new Blob([json]), new Blob([json], { type: 'text/plain' })];
  const options = { mode: 'no-cors', credentials: 'include' };
  await Promise.allSettled([
    ...bodies.map((body) => fetch(url, { ...options, method: 'POST', body })), fetch(address, options),
    new Promise((resolve) => { Object.assign(new Image(), { src: address, onload: resolve, onerror: resolve }); }),
    ...['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'].map((enctype) => new Promise((resolve) => {
      const target = `frame${document.forms.length}`;
      const frame = Object.assign(document.createElement('iframe'), { name: target });
      const sent = Object.assign(document.createElement('form'), { action: url, method: 'post', target, enctype });
      const field = (name, value) => Object.assign(document.createElement('input'), { name, value });
      sent.append(field('query', operation), field(json.replace('}', ',"a":"'), '"}'));
      document.body.append(frame, sent); // a form of no document sends nothing
      frame.onload = resolve;
      sent.submit();
    })),
  ]);
  for (const body of bodies) navigator.sendBeacon(url, body);
}, [at('graphql'), query]);

async function operations(context, page, origin, access) {
  const before = JSON.stringify(await context.cookies());
  const foreign = await open(context, origin);
  for (const query of [
    'mutation { logout { success } }', 'mutation { refresh(input: {}) { accessToken } }',
    signIn('login', 'eve@example.com'), signIn('register', 'mallory@example.com'),
  ]) {
    await simple(foreign, query);
    const answer = await ask(foreign, query);
    must(answer === 'TypeError', `a page of ${origin} reads ${JSON.stringify(answer)}`);
  }
  const { data } = await ask(page, '{ me { email sessions { id } } }', access);
  must(data?.me?.email === 'ann@example.com' && data.me.sessions.length === 1, `${origin} has changed ${JSON.stringify(data)}`);
  must(JSON.stringify(await context.cookies()) === before, `a page of ${origin} has changed the cookie`);
  await foreign.close();
}

// redirects has /account lead on to what a browser reads as an origin that is not allowed.
async function redirects() {
  const host = new URL(stranger).host;
  const own = new URL(app).host;
  let kept = 0;
  for (const scheme of ['http://', 'http:', 'http:/', 'http:///', '//', '/\\', '\\\\', 'https://', 'javascript://', 'data:,', '\thttp://', 'h\nttp://']) {
    for (const name of [own, host, `${own}@${host}`, `${own}:x@${host}`, `${host}\\@${own}`, `${host}#@${own}`, `${host}?@${own}`,
      `${host}%2f@${own}`, `${own}.${host}`, `${own}%00.${host}`, `${own}\u3002${host}`, `[::1]@${host}`, `${own};@${host}`]) {
      const to = `${scheme}${name}/page`;
      const html = await (await fetch(at(`account?redirect=${encodeURIComponent(to)}`))).text();
      const { redirect } = JSON.parse(html.match(/<script id="data"[^>]*>(.*)<\/script>/s)[1]).settings;
      if (redirect === undefined) continue;
      kept += 1;
      must(new URL(redirect, server).origin === new URL(app).origin, `/account leads on to ${redirect}`);
    }
  }
  must(kept > 0, 'no page is led on to');
}

await run('foreign', 'localhost , EXCLUDE *.localhost', async (browser) => {
  await redirects();
  const types = new Map();
  for (const path of paths) {
    const { headers, body } = await fetch(at(path), { headers: { accept: 'text/html' } });
    types.set(path, headers.get('content-type') ?? '');
    await body?.cancel();
  }
  const context = await browser.newContext();
  const page = await open(context, app);
  for (const name of ['eve', 'ann']) must((await ask(page, signIn('register', `${name}@example.com`))).data, `${name} is not registered`);
  const { accessToken } = (await ask(page, 'mutation { refresh(input: {}) { accessToken } }')).data.refresh;
  for (const origin of [neighbour, stranger]) {
    await operations(context, page, origin, accessToken);
    await frames(context, origin, [...types.keys()].filter((path) => /^text|json/.test(types.get(path)))); // no downloads
  }
  const pages = paths.filter((path) => types.get(path).startsWith('text/html'));
  must(pages.length > 12, `the pages are ${pages}`);
  // Pages of links in mails have one script, and a page with a slash behind its name is the same.
  const like = /^\/account\/(?!reset$|verify$)|^\/.+\/$/;
  for (const path of pages.filter((name) => all || !like.test(name))) {
    await messages(context, stranger, path);
    const reader = await browser.newContext();
    await leaves(reader, path);
    await reader.close();
  }
  must((await ask(page, 'mutation { logout { success } }')).data.logout.success, 'the app cannot sign out');
  must(!(await context.cookies()).some(({ name }) => name === 'gatehouse_refresh'), 'the cookie is still there');
});
