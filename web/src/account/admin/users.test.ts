import { afterEach, describe, expect, it, vi } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { json, problem, serve, type Handler } from '../../base/testing';
import { Confirmation } from '../confirmation.svelte';
import { deedsFor, factsOf } from './deeds';
import { Users, type User } from './users.svelte';

afterEach(() => vi.useRealTimers());

const bob: User = {
  id: 'bob',
  email: 'bob@example.org',
  displayName: 'Bob',
  role: 'user',
  disabled: false,
  createdAt: '2026-11-01T00:00:00Z',
  lastSeenAt: null,
  factors: ['totp'],
  providers: ['github', 'oidc'],
  version: 1,
};
const eve: User = { ...bob, id: 'eve', displayName: 'Eve', factors: [], providers: [] };

function setUp(handler: Handler) {
  const asked = serve(handler);
  const proofs: string[] = [];
  const confirmation = new Confirmation({
    means: () => Promise.resolve({ password: true, totp: false, passkey: false, providers: [] }),
    password: (password) => Promise.resolve(void proofs.push(password)),
    totp: () => Promise.resolve(),
    passkey: () => Promise.resolve(),
    provider: () => Promise.resolve(),
  });
  return { users: new Users(createApi(new Session(new Vault())), confirmation), asked, confirmation, proofs };
}

/** The list, and whatever a test adds to it. */
const listed =
  (more: Handler = () => problem(500)): Handler =>
  (asked, signal) => {
    if (asked.path.startsWith('/api/auth/options'))
      return json({ registration: 'invite', mail: false, providers: [{ id: 'oidc', name: 'Harbor ID' }] });
    return asked.method === 'GET' ? json({ items: [bob, eve], nextCursor: null }) : more(asked, signal);
  };

describe('the users as admins see them', () => {
  it('asks for what is searched once somebody pauses, from the first page on', async () => {
    vi.useFakeTimers();
    const { users, asked } = setUp((one) =>
      json({ items: [bob], nextCursor: one.path.includes('cursor') ? null : 'c' }),
    );
    await users.pages.first();
    users.search('bo');
    users.search(' bob ');
    await users.pages.next(); // still of what is shown
    await vi.runAllTimersAsync();
    users.narrow('disabled');
    await vi.runAllTimersAsync();
    expect(asked.map(({ path }) => path)).toEqual([
      '/api/admin/users',
      '/api/admin/users?cursor=c',
      '/api/admin/users?q=bob',
      '/api/admin/users?q=bob&status=disabled',
    ]);
    expect(users.narrowed).toBe(true);
  });

  it('shows a change as the server gives it back', async () => {
    const { users, asked } = setUp(listed(() => json({ ...bob, role: 'admin', version: 2 })));
    await users.load();
    await users.change(bob, { role: 'admin' });
    expect(asked.at(-1)).toMatchObject({ method: 'PATCH', path: '/api/admin/users/bob', body: { role: 'admin' } });
    expect(users.pages.list.map(({ role }) => role)).toEqual(['admin', 'user']);
    expect(users.providers.get('oidc')).toBe('Harbor ID');
  });

  it('leaves somebody as they are when they are the only admin', async () => {
    const detail = 'this is the only admin: make somebody else an admin first';
    const { users } = setUp(listed(() => problem(409, { detail })));
    await users.load();
    await expect(users.change(bob, { disabled: true })).rejects.toThrow(detail);
    expect(users.pages.list[0]).toEqual(bob);
  });

  it('deletes after a proof of identity, and says who takes over', async () => {
    let proved = false;
    const { users, asked, confirmation, proofs } = setUp(
      listed(() => (proved ? new Response(null, { status: 204 }) : problem(403, { code: 'confirm' }))),
    );
    await users.load();
    const gone = users.remove(bob, { work: 'hand_over', heirId: 'eve' });
    await vi.waitFor(() => expect(confirmation.open).toBe(true));
    proved = true;
    await confirmation.withPassword('secret');
    expect(await gone).toBe(true);
    expect(proofs).toEqual(['secret']);
    expect(asked.at(-1)).toMatchObject({ method: 'DELETE', body: { work: 'hand_over', heirId: 'eve' } });
    expect(users.pages.list).toEqual([eve]);
  });

  it('makes somebody an admin after a proof of identity', async () => {
    let proved = false;
    const { users, confirmation } = setUp(
      listed(() => (proved ? json({ ...bob, role: 'admin' }) : problem(403, { code: 'confirm' }))),
    );
    await users.load();
    const made = users.change(bob, { role: 'admin' });
    await vi.waitFor(() => expect(confirmation.open).toBe(true));
    proved = true;
    await confirmation.withPassword('secret');
    await made;
    expect(users.pages.list.find(({ id }) => id === 'bob')?.role).toBe('admin');
  });

  it('makes a link for a new password after a proof of identity', async () => {
    let proved = false;
    const link = { url: 'https://x/reset#code=c', expiresAt: '2026-11-25T00:00:00Z' };
    const { users, asked, confirmation } = setUp(
      listed(() => (proved ? json(link) : problem(403, { code: 'confirm' }))),
    );
    const made = users.resetLink(bob);
    await vi.waitFor(() => expect(confirmation.open).toBe(true));
    proved = true;
    await confirmation.withPassword('secret');
    expect(await made).toEqual(link);
    expect(asked.at(-1)).toMatchObject({ method: 'POST' });
  });

  it('keeps whom it may not delete, and says what would be left alone', async () => {
    const message = 'nobody else owns HRB, LGT: say who takes over';
    const { users, asked } = setUp(listed(() => problem(409, { errors: [{ location: 'body.heirId', message }] })));
    await users.load();
    expect(await users.remove(bob, { work: 'unassign', heirId: null })).toBe(false);
    expect(asked.at(-1)?.body).toEqual({ work: 'unassign' });
    expect(users.deleting.errors.heirId).toBe('Nobody else owns HRB, LGT: say who takes over.');
    expect(users.pages.list).toHaveLength(2);
  });

  it('shows no second factors once they are removed', async () => {
    const { users, asked } = setUp(listed(() => new Response(null, { status: 204 })));
    await users.load();
    await users.resetFactors(bob);
    expect(asked.at(-1)).toMatchObject({ method: 'POST', path: '/api/admin/users/bob/factors/reset' });
    expect(users.pages.list[0]?.factors).toEqual([]);
  });
});

describe('what can be done to somebody', () => {
  it('is what changes something', () => {
    expect(deedsFor(bob)).toEqual(['promote', 'disable', 'signOut', 'resetFactors']);
    expect(deedsFor({ ...eve, role: 'admin', disabled: true })).toEqual(['demote', 'enable']);
  });

  it('begins with the role, then names factors and providers', () => {
    expect(factsOf(bob, new Map([['oidc', 'Harbor ID']]))).toEqual([
      'User',
      'Authenticator app',
      'github',
      'Harbor ID',
    ]);
  });
});
