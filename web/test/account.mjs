// node web/test/account.mjs URL FLOW,… [all]: goes through the page at /account in a browser, with the keyboard alone, as each
// flow below says. URL is a server with the default issuer, at localhost, where passkeys work. It exits 1 with a sentence
// when anything is not as it should be. With "all", each flow on each
// screen. SCREENSHOTS names a folder for pictures.
import { must, run } from './browser.mjs';
import { pictures, screens, Visit } from './account/visit.mjs';

const [url, names, all] = process.argv.slice(2);

const flows = {};
for (const name of names.split(',')) Object.assign(flows, { [name]: (await import(`./account/${name}.mjs`)).default });

await run('account', `${new URL(url).hostname} , EXCLUDE 127.0.0.1`, async (browser) => {
  for (const [n, [name, flow]] of Object.entries(flows).entries()) {
    for (const [s, screen] of Object.keys(screens).entries()) {
      if (!all && s !== n % 4) continue;
      const visit = await Visit.open(browser, name, screen);
      try {
        await flow(visit, url);
      } catch (error) {
        if (pictures) await visit.page.screenshot({ path: `${pictures}/account-${name}-failed.png`, fullPage: true });
        visit.faults.push(error.message);
      }
      await visit.context.close();
      must(visit.faults.length === 0, `${name} on ${screen}: ${visit.faults.join('; ')}`);
    }
  }
});
