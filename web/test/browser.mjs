// What the tests that drive a browser have in common. CHROMIUM names the browser where it is not /usr/bin/chromium.
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

export function must(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

// launch starts a browser that resolves no name but this one.
export async function launch(host) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-features=IsolateSandboxedIframes', // a process for the frame of each mail
      `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${host}`,
    ],
  });
  browser.on('context', (context) => context.setDefaultTimeout(hangGuard));
  return browser;
}

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

// audit looks for what axe finds, by all of its rules or those of some tags, but not in frames, where no script runs.
export async function audit(page, what, tags) {
  if (!(await page.evaluate(() => Boolean(globalThis.axe)))) await page.evaluate(axe);
  const { violations } = await page.evaluate((runOnly) => globalThis.axe.run(document, { iframes: false, ...(runOnly && { runOnly }) }), tags);
  must(violations.length === 0, `${what}: ${violations.map((v) => `${v.id} (${v.nodes[0].html})`).join('; ')}`);
}

// fits says when a page is wider than the screen, or a text than its place there; of a phone, also on the narrowest one
// (WCAG 2.2, 1.4.10).
export async function fits(page, what) {
  await fitsNow(page, what);
  const size = page.viewportSize();
  if (size.width !== phone.viewport.width) return;
  await page.setViewportSize({ width: 320, height: 640 });
  await fitsNow(page, `${what}, on the narrowest phone,`);
  await page.setViewportSize(size);
}

async function fitsNow(page, what) {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  must(wider <= 0, `${what} is ${wider} pixels wider than the screen`);
  const texts = await page.evaluate(() => [...document.querySelectorAll('h1, h2, p, li, dt, dd, label, button')]
    .filter((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'visible')
    .map((e) => e.innerText));
  must(texts.length === 0, `${what}: these are wider than their place: ${texts.join('; ')}`);
}

// watch collects what the pages of a context do wrong: requests to other servers, failed ones, errors, what the
// Content-Security-Policy forbade, which is a console error.
export function watch(context, origin) {
  const faults = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'about:'].includes(url.protocol) && url.origin !== origin) faults.push(`asked ${request.url()}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 400) faults.push(`got ${response.status()} for ${response.url()}`);
  });
  context.on('weberror', (error) => faults.push(`threw: ${error.error().message}`));
  context.on('console', (message) => faults.push(`wrote to the console: ${message.text()}`));
  return faults;
}

// hangGuard is how long a test waits for anything, in ms: no machine is as slow as that.
export const hangGuard = 120_000;

export const desk = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

// devices are the screens on which a page is looked at, in both colour schemes.
export const devices = {
  desk,
  'phone-dark': { ...phone, colorScheme: 'dark' },
  phone,
  'desk-dark': { ...desk, colorScheme: 'dark' },
};

// tabTo moves the keyboard's focus to an element.
export async function tabTo(page, element) {
  await element.waitFor();
  for (let n = 0; n < 400; n += 1) { // a page of 50 lines has some links in each
    if (await element.evaluate((e) => e === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${element}`);
}

// run runs a test and exits 1 with a sentence when it fails.
export async function run(name, host, test) {
  const browser = await launch(host);
  try {
    await test(browser);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
