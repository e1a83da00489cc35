import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { emptyBrowser, json, problem, serve } from '../testing';
import { createApi, ok } from './client';
import { Session } from './session';
import { Vault } from './vault';

let vault: Vault;
let session: Session;

beforeEach(async () => {
  await emptyBrowser();
  vault = new Vault();
  session = new Session(vault);
});
afterEach(async () => {
  session.close();
  await vault.close();
  vi.unstubAllGlobals();
});

describe('a call', () => {
  test('fills its path, its query and its headers', async () => {
    const asked = serve(() => json({ items: [], nextCursor: null }));
    const api = createApi(session);
    const params = { path: { key: 'A/B ü' }, query: { q: 'a&b', limit: 200, status: ['s1', 's2'], cursor: undefined } };
    await ok(api.GET('/api/projects/{key}/issues', { params: params as never }));
    expect(asked[0]!.path).toBe('/api/projects/A%2FB%20%C3%BC/issues?q=a%26b&limit=200&status=s1&status=s2');
    expect([asked[0]!.method, asked[0]!.headers.has('Content-Type')]).toEqual(['GET', false]);
  });

  test('sends its body as JSON', async () => {
    const asked = serve(() => json({ id: 'n' }, 201));
    const body = { title: 'ü', body: '' };
    const params = { header: { 'Idempotency-Key': 'k' } };
    expect(await ok(createApi(session).POST('/api/notes', { params, body }))).toEqual({ id: 'n' });
    expect(asked[0]).toMatchObject({ method: 'POST', body });
    expect(asked[0]!.headers.get('Content-Type')).toBe('application/json');
    expect(asked[0]!.headers.get('Idempotency-Key')).toBe('k');
  });

  test('may ask for a file', async () => {
    serve(() => new Response('time,actor'));
    const { GET } = createApi(session);
    expect(await ok(GET('/api/notes', { parseAs: 'text' }))).toBe('time,actor');
    expect(await ((await ok(GET('/api/notes', { parseAs: 'blob' }))) as Blob).text()).toBe('time,actor');
  });

  test('may be answered with nothing', async () => {
    serve(() => new Response(null, { status: 204 }));
    await expect(ok(createApi(session).POST('/api/auth/logout'))).resolves.toBeUndefined();
  });

  test.each([
    ['a problem', () => problem(422, { detail: 'the title is missing' }), 422, 'the title is missing'],
    ['a page of a proxy', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 502, 'HTTP 502'],
  ])('that is answered with %s throws one', async (_, answer, status, message) => {
    serve(answer);
    const call = ok(createApi(session).GET('/api/notes'));
    await expect(call).rejects.toMatchObject({ name: 'Problem', status, message });
  });
});
