import { describe, expect, it } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { json, problem, serve, type Handler } from '../../base/testing';
import { Confirmation, confirmCalls } from '../confirmation.svelte';
import { draftOf, fieldsOf, missing } from './provider';
import { Providers, type Provider } from './providers.svelte';

const github: Provider = {
  id: 'github',
  name: 'GitHub',
  configured: false,
  source: null,
  clientId: '',
  redirectUrl: 'https://tracker.example.org/api/auth/github/callback',
  extra: {},
};
const set: Provider = { ...github, configured: true, source: 'app', clientId: 'abc' };

async function setUp(answer: Handler, first = github) {
  const asked = serve((one, signal) => (one.method === 'GET' ? json({ items: [first] }) : answer(one, signal)));
  const api = createApi(new Session(new Vault()));
  const providers = new Providers(api, new Confirmation(confirmCalls(api)));
  await providers.load();
  return { providers, asked };
}

describe('setting up an identity provider', () => {
  it('sends nothing while something is missing', async () => {
    const { providers, asked } = await setUp(() => json(set));
    expect(await providers.put(github, { clientId: ' ', clientSecret: '' })).toBe(false);
    expect(Object.keys(providers.form.errors)).toEqual(['clientId', 'clientSecret']);
    expect(asked).toHaveLength(1);
  });

  it('sends what was entered and nothing else, and shows the provider as it is then', async () => {
    const { providers, asked } = await setUp(() => json(set));
    const draft = { clientId: ' abc ', clientSecret: 's3cret', url: '', tenant: 'of another provider' };
    expect(await providers.put(github, draft)).toBe(true);
    expect(asked.at(-1)).toMatchObject({ method: 'PUT', path: '/api/admin/providers/github' });
    expect(asked.at(-1)?.body).toEqual({ clientId: 'abc', clientSecret: 's3cret' });
    expect(providers.list).toEqual([set]);
  });

  it('keeps a secret that was entered before', async () => {
    const { providers, asked } = await setUp(() => json(set), set);
    expect(await providers.put(set, draftOf(set))).toBe(true);
    expect(asked.at(-1)?.body).toEqual({ clientId: 'abc' });
  });

  it('says beside the field what the server does not take', async () => {
    const errors = [{ location: 'body.url', message: 'must begin with https://' }];
    const { providers } = await setUp(() => problem(422, { errors }));
    expect(await providers.put(github, { clientId: 'a', clientSecret: 'b', url: 'http://git.example.org' })).toBe(
      false,
    );
    expect(providers.form.errors.url).toBe('Must begin with https://.');
  });

  it('asks each provider for what it needs', () => {
    expect(missing(fieldsOf('apple'), {}, false)).toEqual(['clientId', 'teamId', 'keyId', 'clientSecret']);
    expect(missing(fieldsOf('oidc'), { issuer: 'https://id.example.org' }, true)).toEqual(['clientId']);
    expect(missing(fieldsOf('microsoft'), { clientId: 'a', clientSecret: 'b' }, false)).toEqual([]);
  });
});
