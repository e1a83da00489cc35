import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

// Imports go one way: product -> tracker/search -> tracker/board -> tracker/comment -> tracker/issue -> tracker/project ->
// account -> base, and notes -> account -> base. A slice is entered by its index.ts, or by parts.ts. src/imports.test.ts
// holds the same rule.
const TRACKER = ['project', 'issue', 'comment', 'board', 'search'];
const entry = (...slices) => ({
  group: slices.flatMap((slice) => [`**/${slice}/*`, `!**/${slice}/parts`]),
  message: 'Import the slice by its index.ts, or what pages are made of by its parts.ts.',
});
const forbid = (files, ...groups) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns: groups }] } });
const no = (group, message) => ({ group, message });

export default ts.config(
  { ignores: ['dist/', 'src/base/i18n/generated/', 'src/base/api/schema.d.ts', 'playwright-report/', 'test-results/'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-undef': 'off', // TypeScript knows better
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off', // with noUncheckedIndexedAccess it is how one says "this is there"
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'svelte/no-at-html-tags': 'error', // the one exception stands in base/ui/Markdown.svelte
      'svelte/no-navigation-without-resolve': 'off', // SvelteKit only
      'svelte/prefer-svelte-reactivity': 'off', // plain maps with one version signal: measured, see base/store
      'no-restricted-globals': [
        'error',
        { name: 'sessionStorage', message: 'Nothing of a session is stored.' },
        { name: 'event', message: 'Take it as a parameter.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'crypto', property: 'randomUUID', message: 'Absent on plain http: use uuid() of base/api.' },
        { object: 'navigator', property: 'clipboard', message: 'Absent on plain http: use copyText of base/ui.' },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: "The policy style-src 'self' blocks style attributes; style: directives are set by script and pass.",
        },
        {
          selector: 'SvelteElement[kind="html"] > SvelteStartTag > SvelteSpreadAttribute',
          message: 'Brings 1.5 KB of Svelte into the first load of every page: name the attributes, or attach.',
        },
      ],
      'svelte/require-each-key': 'error',
    },
  },
  forbid(
    ['src/base/**'],
    no(
      ['**/account', '**/account/**', '**/notes', '**/notes/**', '**/tracker/**', '**/product'],
      'base knows no slice.',
    ),
  ),
  forbid(['src/sw/**'], no(['../*', '../**'], 'The service worker is built on its own.')),
  forbid(
    ['src/account/**'],
    no(['**/notes', '**/notes/**', '**/tracker/**', '**/product'], 'account may import base only.'),
  ),
  forbid(
    ['src/notes/**'],
    no(['**/tracker/**', '**/product'], 'notes may import account and base only.'),
    entry('account'),
  ),
  ...TRACKER.map((slice, at) =>
    forbid(
      [`src/tracker/${slice}/**`],
      no(
        ['**/notes', '**/notes/**', '**/product', ...TRACKER.slice(at + 1).flatMap((s) => [`../${s}`, `**/${s}/**`])],
        `${slice} may import account, base and the tracker slices before it.`,
      ),
      entry('account', ...TRACKER.slice(0, at)),
    ),
  ),
);
