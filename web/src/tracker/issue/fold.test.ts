import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fold } from './fold';

const KEYS = join(import.meta.dirname, '../../../../internal/base/fold/testdata/keys.json');

it.each(Object.entries(JSON.parse(readFileSync(KEYS, 'utf8')) as Record<string, string>))(
  'folds %j as the server does',
  (text, key) => {
    expect(fold(text)).toBe(key);
    expect(fold(key)).toBe(key);
  },
);
