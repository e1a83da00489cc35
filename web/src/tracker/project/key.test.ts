import { expect, it } from 'vitest';
import { isKey, suggestKey, toKey } from './key';

it.each([
  ['Harbor', 'HARB'],
  ['Apache Mesos', 'AM'],
  ['Café Überall', 'CU'],
  ['Spring XD', 'SX'],
  ['Go', 'GO'],
  ['3 Little Pigs', 'LP'],
  ['日本語', ''],
  ['X', ''],
  ['', ''],
])('suggests for %s the key %s', (name, key) => expect(suggestKey(name)).toBe(key));

it('suggests a key that is not taken', () => {
  expect(suggestKey('Harbor', new Set(['HARB', 'HARB2']))).toBe('HARB3');
});

it('lets nothing else be typed than a key', () => {
  expect(toKey('9my-key with much more')).toBe('MYKEYWITHM');
  expect([isKey('A'), isKey('AB'), isKey('A234567890'), isKey('A2345678901'), isKey('1A')]).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
});
