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

export default defineConfig({
  base: './',
  plugins: [compress],
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
