// Walks through a session in Chromium with each client library of a folder:
//
//   node test/e2e/clients/browser.mjs FOLDER PAGE API BUILD
//
// FOLDER has the packages: graphql16 or graphql17. BUILD is an empty folder, which PAGE serves. The page's libraries run
// as they are, bundled by Vite; Relay's documents are compiled by its own compiler. It prints what the libraries sent
// across origins, and exits 1 with a sentence when one is not answered as it should be.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { run } from '../../../web/test/browser.mjs';

const [folder, pageURL, api, build] = process.argv.slice(2).map((arg, i) => (i % 3 ? arg : resolve(arg)));
const packages = Object.keys(createRequire(join(folder, 'package.json'))('./package.json').dependencies);
const fromWeb = createRequire(resolve('web/package.json'));
const vite = await import(fromWeb.resolve('vite'));

// compileForRelay writes what Relay's compiler makes of documents.js.
function compileForRelay(artifacts) {
  const sources = join(build, 'relay');
  mkdirSync(sources);
  mkdirSync(artifacts);
  copyFileSync(resolve('test/e2e/clients/documents.js'), join(sources, 'documents.js'));
  copyFileSync(resolve('schema.graphql'), join(build, 'schema.graphql'));
  writeFileSync(join(build, 'relay.config.json'), JSON.stringify({
    src: './relay', schema: './schema.graphql', artifactDirectory: './artifacts', language: 'javascript',
    eagerEsModules: true,
  }));
  execFileSync(join(folder, 'node_modules/.bin/relay-compiler'), ['relay.config.json'], { cwd: build });
}

// bundle makes one page of page.mjs. Libraries that the folder does not have stay out.
async function bundle(artifacts) {
  const packagesOfFolder = {
    name: 'packages of the folder',
    resolveId(id, importer) {
      if (!importer?.startsWith(resolve('test/e2e/clients')) || !/^[@\w]/.test(id)) return null;
      const has = packages.some((name) => id === name || id.startsWith(`${name}/`));
      return has ? this.resolve(id, join(folder, 'package.json')) : { id, external: true };
    },
  };
  const outDir = join(build, 'page');
  await vite.build({
    configFile: false, root: resolve('test/e2e/clients'), logLevel: 'warn', plugins: [packagesOfFolder],
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { alias: { 'relay-artifacts': artifacts } },
    build: {
      outDir, emptyOutDir: true, minify: false, target: 'es2022',
      lib: { entry: 'page.mjs', formats: ['es'], fileName: () => 'page.js' },
    },
  });
  const html = '<!doctype html><title>page</title><script type="module" src="page.js"></script>';
  writeFileSync(join(outDir, 'index.html'), html);
}

// walk opens the page for one library, and returns the names of the headers that it sent to the API.
async function walk(browser, library) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const sent = new Set();
  const faults = [];
  page.on('request', (request) => {
    if (request.url().startsWith(api)) Object.keys(request.headers()).forEach((name) => sent.add(name));
  });
  page.on('requestfailed', (request) => faults.push(`${request.method()}: ${request.failure().errorText}`));
  page.on('pageerror', (error) => faults.push(error.message));
  try {
    await page.goto(pageURL);
    await page.waitForFunction(() => window.walk);
    await page.evaluate((args) => window.walk(...args), [library, api, `${randomUUID()}@example.com`]);
  } catch (error) {
    throw new Error(`${library}: ${error.message} ${faults.join(', ')}`);
  }
  await context.close();
  return sent;
}

const artifacts = join(build, 'artifacts');
if (packages.includes('relay-compiler')) compileForRelay(artifacts);
else mkdirSync(artifacts);
await bundle(artifacts);
const { libraries } = await import(resolve('test/e2e/clients/libraries.mjs'));
await run('browser', '127.0.0.1', async (browser) => {
  for (const library of Object.keys(libraries).filter((name) => packages.includes(name.replace('/react', '')))) {
    const sent = await walk(browser, library);
    const added = ['traceparent', 'sentry-trace', 'baggage', 'authorization'];
    if (library.startsWith('@apollo/')) added.push('apollographql-client-name');
    for (const name of added) {
      if (!sent.has(name)) throw new Error(`${library} did not send ${name}`);
    }
    console.log(`${library}: ${added.join(', ')}`);
  }
});
