import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';
import { budget } from './build/budget.ts';
import { keep } from './build/keep.ts';
import { pack } from './build/pack.ts';
import { start } from './build/start.ts';
import { worker } from './build/worker.ts';
import settings from './project.inlang/settings.json' with { type: 'json' };

const dist = fileURLToPath(new URL('./dist', import.meta.url));
const api = process.env.PEISEAR_API ?? 'http://127.0.0.1:3000';

const texts = () =>
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/base/i18n/generated',
    strategy: ['globalVariable', 'baseLocale'],
    emitTsDeclarations: true,
    // With one language there is nothing to choose by.
    ...(settings.locales.length === 1 ? { experimentalStaticLocale: JSON.stringify(settings.baseLocale) } : {}),
  });

/** What a page may load before it is whole, in bytes, compressed. Editor, charts and palette come when used. */
const FIRST_LOAD = { scripts: 60_000, styles: 12_000 };

const beginning = start({
  texts: 'messages/en',
  always: /[\\/]ProjectsSection\.svelte$/,
  fonts: /(inter|jetbrains-mono)-latin-wght-normal-[^/]*\.woff2$/,
});

export default defineConfig(({ mode }) => ({
  // npm test compiles the texts before; the plugin's watcher would keep the test runner from ending.
  plugins:
    mode === 'test'
      ? [svelte()]
      : [
          texts(),
          tailwindcss(),
          svelte(),
          beginning.plugin,
          worker(dist),
          pack(dist),
          budget(dist, FIRST_LOAD),
          keep(dist),
        ],
  // Tests mount components, so they need Svelte's browser build.
  ...(mode === 'test' ? { resolve: { conditions: ['browser'] } } : {}),
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: 'es2023',
    // No data: URLs for scripts or styles: the content security policy allows files of our own only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      treeshake: { moduleSideEffects: [{ test: /i18n[\\/]generated/, sideEffects: false }] },
      output: {
        codeSplitting: { groups: beginning.groups },
      },
    },
  },
  server: { port: 5173, strictPort: true, proxy: { '/api': { target: api, changeOrigin: true } } },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts', 'build/**/*.test.ts'],
    setupFiles: ['src/base/testing/setup.ts'],
    restoreMocks: true,
    testTimeout: 60_000, // no test measures time; a busy machine must not decide
    hookTimeout: 60_000,
  },
}));
