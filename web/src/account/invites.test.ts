import { describe, expect, it } from 'vitest';
import { createApi, Session, Vault } from '../base/api';
import { json, serve } from '../base/testing';
import { expiry, grantsOf, Invites, stateOf, type Invite } from './invites.svelte';

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

describe('making invites', () => {
  const made = { ...invite, id: 'n', url: 'https://tracker.example.org/signup?code=C', code: 'C', mailed: false };

  function setUp(answer: Partial<typeof made> = {}) {
    const asked = serve(({ method }) =>
      method === 'GET'
        ? json({ items: [invite], nextCursor: null })
        : method === 'DELETE'
          ? new Response(null, { status: 204 })
          : json({ ...made, ...answer }),
    );
    return { asked, invites: new Invites(createApi(new Session(new Vault()))) };
  }

  it('sends what is promised and shows the link once', async () => {
    const { asked, invites } = setUp({ mailed: true, email: 'bob@example.org' });
    await invites.pages.first();
    const grants = [{ project: 'p', role: 'member' }];
    await invites.create({ email: ' bob@example.org ', role: 'user', days: null, grants });
    expect(asked.at(-1)?.body).toEqual({ email: 'bob@example.org', role: 'user', expiresAt: null, grants });
    expect(invites.fresh).toEqual({ id: 'n', url: made.url, mailedTo: 'bob@example.org' });
    expect(invites.pages.list.map(({ id }) => id)).toEqual(['n', 'i']);
  });

  it('gives one that has expired another week, and leaves the end of others alone', async () => {
    const { asked, invites } = setUp({ id: 'i' });
    await invites.pages.first();
    await invites.renew(invite);
    expect(asked.at(-1)).toMatchObject({ path: '/api/invites/i/renew', body: {} });
    await invites.renew({ ...invite, expiresAt: '2020-01-01T00:00:00Z' });
    expect(asked.at(-1)?.body).toEqual({ expiresAt: expiry(7) });
    expect([invites.fresh?.mailedTo, invites.pages.list.length]).toEqual([null, 1]);
  });

  it('takes the link away with the invite', async () => {
    const { invites } = setUp({ id: 'i' });
    await invites.pages.first();
    await invites.renew(invite);
    await invites.revoke(invite);
    expect(invites.fresh).toBeNull();
    expect(stateOf(invites.pages.list[0]!)).toBe('revoked');
  });

  it('reads what others wrote with care', () => {
    expect(grantsOf(invite)).toEqual([]);
    expect(grantsOf({ ...invite, grants: { project: 'p' } })).toEqual([]);
    expect(grantsOf({ ...invite, grants: ['x'] })).toEqual(['x']);
  });
});
