// Takes a front end with each client library through what happens to sessions, in Chromium:
//
//   node test/e2e/clients/kit/flows.mjs PAGE API CONTROL BUILD
//
// BUILD is an empty folder, which PAGE serves. GET CONTROL/age makes the last proof of every session an hour old, and
// CONTROL/away and /back take the database away. WITHOUT=locks,channel takes parts of the browser away: then it must
// fail. It exits 1 with a sentence when anything is not as it should be.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { must, run } from '../../../../web/test/browser.mjs';
import { startProxy } from './proxy.mjs';

const [pageURL, api, control, build] = process.argv.slice(2);
const without = process.env.WITHOUT?.split(',') ?? [];
const folder = resolve('test/e2e/clients/graphql16');
const password = 'correct horse battery';

function compileForRelay() {
  mkdirSync(join(build, 'relay'));
  mkdirSync(join(build, 'artifacts'));
  copyFileSync(resolve('test/e2e/clients/kit/flows.js'), join(build, 'relay/flows.js'));
  copyFileSync(resolve('schema.graphql'), join(build, 'schema.graphql'));
  writeFileSync(join(build, 'relay.config.json'), JSON.stringify({
    src: './relay', schema: './schema.graphql', artifactDirectory: './artifacts', language: 'javascript', eagerEsModules: true,
  }));
  execFileSync(join(folder, 'node_modules/.bin/relay-compiler'), ['relay.config.json'], { cwd: build });
}

async function bundle() {
  const vite = await import(createRequire(resolve('web/package.json')).resolve('vite'));
  const outDir = join(build, 'page');
  const packages = { '@apollo/client': '@apollo/client4', '@urql/core': '@urql/core', 'relay-runtime': 'relay-runtime' };
  const ofFolder = {
    name: 'packages of the folder',
    resolveId(id) {
      return packages[id] ? this.resolve(packages[id], join(folder, 'package.json')) : null;
    },
  };
  await vite.build({
    configFile: false, root: resolve('test/e2e/clients/kit'), logLevel: 'warn', plugins: [ofFolder],
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: {
      alias: {
        'relay-artifacts': join(build, 'artifacts'), '@gatehouse/client': resolve('clients/typescript/src/index.ts'),
      },
    },
    build: {
      outDir, emptyOutDir: true, minify: false, target: 'es2022',
      lib: {
        entry: { page: 'page.mjs', server: resolve('clients/typescript/recipes/server.ts') },
        formats: ['es'], fileName: (_, name) => `${name}.js`,
      },
    },
  });
  writeFileSync(join(build, 'package.json'), '{"type":"module"}');
  writeFileSync(join(outDir, 'index.html'), '<!doctype html><title>page</title><script type="module" src="page.js"></script>');
}

// Tab is one tab of a front end with one library.
class Tab {
  static async open(context, library, url) {
    const tab = Object.assign(new Tab(), { page: await context.newPage(), library, url });
    await tab.load();
    return tab;
  }

  async load() {
    await this.page.goto(pageURL);
    await this.page.waitForFunction(() => window.open.length > 0);
    await this.page.evaluate((args) => window.open(...args), [this.library, this.url, without]);
  }

  ask(name, variables) {
    return this.page.evaluate((args) => window.page.ask(...args), [name, variables]);
  }

  async data(name, variables) {
    const { data, errors, thrown } = await this.ask(name, variables);
    must(data, `${name}: ${thrown}: ${JSON.stringify(errors)}`);
    return data;
  }

  async error(code, name, variables) {
    const { errors, thrown } = await this.ask(name, variables);
    must(errors?.[0]?.code === code, `${name}: ${thrown}: ${JSON.stringify(errors)}, want ${code}`);
    return errors[0];
  }

  call(name) {
    return this.page.evaluate((method) => window.page[method](), name);
  }

  // becomes waits for a state, which another tab has caused.
  becomes(state) {
    return this.page.waitForFunction((want) => window.page.state() === want, state);
  }

  // later lets the page's clock say that an hour has passed.
  later() {
    return this.page.evaluate(() => { window.ahead += 3_600_000; });
  }
}

const flows = {
  async 'field errors'({ tab, email }) {
    const error = await tab.error('BAD_USER_INPUT', 'register', { input: { email, password: 'short', cookie: true } });
    must(error.field === 'password' && error.reason === 'TOO_SHORT' && error.min === 8, JSON.stringify(error));
  },
  async register({ tab, email }) {
    must((await tab.call('start')) === 'signed-out', 'somebody is signed in');
    const { register } = await tab.data('register', { input: { email, password, cookie: true } });
    must(register.user.email === email && (await tab.call('state')) === 'signed-in', 'nobody is signed in');
    must((await tab.data('me')).me.email === email, 'me is another');
  },
  async 'a second tab, and a reload'({ tab, other }) {
    must((await other.call('start')) === 'signed-in', 'the second tab is not signed in');
    await tab.load();
    must((await tab.call('start')) === 'signed-in', 'the reload has signed out');
  },
  async 'two pages that a server renders at once'({ context, tab, proxy, email }) {
    const { gatehouseFor } = await import(join(build, 'page/server.js'));
    const [{ value, ...cookie }] = await context.cookies().then((all) => all.filter(({ name }) => name.includes('refresh')));
    const set = [];
    const visit = () => gatehouseFor(proxy.url, {
      cookie: `${cookie.name}=${value}`, origin: new URL(pageURL).origin, setCookie: (text) => set.push(text.split(/[=;]/)[1]),
    });
    const pages = await Promise.all([visit(), visit()].map((client) => client.request('{ me { email } }')));
    must(pages.every(({ me }) => me.email === email), `rendered ${JSON.stringify(pages)}`);
    must(set.length === 2 && set[0] === set[1] && set[0] !== value, 'the browser gets no next cookie');
    await context.addCookies([{ ...cookie, value: set[0] }]);
    await tab.load();
    must((await tab.call('start')) === 'signed-in', 'the cookie that the server handed on does not count');
  },
  async 'silent refresh, when the server refuses the token'({ tab, proxy }) {
    proxy.clear();
    proxy.spoil = 1;
    await tab.data('rename', { input: { name: 'Ann' } });
    must(proxy.sent.join() === 'flowsRenameMutation,Refresh,flowsRenameMutation', `sent ${proxy.sent}`);
  },
  async 'two tabs at once'({ tab, other, proxy }) {
    await Promise.all([tab.later(), other.later()]);
    proxy.clear();
    await Promise.all([tab, other].flatMap((one) => [one.data('me'), one.data('me'), one.data('activity')]));
    must(proxy.mostRefreshing === 1, `${proxy.mostRefreshing} refreshes at the same time`);
    must(proxy.count('Refresh') <= 2 && proxy.sent[0] === 'Refresh', `sent ${proxy.sent}`);
    await Promise.all([tab.load(), other.load()]);
  },
  async 'a reload storm'({ tab, other }) {
    for (let n = 0; n < 12; n += 1) {
      await Promise.all([tab, other].map(async (one) => {
        await one.load();
        void one.call('start').catch(() => {}); // the next load ends it
      }));
    }
    await Promise.all([tab.load(), other.load()]);
    for (const one of [tab, other]) must((await one.call('start')) === 'signed-in', 'the storm has signed out');
  },
  async paging({ tab, email }) {
    const seen = [];
    for (let after = null; ;) {
      const { edges, pageInfo } = (await tab.data('activity', { after })).me.activity;
      seen.push(...edges.map(({ node }) => node.id));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    must(seen.length > 0 && new Set(seen).size === seen.length, `${email} has the events ${seen}`);
  },
  async 'step-up, once for all'({ tab, other, proxy }) {
    await fetch(`${control}/age`);
    await tab.error('REAUTHENTICATION_REQUIRED', 'startTotp');
    await tab.page.evaluate((given) => { window.page.prompts = []; window.page.password = given; }, password);
    proxy.clear();
    await Promise.all([tab.data('startTotp'), tab.data('startTotp')]);
    const prompts = await tab.page.evaluate(() => window.page.prompts);
    must(prompts.length === 1 && prompts[0].maxAge === 300, `asked ${JSON.stringify(prompts)}`);
    await other.data('startTotp'); // proved there too
  },
  async 'offline and back'({ context, tab, other, proxy }) {
    await context.setOffline(true);
    const { errors } = await tab.ask('me');
    must(errors.length === 0 && (await tab.call('state')) === 'signed-in', `offline: ${JSON.stringify(errors)}`);
    await context.setOffline(false);
    proxy.down = true;
    await other.later(); // the refresh is what does not arrive
    must((await other.ask('me')).errors.length === 0, 'answered by nobody');
    must((await other.call('state')) === 'signed-in', 'a refresh that did not arrive has signed out');
    proxy.down = false;
    await Promise.all([tab.data('me'), other.data('me')]);
    await other.load();
    await other.call('start');
  },
  async 'database away'({ tab, other }) {
    await fetch(`${control}/away`);
    const error = await tab.error('UNAVAILABLE', 'rename', { input: { name: 'Bob' } });
    must(error.retryAfter >= 1, JSON.stringify(error));
    await other.later();
    await other.error('UNAVAILABLE', 'me');
    must((await other.call('state')) === 'signed-in', 'a refresh without a database has signed out');
    await fetch(`${control}/back`);
    await Promise.all([tab.data('rename', { input: { name: 'Bob' } }), other.data('me')]);
    await other.load();
    await other.call('start');
  },
  async 'logged out elsewhere'({ tab, other, email }) {
    await other.call('signOut');
    await tab.becomes('signed-out');
    must((await tab.error('UNAUTHENTICATED', 'me')).reason === 'missing', 'another reason');
    await tab.load();
    must((await tab.call('start')) === 'signed-out', 'a reload has signed in again');
    await tab.data('login', { input: { email, password, cookie: true } });
    await other.becomes('signed-in');
    await other.data('me');
  },
  async 'revoked elsewhere'({ tab, other, email }) {
    const ask = async (query, variables, token) => (await (await fetch(api, {
      method: 'POST', headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    })).json()).data;
    const login = 'mutation($input: LoginInput!) { login(input: $input) { accessToken } }';
    const { accessToken } = (await ask(login, { input: { email, password } })).login;
    await ask('mutation { revokeOtherSessions { success } }', {}, accessToken);
    must((await tab.error('UNAUTHENTICATED', 'me')).reason === 'revoked', 'another reason');
    await other.becomes('signed-out');
  },
  async 'too many attempts, with a countdown'({ tab, email }) {
    let error;
    for (let n = 0; n < 8 && error?.code !== 'RATE_LIMITED'; n += 1) {
      [error] = (await tab.ask('login', { input: { email, password: 'a wrong password', cookie: true } })).errors;
    }
    must(error.code === 'RATE_LIMITED' && error.retryAfter >= 1, JSON.stringify(error));
  },
};

async function walk(browser, library) {
  const proxy = await startProxy(api);
  const context = await browser.newContext();
  let now = 'the page';
  try {
    const [tab, other] = await Promise.all([0, 1].map(() => Tab.open(context, library, proxy.url)));
    const stage = { context, tab, other, proxy, email: `${randomUUID()}@example.com` };
    for (const [name, flow] of Object.entries(flows)) {
      now = name;
      await flow(stage);
    }
    console.log(`${library}: ${Object.keys(flows).join(', ')}`);
  } catch (error) {
    throw new Error(`${library}, ${now}: ${error.message}`);
  } finally {
    await context.close();
    proxy.close();
  }
}

compileForRelay();
await bundle();
await run('flows', new URL(api).hostname, async (browser) => {
  for (const library of ['kit', 'apollo', 'urql', 'relay']) await walk(browser, library);
});
