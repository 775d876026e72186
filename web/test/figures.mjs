// node web/test/figures.mjs URL: measures what docs/figures.md says of the pages, and prints it: the first load of
// /account with nothing cached and a processor slowed to a quarter, until its form is there; and how long the server
// takes for each page that /admin asks for, of its users by each order and filter, to the end and back, and of its audit
// log. URL is a server at localhost with an administrator root@example.com and as many users as are of interest.
import { auditVariables, orders, roles, statuses, usersVariables } from '../admin/app/filters.js';
import { audit, users } from '../admin/app/operations.js';
import { ask, login, Visit, w } from './account/visit.mjs';
import { must, run } from './browser.mjs';

const [url] = process.argv.slice(2);
const loads = 15;

// say prints a line of figures in ms: median, 99th percentile, and the longest.
function say(what, times) {
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.floor(part * (times.length - 1))].toFixed(0);
  console.log(`${what}: ${at(0.5)} ms, 99 % within ${at(0.99)} ms, all within ${at(1)} ms (of ${times.length})`);
}

async function load(browser) {
  const visit = await Visit.open(browser, 'load', 'phone', 'en');
  const session = await visit.context.newCDPSession(visit.page);
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await visit.page.goto(new URL('account', url).href, { waitUntil: 'commit' });
  await visit.page.getByLabel(w('field.email'), { exact: true }).waitFor();
  const time = await visit.page.evaluate(() => performance.now()); // since the navigation began
  await visit.context.close();
  must(visit.faults.length === 0, visit.faults.join('; '));
  return time;
}

// through asks for each page of a list, to its end and back, and returns how long each took.
async function through(query, variablesOf, params, token) {
  const times = [];
  const next = async (cursor) => {
    const began = performance.now();
    const answer = await ask(query, variablesOf(new URLSearchParams({ ...params, ...cursor })), token);
    times.push(performance.now() - began);
    return Object.values(answer)[0].pageInfo;
  };
  let info = await next({});
  while (info.hasNextPage) info = await next({ after: info.endCursor });
  while (info.hasPreviousPage) info = await next({ before: info.startCursor });
  return times;
}

await run('figures', `${new URL(url).hostname} , EXCLUDE 127.0.0.1`, async (browser) => {
  const times = [];
  for (let n = 0; n < loads; n += 1) times.push(await load(browser));
  say('first load of /account, processor slowed to a quarter', times);

  const token = await login('root@example.com');
  const filters = [
    ...Object.keys(orders).map((order) => ({ order })), ...statuses.map((status) => ({ status })),
    ...roles.map((role) => ({ role })), { confirmed: 'yes' }, { confirmed: 'no' }, { search: 'user1' },
    { search: 'user42@example.com' }, { search: 'nobody' }, { since: '2026-01-01', until: '2026-12-31' },
  ];
  for (const params of filters) {
    say(`users of ${JSON.stringify(params)}`, await through(users, usersVariables, params, token));
  }
  say('audit log', await through(audit, auditVariables, {}, token));
});
