import { describe, expect, it } from 'vitest';
import type { Place } from '../../base/feature';
import { Promises } from './promises.svelte';

const levels = [
  { value: 'member', label: 'Member' },
  { value: 'viewer', label: 'Viewer' },
];
const offers: Place[] = [
  { value: 'h', label: 'Harbor', levels },
  { value: 'l', label: 'Lighthouse', levels },
];

describe('what an invite promises', () => {
  it('names each place once, with one level', () => {
    const promises = new Promises({
      places: () => 'Places',
      add: () => 'Add a place',
      offers: () => offers,
      grant: (place, level) => `${place}:${level}`,
      say: () => null,
    });
    promises.add(offers[0]!);
    promises.add(offers[1]!);
    promises.set('h', 'viewer');
    expect(promises.left(offers)).toEqual([]);
    expect(promises.grants()).toEqual(['h:viewer', 'l:member']);
    promises.remove('h');
    expect(promises.left(offers).map(({ value }) => value)).toEqual(['h']);
    promises.clear();
    expect(promises.grants()).toEqual([]);
  });
});
