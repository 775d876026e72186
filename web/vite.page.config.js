import { defineConfig } from 'vite';
import { compress } from './vite.config.js';

// The page at /MODE, whose HTML the server writes.
export default defineConfig(({ mode }) => ({
  base: './',
  plugins: [compress],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: `dist/${mode}`,
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.md' },
    modulePreload: false,
    target: 'es2022',
    rolldownOptions: { input: `${mode}/app/main.jsx` },
  },
}));
