import { expect, test } from 'vitest';
import { beyond, firstLoads, type Script } from './budget.ts';

const script = (source: string, fields: Partial<Script> = {}): Script => ({
  imports: [],
  styles: [],
  first: false,
  source,
  ...fields,
});

const BUILD = new Map([
  ['main.js', script('/src/main.ts', { first: true, styles: ['main.css'] })],
  ['app.js', script('/src/start.ts', { first: true, imports: ['main.js'], styles: ['app.css'] })],
  ['board.js', script('/src/tracker/board/BoardPage.svelte', { imports: ['app.js', 'shared.js'] })],
  ['issue.js', script('/src/tracker/issue/IssuePage.svelte', { imports: ['shared.js'], styles: ['issue.css'] })],
  ['shared.js', script('', { imports: ['app.js', 'board.js'] })],
  ['editor.js', script('/src/base/ui/MarkdownEditor.svelte', { imports: ['app.js'] })],
]);
const SIZES: Record<string, number> = {
  ...{ 'main.js': 1, 'app.js': 10, 'board.js': 1_000, 'issue.js': 10_000, 'shared.js': 100_000 },
  ...{ 'editor.js': 1_000_000, 'main.css': 1, 'app.css': 10, 'issue.css': 100 },
};
const loads = firstLoads(BUILD, (file) => SIZES[file]!);

test('a page loads the start, itself and what these import, each once', () => {
  expect(loads).toEqual([
    { page: 'Board', scripts: 101_011, styles: 11 },
    { page: 'Issue', scripts: 111_011, styles: 111 },
  ]);
});

test('what is beyond the budget is named, what is at it is not', () => {
  expect(beyond(loads, { scripts: 111_011, styles: 111 })).toEqual([]);
  expect(beyond(loads, { scripts: 111_010, styles: 110 })).toEqual([
    'Issue: 111011 bytes of scripts, of 111010',
    'Issue: 111 bytes of styles, of 110',
  ]);
});
