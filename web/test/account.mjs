// node web/test/account.mjs URL FLOW,… [all]: goes through the page at /account in a browser, with the keyboard alone, as
// each flow of the folder account does, in another language and on another screen each. URL is a server with the default
// issuer, at localhost, where passkeys work, with an administrator root@example.com. It exits 1 with a sentence when
// anything is not as it should be. With "all", each flow on each screen. SCREENSHOTS names a folder for pictures.
import { devices, must, run } from './browser.mjs';
import { languages, pictures, Visit } from './account/visit.mjs';

const [url, names, all] = process.argv.slice(2);

const flows = {};
for (const name of names.split(',')) Object.assign(flows, { [name]: (await import(`./account/${name}.mjs`)).default });

await run('account', `${new URL(url).hostname} , EXCLUDE 127.0.0.1`, async (browser) => {
  for (const [n, [name, flow]] of Object.entries(flows).entries()) {
    for (const [s, screen] of Object.keys(devices).entries()) {
      if (!all && s !== n % 4) continue;
      const language = languages[(all ? n + s : n + 3) % 4];
      const visit = await Visit.open(browser, name, screen, language);
      try {
        await flow(visit, url);
      } catch (error) {
        if (pictures) await visit.page.screenshot({ path: `${pictures}/account-${name}-failed.png`, fullPage: true });
        visit.faults.push(error.message);
      }
      await visit.context.close();
      must(visit.faults.length === 0, `${name} on ${screen} in ${language}: ${visit.faults.join('; ')}`);
    }
  }
});
