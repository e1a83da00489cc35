import { describe, expect, it, vi } from 'vitest';
import { createApi, Session, Vault } from '../base/api';
import { json, problem, serve } from '../base/testing';
import { Confirmation } from './confirmation.svelte';
import { expiry, grantsOf, Invites, stateOf, type Invite } from './invites.svelte';

const confirmation = () =>
  new Confirmation({
    means: () => Promise.resolve({ password: true, totp: false, passkey: false, providers: [] }),
    password: () => Promise.resolve(),
    totp: () => Promise.resolve(),
    passkey: () => Promise.resolve(),
    provider: () => Promise.resolve(),
  });

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
    return { asked, invites: new Invites(createApi(new Session(new Vault())), confirmation()) };
  }

  it('asks for a proof of identity where an admin is to be made', async () => {
    let proved = false;
    serve(() => (proved ? json({ ...made, role: 'admin' }) : problem(403, { code: 'confirm' })));
    const proof = confirmation();
    const invites = new Invites(createApi(new Session(new Vault())), proof);
    const created = invites.create({ email: '', role: 'admin', days: 7, grants: [] });
    await vi.waitFor(() => expect(proof.open).toBe(true));
    proved = true;
    await proof.withPassword('secret');
    await created;
    expect(invites.fresh?.id).toBe('n');
  });

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
