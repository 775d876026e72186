// Bundles what front ends import of clients/typescript, as their build does, and prints its size:
//
//   node test/e2e/clients/size.mjs
//
// It exits 1 when the core is larger than a front end should pay for a client without a framework.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const limit = 5000; // bytes, compressed
const vite = await import(createRequire(resolve('web/package.json')).resolve('vite'));
const index = JSON.stringify(resolve('clients/typescript/src/index.ts'));

async function size(names) {
  const entry = {
    name: 'entry',
    resolveId: (id) => (id === 'entry' ? '\0entry' : null),
    load: (id) => (id === '\0entry' ? `export ${names} from ${index}` : null),
  };
  const { output } = await vite.build({
    configFile: false, logLevel: 'warn', plugins: [entry],
    build: {
      write: false, minify: true, target: 'es2022', modulePreload: { polyfill: false },
      rolldownOptions: { input: 'entry', preserveEntrySignatures: 'strict', output: { format: 'es' } },
    },
  });
  return gzipSync(output[0].code).length;
}

const core = await size('{ createGatehouse, GatehouseError, apiErrors }');
console.log(`the core has ${core} bytes, everything ${await size('*')}, compressed`);
if (core > limit) {
  console.error(`size: the core of clients/typescript has ${core} bytes, more than ${limit}`);
  process.exitCode = 1;
}
