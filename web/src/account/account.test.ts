import { expect, test } from 'vitest';
import { named } from './account';

test('somebody who was deleted is shown without a name', () => {
  expect(named({ id: '1', displayName: 'Ann' })).toEqual({ id: '1', displayName: 'Ann' });
  expect(named({ id: '2', displayName: '', deleted: true }).displayName).toBe('Deleted account');
});
