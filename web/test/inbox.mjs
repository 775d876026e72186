// node web/test/inbox.mjs URL SCREENSHOT: opens the page of mails in a browser, on a desk and on a phone, light and dark,
// and exits 1 with a sentence when a mail is not shown, is wider than its frame, loads anything or breaks a rule of axe.
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const [url, screenshot] = process.argv.slice(2);
if (!url || !screenshot) {
  console.error('usage: node web/test/inbox.mjs URL SCREENSHOT');
  process.exit(2);
}

const must = (holds, sentence) => {
  if (!holds) throw new Error(sentence);
};

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

const devices = [
  { name: 'desk', viewport: { width: 1280, height: 800 } },
  { name: 'dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { name: 'phone', viewport: { width: 390, height: 740 }, isMobile: true, hasTouch: true },
  { name: 'phone-dark', viewport: { width: 390, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
];

async function fits(page, what) {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  must(wider <= 0, `${what} is ${wider} pixels wider than the screen`);
}

async function audit(page, what, tags) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((runOnly) => axe.run(document, { iframes: false, ...(runOnly && { runOnly }) }), tags);
  must(violations.length === 0, `${what}: ${violations.map((v) => `${v.id} (${v.nodes[0].html})`).join('; ')}`);
}

async function look(browser, { name, ...device }) {
  const context = await browser.newContext(device);
  const page = await context.newPage();
  const faults = [];
  context.on('console', (message) => faults.push(message.text()));
  context.on('request', (request) => {
    if (!['data:', 'about:'].includes(new URL(request.url()).protocol) && new URL(request.url()).origin !== new URL(url).origin) {
      faults.push(`asked ${request.url()}`);
    }
  });
  await page.goto(url);
  await page.screenshot({ path: screenshot.replace(/\.png$/, `-${name}.png`) });
  await fits(page, `${name}: the page`);
  await audit(page, `${name}: the page`);
  // No script runs in the frames, so each mail is looked at on a page of its own.
  const mails = await page.locator('iframe').evaluateAll((frames) => frames.map((frame) => [frame.title, frame.srcdoc]));
  must(mails.length > 0 && page.frames().length === mails.length + 1, `${page.frames().length} frames for ${mails.length} mails`);
  const mail = await context.newPage();
  for (const [title, html] of name === 'dark' || name === 'phone' ? mails : []) {
    await mail.setContent(html);
    must((await mail.locator('h1').innerText()) === title, `${title}: the mail has another title`);
    await fits(mail, `${name}: ${title}`);
    if (name === 'dark') await audit(mail, `${name}: ${title}`, ['wcag2a', 'wcag2aa', 'wcag21aa']); // a mail has no landmarks
  }
  must(faults.length === 0, `${name}: ${faults.join('; ')}`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  for (const device of devices) await look(browser, device);
} catch (error) {
  console.error(`inbox: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
