import { expect, test } from 'vitest';
import { ago } from './ago';

const NOW = Date.parse('2026-11-24T12:00:00Z');

test.each([
  ['2026-11-24T11:59:30Z', 'now'],
  ['2026-11-24T12:00:30Z', 'now'], // a clock that goes ahead
  ['2026-11-24T11:59:00Z', '1 minute ago'],
  ['2026-11-24T11:00:01Z', '59 minutes ago'],
  ['2026-11-24T11:00:00Z', '1 hour ago'],
  ['2026-11-23T12:00:01Z', '23 hours ago'],
  ['2026-11-23T12:00:00Z', 'yesterday'],
  ['2026-10-25T12:00:00Z', '30 days ago'],
  ['2026-10-24T12:00:00Z', 'Oct 24, 2026'],
  ['no time', 'no time'],
])('%s is %s', (time, said) => expect(ago(time, NOW, 'en-US').replace(/^0 seconds ago$/u, 'now')).toBe(said));
