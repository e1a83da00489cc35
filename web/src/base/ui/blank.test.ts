import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isBlank, trimmed } from './blank';

const TEXTS = join(import.meta.dirname, '../../../../internal/base/blank/testdata/texts.json');

it.each(Object.entries(JSON.parse(readFileSync(TEXTS, 'utf8')) as Record<string, string>))(
  'trims %j as the server does',
  (text, left) => {
    expect(trimmed(text)).toBe(left);
    expect(isBlank(text)).toBe(left === '');
  },
);
