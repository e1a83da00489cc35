import { expect, test, vi } from 'vitest';
import { uuid } from './uuid';

test('is a version 4 UUID, and another one each time', () => {
  const made = new Set(Array.from({ length: 500 }, () => uuid()));
  expect(made.size).toBe(500);
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
});

test('needs no secure context', () => {
  vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(7) });
  expect(uuid()).toBe('07070707-0707-4707-8707-070707070707');
  vi.unstubAllGlobals();
});
