import { defineConfig } from 'vite';
import { compress } from './vite.config.js';

// The page at /account, whose HTML the server writes.
export default defineConfig({
  base: './',
  plugins: [compress],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist/account',
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.md' },
    modulePreload: false,
    target: 'es2022',
    rolldownOptions: { input: 'account/app/main.jsx' },
  },
});
