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
  account: ['base'],
  notes: ['base', 'account'],
  'tracker/project': ['base', 'account'],
  'tracker/issue': ['base', 'account', 'tracker/project'],
  'tracker/board': ['base', 'account', 'tracker/project', 'tracker/issue'],
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
    return local || other === 'base' || (to === 'product' && from === 'main.ts')
      ? null
      : `only ${PRODUCT} names slices`;
  }
  if (!MAY[own]!.includes(other)) return `${own} may import ${MAY[own]!.join(', ') || 'nothing but itself'}`;
  return other === 'base' || to === other ? null : `enter ${other} by its index.ts`;
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

test('every file belongs to a slice that is listed', () => {
  const strays = sources().filter(({ path }) => path.includes('/') && sliceOf(path) === '');
  expect(strays.map(({ path }) => path)).toEqual([]);
  expect(ROOT_MAY).toContain('base');
});

test.each([
  ['base/ui/Button.svelte', '../../account', 'base may'],
  ['account/account.ts', '../notes', 'account may'],
  ['notes/note.ts', '../tracker/issue', 'notes may'],
  ['tracker/project/project.ts', '../issue', 'tracker/project may'],
  ['tracker/issue/issue.ts', '../board/board.svelte', 'tracker/issue may'],
  ['tracker/board/board.svelte.ts', '../issue/issue', 'enter tracker/issue by its index.ts'],
  ['App.svelte', './tracker/board', 'only product.ts'],
])('%s may not import %s', (path, to, reason) => {
  for (const text of [`import { x } from '${to}';`, `export { x } from "${to}";`, `const x = import('${to}');`]) {
    const [found] = importsOf(path, text);
    expect(found && fault(found)).toContain(reason);
  }
});
