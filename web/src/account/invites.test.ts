import { describe, expect, it } from 'vitest';
import { expiry, stateOf, type Invite } from './invites.svelte';

const now = new Date('2026-11-24T10:00:00');
const invite: Invite = {
  id: 'i',
  email: null,
  role: 'user',
  grants: null,
  createdAt: '2026-11-01T00:00:00Z',
  expiresAt: null,
  usedAt: null,
  revokedAt: null,
};

describe('an invite', () => {
  it('is open until it is used, withdrawn or expired', () => {
    expect(stateOf(invite, now)).toBe('open');
    expect(stateOf({ ...invite, expiresAt: '2026-11-30T00:00:00Z' }, now)).toBe('open');
    expect(stateOf({ ...invite, expiresAt: '2026-11-20T00:00:00Z' }, now)).toBe('expired');
    expect(stateOf({ ...invite, revokedAt: '2026-11-20T00:00:00Z' }, now)).toBe('revoked');
    expect(stateOf({ ...invite, usedAt: '2026-11-20T00:00:00Z', expiresAt: '2026-11-21T00:00:00Z' }, now)).toBe('used');
  });

  it('holds to the end of its last day', () => {
    expect(expiry(7, now)).toBe(new Date('2026-12-01T23:59:59').toISOString());
    expect(expiry(null, now)).toBeNull();
  });
});
