import { expect, it } from 'vitest';
import { wanted } from './wanted';

it.each([
  ['?next=%2Fp', '', '/p'],
  ['?error=denied&provider=oidc&then=%2Fp', '', '/p'],
  ['', '#factor=T&methods=totp&then=%2Fp%3Fq%3D1', '/p?q=1'],
  ['?next=%2F', '', '/'],
  ['?provider=oidc', '#factor=T', null],
  ['?next=//example.org', '', null],
  ['?then=/%5Cexample.org', '', null],
  ['?then=https://example.org/', '', null],
  ['', '#then=javascript:alert(1)', null],
])('knows where somebody wanted to go: %s %s', (search, hash, place) => {
  expect(wanted(new URLSearchParams(search), hash)).toBe(place);
});
