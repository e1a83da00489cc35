/**
 * Who may import whom. The same rule stands in eslint.config.js; this one cannot be switched off by a comment, and it
 * sees dynamic imports.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = import.meta.dirname;

/** The slices in their order: each may import base, account and, within the tracker, those before it. */
const MAY: Record<string, readonly string[]> = {
  base: [],
  sw: [], // the service worker, built on its own
  account: ['base'],
  notes: ['base', 'account'],
  'tracker/project': ['base', 'account'],
  'tracker/issue': ['base', 'account', 'tracker/project'],
  'tracker/comment': ['base', 'account', 'tracker/project', 'tracker/issue'],
  'tracker/board': ['base', 'account', 'tracker/project', 'tracker/issue'],
  'tracker/search': ['base', 'account', 'tracker/project', 'tracker/issue'],
};
/** The files of the root, which know everybody or, but for product.ts, nobody. */
const PRODUCT = 'product.ts';
const ROOT_MAY = ['base', PRODUCT];

const sliceOf = (path: string) => Object.keys(MAY).find((slice) => path.startsWith(`${slice}/`)) ?? '';

interface Import {
  from: string;
  to: string;
}

/** The imports of other slices, as paths from src. */
function importsOf(path: string, text: string): Import[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/gu);
  return [...found].map(([, to]) => ({ from: path, to: normalize(join(dirname(path), to!)) }));
}

/** Why an import is not allowed; null when it is. */
function fault({ from, to }: Import): string | null {
  const [own, other] = [sliceOf(from), sliceOf(`${to}/`)];
  if (from === PRODUCT || (own !== '' && own === other)) return null;
  if (own === '') {
    const local = !to.includes('/') && to !== 'product';
    return local || other === 'base' || (to === 'product' && from === 'start.ts')
      ? null
      : `only ${PRODUCT} names slices`;
  }
  if (!MAY[own]!.includes(other)) return `${own} may import ${MAY[own]!.join(', ') || 'nothing but itself'}`;
  return other === 'base' || to === other || to === `${other}/parts` ? null : `enter ${other} by its index.ts`;
}

function sources(): { path: string; text: string }[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|svelte)$/u.test(path) && !path.includes('generated'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

test('imports go one way', () => {
  const all = sources().flatMap(({ path, text }) => importsOf(path, text));
  expect(all.length).toBeGreaterThan(300);
  const faults = all.flatMap((one) => {
    const reason = fault(one);
    return reason ? [`${one.from} imports ${one.to}: ${reason}`] : [];
  });
  expect(faults).toEqual([]);
});

test('what every page loads of a slice has no components', () => {
  const entries = sources().filter(({ path }) => sliceOf(path) !== '' && path === `${sliceOf(path)}/index.ts`);
  expect(entries.length).toBeGreaterThan(4);
  for (const { path, text } of entries) {
    const loaded = text.matchAll(/\bfrom\s+['"]([^'"]+)['"]/gu);
    expect([path, [...loaded].map(([, from]) => from).filter((from) => /\.svelte$|\/parts$/u.test(from!))]).toEqual([
      path,
      [],
    ]);
  }
});

test('every file belongs to a slice that is listed', () => {
  const strays = sources().filter(({ path }) => path.includes('/') && sliceOf(path) === '');
  expect(strays.map(({ path }) => path)).toEqual([]);
  expect(ROOT_MAY).toContain('base');
});

/** What only a product has. Words that the foundation has uses of its own for, such as status, are not among them. */
const NOUNS = /^(issue|project|priority|priorities|assignee|effort|backlog|sprint)s?$/u;

/** The words of a file's name and of its code, comments left out: "IssueCard" has issue and card. */
function wordsOf(path: string, text: string): string[] {
  const code = text.replaceAll(/<!--.*?-->|\/\*.*?\*\/|(?<!:)\/\/[^\n]*/gsu, '');
  return (path + code)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/gu, ' ')
    .split(/[^\p{L}]+/u)
    .map((word) => word.toLowerCase());
}

/** The nouns of the product in a file of the foundation. */
function nounsOf(path: string, text: string): string[] {
  const ours = path.startsWith('base/') && !path.endsWith('.test.ts') && path !== 'base/sync/fixture.ts';
  const described = path === 'base/api/schema.d.ts'; // generated from the whole server
  return ours && !described ? wordsOf(path, text).filter((word) => NOUNS.test(word)) : [];
}

test('the foundation knows no product', () => {
  const known = sources().flatMap(({ path, text }) => nounsOf(path, text).map((noun) => `${path}: ${noun}`));
  expect(known).toEqual([]);
  const texts = ['../messages/en.json', '../messages/en/base.json'].map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }));
  for (const { path, text } of texts) expect(wordsOf(path, text).filter((word) => NOUNS.test(word))).toEqual([]);
});

test.each([
  ['base/ui/IssueCard.svelte', ''],
  ['base/ui/glyphs.ts', "export const PRIORITIES = ['urgent', 'low'];"],
  ['base/ui/StatusIcon.svelte', "{#if category === 'backlog'}"],
  ['base/state/app.svelte.ts', "if (path.startsWith('/projects/')) go(); // the board"],
])('%s is not of the foundation with %s', (path, text) => expect(nounsOf(path, text)).not.toEqual([]));

/** Whose the texts are, by the beginning of their names. */
const TEXTS: Record<string, string> = {
  ui: 'base',
  base: 'base',
  drag: 'base',
  account: 'account',
  note: 'notes',
  project: 'tracker/project',
  issue: 'tracker/issue',
  comment: 'tracker/comment',
  board: 'tracker/board',
  search: 'tracker/search',
};

/** The texts that a file takes from slices that it may not import. */
function foreignTexts(path: string, text: string): string[] {
  const own = sliceOf(path) || 'base';
  const names = [...text.matchAll(/\bm\.(([a-z]+)_\w+)\(/gu)];
  return names.flatMap(([, name, whose]) => {
    const slice = TEXTS[whose!] ?? 'nobody';
    return slice === own || MAY[own]!.includes(slice) ? [] : [`${path}: ${name} is of ${slice}`];
  });
}

test('texts are taken where imports may be', () => {
  const files = sources().filter(({ path }) => !path.endsWith('.test.ts'));
  expect(files.flatMap(({ path, text }) => foreignTexts(path, text))).toEqual([]);
  expect(foreignTexts('base/ui/Avatar.svelte', 'm.issue_unassigned()')).toHaveLength(1);
  expect(foreignTexts('tracker/issue/issue.ts', 'm.board_help()')).toHaveLength(1);
  expect(foreignTexts('App.svelte', 'm.issue_unassigned()')).toHaveLength(1);
});

test.each([
  ['base/ui/Button.svelte', '../../account', 'base may'],
  ['account/account.ts', '../notes', 'account may'],
  ['notes/note.ts', '../tracker/issue', 'notes may'],
  ['tracker/project/project.ts', '../issue', 'tracker/project may'],
  ['tracker/issue/issue.ts', '../board/board.svelte', 'tracker/issue may'],
  ['tracker/issue/IssueBody.svelte', '../comment', 'tracker/issue may'],
  ['tracker/board/board.svelte.ts', '../issue/issue', 'enter tracker/issue by its index.ts'],
  ['tracker/board/board.svelte.ts', '../issue/IssueCard.svelte', 'enter tracker/issue by its index.ts'],
  ['App.svelte', './tracker/board', 'only product.ts'],
])('%s may not import %s', (path, to, reason) => {
  for (const text of [`import { x } from '${to}';`, `export { x } from "${to}";`, `const x = import('${to}');`]) {
    const [found] = importsOf(path, text);
    expect(found && fault(found)).toContain(reason);
  }
});
