// node web/test/account.mjs LINK PASSWORD SCREENSHOT: opens the link of a mail twice and then presses its button, and
// exits 1 with a sentence when the page does not do what it says, keeps the token in its address, or breaks a rule of axe.
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const [link, password, screenshot] = process.argv.slice(2);
const must = (holds, sentence) => {
  if (!holds) throw new Error(sentence);
};
const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const context = await browser.newContext({ viewport: { width: 390, height: 600 }, colorScheme: 'dark' });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  for (let n = 0; n < 2; n += 1) {
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByRole('button').waitFor();
  }
  must(!page.url().includes('#'), `the token is in the address: ${page.url()}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  must(violations.length === 0, violations.map((v) => `${v.id} (${v.nodes[0].html})`).join('; '));
  if (await page.locator('#password').isVisible()) await page.locator('#password').fill(password);
  await page.screenshot({ path: screenshot });
  await page.getByRole('button').click();
  await page.locator('form').waitFor({ state: 'hidden' });
  await page.goto('about:blank');
  await page.goto(link);
  if (await page.locator('#password').isVisible()) await page.locator('#password').fill(password);
  await page.getByRole('button').click();
  await page.locator('[role=status]:not(:empty)').waitFor();
  must(await page.locator('form').isVisible(), 'the link works twice');
  must(faults.length === 0, faults.join('; '));
} catch (error) {
  console.error(`account: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
