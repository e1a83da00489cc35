import { describe, expect, it } from 'vitest';
import { statusColor } from './status';

describe('the colour of a status', () => {
  it.each([
    ['open', 'violet', 'var(--violet)'],
    ['in_progress', null, 'var(--amber)'],
    ['done', 'red;background:url(//elsewhere.example)', 'var(--green)'],
  ] as const)('of %s with %s is %s', (category, color, shown) => expect(statusColor(category, color)).toBe(shown));
});
