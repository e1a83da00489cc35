import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { emptyBrowser, gate, json, offline, problem, serve, type Handler } from '../testing';
import { createApi, ok } from './client';
import { Problem } from './problem';
import { Session, type Auth, type Me } from './session';
import { Vault } from './vault';

const ada: Me = { id: 'u-ada', email: 'ada@example.org', displayName: 'Ada', role: 'user' };
const auth = (accessToken: string, user = ada): Auth => ({ accessToken, expiresIn: 900, user });

const open: { close(): void | Promise<void> }[] = [];
function tab(): { session: Session; api: ReturnType<typeof createApi>; vault: Vault } {
  const vault = new Vault();
  const session = new Session(vault);
  open.push(session, vault);
  return { session, vault, api: createApi(session) };
}

beforeEach(emptyBrowser);
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  vi.unstubAllGlobals();
});

/** A server whose access tokens are good or not; refresh hands out the given ones in turn. */
function server(good: Set<string>, fresh: string[]): { handler: Handler; refreshes: unknown[] } {
  const refreshes: unknown[] = [];
  const handler: Handler = ({ path, headers, body }) => {
    if (path === '/api/auth/refresh') {
      refreshes.push(body);
      const next = fresh.shift();
      if (!next) return problem(401);
      good.add(next);
      return json(auth(next));
    }
    const token = headers.get('Authorization')?.replace('Bearer ', '') ?? '';
    return good.has(token) ? json({ items: [], nextCursor: null }) : problem(401);
  };
  return { handler, refreshes };
}

describe('a request', () => {
  test('that is refused for its token refreshes and is sent once more, with its body', async () => {
    const { handler, refreshes } = server(new Set(), ['t2']);
    const asked = serve((a, s) =>
      a.path === '/api/notes' && a.headers.get('Authorization') === 'Bearer t2'
        ? json({ id: 'n' }, 201)
        : handler(a, s),
    );
    const { api, session } = tab();
    await session.adopt(auth('t1'));
    const body = { title: 'Bread', body: '' };
    await ok(api.POST('/api/notes', { params: { header: { 'Idempotency-Key': 'k' } }, body }));
    expect(refreshes).toHaveLength(1);
    const sent = asked.filter(({ path }) => path === '/api/notes');
    expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual(['Bearer t1', 'Bearer t2']);
    expect(sent.map(({ headers }) => headers.get('Idempotency-Key'))).toEqual(['k', 'k']);
    expect(sent[1]!.body).toEqual(body);
  });

  test('that is refused again is not sent a third time', async () => {
    const asked = serve(({ path }) => (path === '/api/auth/refresh' ? json(auth('t2')) : problem(401)));
    const { api, session } = tab();
    await session.adopt(auth('t1'));
    await expect(ok(api.GET('/api/notes'))).rejects.toMatchObject({ status: 401 });
    expect(asked.map(({ path }) => path)).toEqual(['/api/notes', '/api/auth/refresh', '/api/notes']);
  });

  test('to the sign-in itself never refreshes', async () => {
    const asked = serve(() => problem(401));
    const { api } = tab();
    await expect(ok(api.POST('/api/auth/login', { body: { email: 'a@b', password: 'x' } }))).rejects.toBeInstanceOf(
      Problem,
    );
    expect(asked).toHaveLength(1);
  });

  test('ten at once refresh once', async () => {
    const { handler, refreshes } = server(new Set(), ['t2', 't3', 't4']);
    serve(handler);
    const { api, session } = tab();
    await session.adopt(auth('t1'));
    await Promise.all(Array.from({ length: 10 }, () => ok(api.GET('/api/notes'))));
    expect(refreshes).toHaveLength(1);
  });

  test('whose answer comes after another one refreshed does not refresh again', async () => {
    const good = new Set<string>();
    const { handler, refreshes } = server(good, ['t2', 't3']);
    const late = gate();
    let first = true;
    serve(async (a, s) => {
      if (a.path !== '/api/notes' || !first) return handler(a, s);
      first = false;
      await late.wait;
      return problem(401);
    });
    const { api, session } = tab();
    await session.adopt(auth('t1'));
    const slow = ok(api.GET('/api/notes'));
    await ok(api.GET('/api/notes'));
    late.open();
    await slow;
    expect(refreshes).toHaveLength(1);
  });
});

describe('a refresh', () => {
  test('sends an attempt id, and another one next time', async () => {
    const { handler, refreshes } = server(new Set(), ['t1', 't2']);
    serve(handler);
    const { session } = tab();
    expect(await session.refresh()).toBe(true);
    expect(await session.refresh('t1')).toBe(true);
    const ids = refreshes.map((body) => (body as { attempt: string }).attempt);
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/u);
    expect(ids[1]).not.toBe(ids[0]);
  });

  test.each([
    ['a lost answer', offline],
    ['a server in trouble', () => problem(503)],
  ])('after %s is tried again with the same attempt, in this tab and in a new one', async (_, fail) => {
    const attempts: string[] = [];
    let failing = true;
    serve(({ body }) => {
      attempts.push((body as { attempt: string }).attempt);
      return failing ? fail() : json(auth('t1'));
    });
    const first = tab();
    await expect(first.session.refresh()).rejects.toThrow();
    await expect(first.session.refresh()).rejects.toThrow();
    failing = false;
    expect(await tab().session.refresh()).toBe(true);
    expect(new Set(attempts).size).toBe(1);
    expect(attempts).toHaveLength(3);
  });

  test('of two tabs without locks uses one attempt id', async () => {
    const both = gate();
    const attempts: string[] = [];
    serve(async ({ body }) => {
      attempts.push((body as { attempt: string }).attempt);
      if (attempts.length === 2) both.open();
      await both.wait;
      return json(auth('t1'));
    });
    expect('locks' in navigator).toBe(false);
    expect(await Promise.all([tab().session.refresh(), tab().session.refresh()])).toEqual([true, true]);
    expect(attempts[0]).toBe(attempts[1]);
  });

  test('of two tabs that see an answer at one moment goes on with one attempt id', () => {
    // What a tab keeps reaches the others a moment later.
    const stores = [new Map<string, string>(), new Map<string, string>()];
    const through = (i: number) =>
      vi.stubGlobal('localStorage', {
        getItem: (key: string) => stores[i]!.get(key) ?? null,
        setItem: (key: string, value: string) => stores[i]!.set(key, value),
      });
    through(0);
    const one = new Vault('one');
    const first = one.attempt();
    stores[1]!.set([...stores[0]!.keys()][0]!, first);
    through(1);
    const two = new Vault('two');
    two.answered(first);
    const next = two.attempt();
    through(0);
    one.answered(first);
    expect(one.attempt()).toBe(next);
    expect(next).not.toBe(first);
    one.answered(next);
    expect(one.attempt()).not.toBe(next);
    expect(one.attempt()).toMatch(/^[0-9a-f-]{36}\.2$/u);
  });

  test('is sent with an id that nobody can tell, where there are locks', () => {
    vi.stubGlobal('navigator', { locks: {} });
    const vault = new Vault('locked');
    const first = vault.attempt();
    vault.answered(first);
    expect(vault.attempt()).toMatch(/^[0-9a-f-]{36}$/u);
    expect(vault.attempt().slice(0, 36)).not.toBe(first.slice(0, 36));
  });

  test('that is refused ends the session here and in the other tabs', async () => {
    serve(() => problem(401));
    const here = tab();
    const there = tab();
    await here.session.adopt(auth('t1'));
    await vi.waitFor(() => expect(there.session.me).toEqual(ada));
    const ended = vi.fn();
    there.session.onChange(ended);
    expect(await here.session.refresh('t1')).toBe(false);
    expect(here.session.me).toBeNull();
    expect(here.session.token).toBeNull();
    await vi.waitFor(() => expect(ended).toHaveBeenCalledWith(null));
    expect(there.session.token).toBeNull();
    expect(await here.vault.me()).toBeUndefined();
  });

  test('of one tab gives its token to the others', async () => {
    const asked = serve(() => json(auth('t2')));
    const here = tab();
    const there = tab();
    await here.session.adopt(auth('t1'));
    await vi.waitFor(() => expect(there.session.token).toBe('t1'));
    await here.session.refresh('t1');
    await vi.waitFor(() => expect(there.session.token).toBe('t2'));
    expect(await there.session.refresh('t1')).toBe(true);
    expect(asked).toHaveLength(1);
  });
});

describe('the beginning', () => {
  test('of a first visit asks the server, before anything kept has been read', async () => {
    serve(() => json(auth('t1')));
    const sent = vi.spyOn(globalThis, 'fetch');
    const { session } = tab();
    const begun = session.begin();
    expect(sent).toHaveBeenCalledOnce();
    expect(await begun).toEqual(ada);
    expect([session.token, session.recalled]).toEqual(['t1', false]);
  });

  test('of two tabs at one moment refreshes one after the other, where there are locks', async () => {
    let last: Promise<unknown> = Promise.resolve();
    const request = (_: string, hold: () => Promise<boolean>) => (last = last.then(hold));
    vi.stubGlobal('navigator', { locks: { request } });
    const first = gate();
    const asked = serve(async () => (await first.wait, json(auth('t1'))));
    // Neither has seen that the other was here.
    const tabs = [tab(), tab()];
    const begun = Promise.all(tabs.map(({ session }) => session.begin()));
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0));
    expect(asked).toHaveLength(1);
    first.open();
    expect(await begun).toEqual([ada, ada]);
  });

  test('of a later visit shows whom it remembers, and asks nobody', async () => {
    serve(() => json(auth('t1')));
    await tab().session.begin();
    await vi.waitFor(async () => expect(await tab().vault.me()).toEqual(ada));
    const asked = serve(offline);
    const { session } = tab();
    expect(await session.begin()).toEqual(ada);
    expect([session.token, session.recalled, asked.length]).toEqual([null, true, 0]);
  });

  test('of a later visit after signing out asks the server again', async () => {
    serve(() => json(auth('t1')));
    const before = tab();
    await before.session.begin();
    await before.session.end();
    const asked = serve(() => problem(401));
    const { session } = tab();
    expect(await session.begin()).toBeNull();
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['no network', offline],
    ['a server in trouble', () => problem(503)],
  ])('with %s is nobody for the moment, and the next one sends the same attempt', async (_, fail) => {
    const asked = serve(fail);
    expect(await tab().session.begin()).toBeNull();
    expect(await tab().session.begin()).toBeNull();
    const attempts = asked.map(({ body }) => (body as { attempt: string }).attempt);
    expect(attempts).toHaveLength(2);
    expect(new Set(attempts).size).toBe(1);
  });
});

describe('the token', () => {
  test('is never stored', async () => {
    serve(() => json(auth('secret-token')));
    const { session, vault } = tab();
    await session.refresh();
    expect(session.token).toBe('secret-token');
    // eslint-disable-next-line no-restricted-globals -- to see that nothing is there
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain('secret-token');
    const db = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('peisear');
      request.onsuccess = () => resolve(request.result);
    });
    const kept = await new Promise((resolve) => {
      const request = db.transaction('kept').objectStore('kept').getAll();
      request.onsuccess = () => resolve(request.result);
    });
    db.close();
    expect(JSON.stringify(kept)).toContain('Ada');
    expect(JSON.stringify(kept)).not.toContain('secret-token');
    expect(await vault.me()).toEqual(ada);
  });

  test('a reload knows who was here without the network, and has no token', async () => {
    await tab().session.adopt(auth('t1'));
    const { session } = tab();
    expect(await session.recall()).toEqual(ada);
    expect(session.me).toEqual(ada);
    expect(session.token).toBeNull();
  });
});

test('a browser that keeps nothing still refreshes', async () => {
  const refuse = () => {
    throw new DOMException('not in a private window', 'SecurityError');
  };
  vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse });
  vi.stubGlobal('indexedDB', {
    open: () => {
      const request: Record<string, unknown> = { error: new Error('not in a private window') };
      queueMicrotask(() => (request.onerror as () => void)());
      return request;
    },
  });
  serve(() => json(auth('t1')));
  const vault = new Vault('nowhere');
  const session = new Session(vault);
  open.push(session);
  expect(await session.refresh()).toBe(true);
  expect(await vault.me()).toEqual(ada);
  expect(vault.attempt()).toBe(vault.attempt());
});

test('a request after a reload waits for the refresh instead of asking in vain', async () => {
  const { handler, refreshes } = server(new Set(), ['t1', 't2']);
  const asked = serve(handler);
  const first = tab();
  await first.session.adopt(auth('t0'));
  const second = tab();
  await second.session.recall();
  await ok(second.api.GET('/api/notes'));
  expect(refreshes).toHaveLength(1);
  expect(asked.filter(({ path }) => path === '/api/notes')).toHaveLength(1);
});
