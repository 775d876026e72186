// node web/test/inbox.mjs URL: opens the page of mails in a browser, on a desk and on a phone, light and dark, and exits 1
// with a sentence when a mail is not shown, is wider than its frame, loads anything or breaks a rule of axe. SCREENSHOTS
// names a folder for pictures of each mail.
import { audit, devices, fits, must, run, watch } from './browser.mjs';

const [url] = process.argv.slice(2);
const pictures = process.env.SCREENSHOTS;

async function look(browser, name) {
  const context = await browser.newContext(devices[name]);
  const page = await context.newPage();
  const faults = watch(context, new URL(url).origin);
  await page.goto(url);
  if (pictures) await page.screenshot({ path: `${pictures}/inbox-${name}.png` });
  await fits(page, `${name}: the page`);
  await audit(page, `${name}: the page`);
  // No script runs in the frames, so each mail is looked at on a page of its own.
  const mails = await page.locator('article').evaluateAll((all) => all.map((article) => {
    const frame = article.querySelector('iframe');
    return { title: frame.title, html: frame.srcdoc, name: `${article.querySelector('code').textContent}-${article.lang}` };
  }));
  must(mails.length > 0 && page.frames().length === mails.length + 1, `${page.frames().length} frames for ${mails.length} mails`);
  const mail = await context.newPage();
  for (const [n, { title, html, name: kind }] of mails.entries()) {
    if (!pictures && name !== 'desk-dark' && name !== 'phone') continue;
    await mail.setContent(html);
    must((await mail.locator('h1').innerText()) === title, `${title}: the mail has another title`);
    await fits(mail, `${name}: ${title}`);
    if (pictures) await mail.screenshot({ path: `${pictures}/mail-${kind}-${n}-${name}.png`, fullPage: true });
    if (name === 'desk-dark') await audit(mail, `${name}: ${title}`, ['wcag2a', 'wcag2aa', 'wcag21aa']); // a mail has no landmarks
  }
  must(faults.length === 0, `${name}: ${faults.join('; ')}`);
}

await run('inbox', new URL(url).hostname, async (browser) => {
  for (const name of Object.keys(devices)) await look(browser, name);
});
