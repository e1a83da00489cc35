import { expect, it } from 'vitest';
import { effortOptions, parseEffort } from './effort';

it.each([
  ['0', 0],
  ['0.5', 0.5],
  ['0,5', 0.5],
  [' 40 ', 40],
  ['1.125', 1.125],
])('takes %s as %d points', (text, points) => expect(parseEffort(text)).toBe(points));

it.each(['-1', '0.0001', '1e9', '1000000', 'many', '', '.5'])('does not take "%s"', (text) =>
  expect(parseEffort(text)).toBeNull(),
);

it('offers the usual steps and the present value in its place', () => {
  expect(effortOptions(4).map(({ value }) => value)).toEqual([null, 1, 2, 3, 4, 5, 8, 13, 21]);
});
