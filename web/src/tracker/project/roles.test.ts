import { expect, it } from 'vitest';
import { grantable, may } from './roles';

it('lets each role do what the weaker ones may', () => {
  expect([
    may('owner', 'viewer'),
    may('maintainer', 'maintainer'),
    may('member', 'maintainer'),
    may(null, 'viewer'),
  ]).toEqual([true, true, false, false]);
});

it('lets nobody grant above their own role', () => {
  expect(grantable('maintainer')).toEqual(['viewer', 'member', 'maintainer']);
  expect(grantable(null)).toEqual([]);
});
