import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

// All but the page itself is kept compressed only: a third of the size in the binary, and nothing to compress while
// serving. web.go expands it for the rare client that does not take gzip.
export const compress = {
  name: 'compress',
  apply: 'build',
  writeBundle({ dir }) {
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory() || entry.name === 'index.html') continue;
      const path = join(entry.parentPath, entry.name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION }));
      rmSync(path);
    }
  },
};

// plainTabs: GraphiQL 5 puts two buttons into each element of the role "tab", in which nothing may be pressed (ARIA 1.2,
// tab: children are presentational). Without the roles it is a list of buttons, of which one is the current one.
const plainTabs = {
  name: 'plain-tabs',
  transform(code, id) {
    if (!id.includes('@graphiql/react/dist/components/tabs/')) return undefined;
    const parts = { 'role: "tablist",': '', 'role: "tab",': '', '"aria-selected": isActive': '"aria-current": isActive' };
    return Object.entries(parts).reduce((text, [part, plain]) => {
      if (text.split(part).length !== 2) this.error(`GraphiQL's tabs have changed: ${part} is not there once`);
      return text.replace(part, plain);
    }, code);
  },
};

export default defineConfig({
  base: './',
  plugins: [plainTabs, compress],
  build: {
    // Below dist, so that emptying it spares dist/.gitkeep, without which a fresh clone would not compile.
    outDir: 'dist/playground',
    assetsInlineLimit: 0, // no data: fonts, which the Content-Security-Policy refuses
    chunkSizeWarningLimit: 4000, // Monaco in one piece
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    target: 'es2022',
    rolldownOptions: { checks: { moduleLevelDirective: false } }, // "use client" means nothing here
  },
  worker: { format: 'es' },
});
