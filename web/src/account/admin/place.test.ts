import { describe, expect, it } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { json, problem, serve, type Handler } from '../../base/testing';
import { PlaceSettings } from './place.svelte';

async function setUp(answer: Handler) {
  const asked = serve((one, signal) => {
    if (one.path === '/api/auth/options') return json({ registration: 'invite', mail: true, providers: [] });
    return one.method === 'GET' ? json({ registration: 'invite', lockedBy: null }) : answer(one, signal);
  });
  const settings = new PlaceSettings(createApi(new Session(new Vault())), 'ada@example.org');
  await settings.load();
  return { settings, asked };
}

describe('the settings of the place', () => {
  it('open registration', async () => {
    const { settings, asked } = await setUp(() => json({ registration: 'open', lockedBy: null }));
    await settings.register('open');
    expect(asked.at(-1)).toMatchObject({ method: 'PATCH', body: { registration: 'open' } });
    expect(settings.now).toEqual({ registration: 'open', lockedBy: null, mail: true });
  });

  it('stay as they are where the environment decides', async () => {
    const { settings } = await setUp(() => problem(409, { detail: 'the environment decides this' }));
    await settings.register('open');
    expect([settings.now?.registration, settings.registering.message]).toEqual([
      'invite',
      'The environment decides this.',
    ]);
  });

  it('send a test to an address, and say what the mail server said', async () => {
    let answer = new Response(null, { status: 204 });
    const { settings, asked } = await setUp(() => answer);
    await settings.test();
    expect([asked.at(-1)?.body, settings.sentTo]).toEqual([{ email: 'ada@example.org' }, 'ada@example.org']);
    answer = problem(503, { code: 'mail', detail: 'the mail server did not take it' });
    await settings.test();
    expect([settings.sentTo, settings.testing.message]).toEqual(['', 'The mail server did not take it.']);
    settings.email = 'nobody';
    await settings.test();
    expect(settings.testing.errors.email).toBeTruthy();
  });
});
