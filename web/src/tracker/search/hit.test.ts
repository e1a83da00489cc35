import { expect, it } from 'vitest';
import { hrefOf, mark } from './hit';

const shown = (text: string, ...words: string[]) =>
  mark(text, words)
    .map((segment) => (segment.marked ? `[${segment.text}]` : segment.text))
    .join('');

it.each([
  ['Crash of the agent', ['agent', 'cr'], '[Cr]ash of the [agent]'],
  ['Café au lait', ['cafe'], '[Café] au lait'],
  ['Cafe\u0301 au lait', ['cafe'], '[Cafe\u0301] au lait'.replace('\u0301]', ']\u0301')],
  ['ABAB', ['aba', 'bab'], '[ABA]B'],
  ['Cut a corner', ['a', 'c'], '[C]ut [a] [c]orner'],
  ['foo-bar, x2 v1.2', ['bar', '2', '-b'], 'foo[-bar], x2 v1.[2]'],
  ['Œuvre in Łódź', ['oeu', 'lodz', 'uvre'], '[Œu]vre in [Łódź]'],
  ['la日本b', ['b', '本', 'a'], 'la日[本b]'],
  ['日本語のテキスト', ['本語'], '日[本語]のテキスト'],
  ['👩‍🚀 flies', ['fl'], '👩‍🚀 [fl]ies'],
  ['İstanbul', ['istanbul'], '[İstanbul]'],
  ['nothing', ['zzz'], 'nothing'],
  ['', ['a'], ''],
])('marks %s', (text, words, want) => expect(shown(text, ...words)).toBe(want));

it('leads to a comment below its issue', () => {
  expect(hrefOf({ key: 'HRB-1', commentId: null })).toBe('/issues/HRB-1');
  expect(hrefOf({ key: 'HRB-1', commentId: 'c' })).toBe('/issues/HRB-1#comment-c');
});
