import { describe, expect, test } from 'vitest';
import { problem } from '../testing';
import { isNetwork, Problem } from './problem';

describe('Problem', () => {
  test('reads problem+json with its fields', async () => {
    const errors = [
      { location: 'body.email', message: 'expected an address' },
      { location: 'body.password', message: 'too short' },
    ];
    const got = await Problem.from(problem(422, { detail: 'validation', errors }));
    expect(got.status).toBe(422);
    expect(got.message).toBe('validation');
    expect(got.field('email')).toBe('expected an address');
    expect(got.field('body.password')).toBe('too short');
    expect(got.field('name')).toBeUndefined();
    expect(got.passing).toBe(false);
  });

  test('carries the current row of a conflict and when to come back', async () => {
    expect((await Problem.from(problem(409, { current: { version: 4 } }))).current).toEqual({ version: 4 });
    const busy = await Problem.from(problem(503, {}, { 'Retry-After': '7' }));
    expect(busy.retryAfter).toBe(7);
    expect(busy.passing).toBe(true);
  });

  test.each([
    ['an HTML page of a proxy', '<html>Bad gateway</html>'],
    ['nothing', ''],
    ['a list', '[1]'],
    ['null', 'null'],
    ['fields of other types', '{"title":7,"detail":{},"errors":[null,3,{"location":1}]}'],
  ])('is made of %s too', async (_, body) => {
    const got = await Problem.from(new Response(body, { status: 502, statusText: 'Bad Gateway' }));
    expect(got.status).toBe(502);
    expect(got.message).not.toBe('');
    expect(got.passing).toBe(true);
  });
});

test('network trouble is told from other errors', () => {
  expect(isNetwork(new TypeError('Failed to fetch'))).toBe(true);
  expect(isNetwork(new DOMException('', 'AbortError'))).toBe(true);
  expect(isNetwork(new Problem({ status: 500 }))).toBe(false);
  expect(isNetwork(new RangeError())).toBe(false);
});
