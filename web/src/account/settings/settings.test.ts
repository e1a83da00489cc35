import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApi, Session, Vault, type Api } from '../../base/api';
import { json, offline, problem, serve, type Asked } from '../../base/testing';
import { Confirmation } from '../confirmation.svelte';
import { Factors } from './factors.svelte';
import { PasswordChange, passwordProblem } from './password.svelte';
import { Profile } from './profile.svelte';
import { Tokens, type TokenDraft } from './tokens.svelte';

const own = {
  id: 'u',
  email: 'mika@example.org',
  displayName: 'Mika',
  role: 'user',
  hasPassword: true,
  pendingEmail: null,
};

let api: Api;
let confirmation: Confirmation;
let proofs: string[];

/** Gives the proof as soon as it is asked for. */
beforeEach(() => {
  api = createApi(new Session(new Vault()));
  proofs = [];
  confirmation = new Confirmation({
    means: () => {
      void confirmation.withPassword('secret');
      return Promise.resolve({ password: true, totp: false, passkey: false, providers: [] });
    },
    password: (password) => {
      proofs.push(password);
      return Promise.resolve();
    },
    totp: vi.fn(),
    passkey: vi.fn(),
    provider: vi.fn(),
  });
});

/** Answers by "METHOD /path"; what is not named is a mistake of the test. */
function answers(table: Record<string, (asked: Asked) => Response>): Asked[] {
  return serve((asked) => {
    const answer = table[`${asked.method} ${asked.path}`];
    if (!answer) throw new Error(`not expected: ${asked.method} ${asked.path}`);
    return answer(asked);
  });
}

/** What the server does after a proof only. */
function afterProof(answer: () => Response): () => Response {
  return () => (proofs.length > 0 ? answer() : problem(403, { code: 'confirm', detail: 'confirm first' }));
}

const sent = (asked: Asked[]) => asked.map(({ method, path }) => `${method} ${path}`);

describe('a password', () => {
  it.each([
    ['1234567', 'Use 8 characters or more.'],
    ['12345678', undefined],
    ['🦊'.repeat(7), 'Use 8 characters or more.'],
    ['a'.repeat(128), undefined],
    ['a'.repeat(129), 'Use 128 characters or fewer.'],
  ])('%s', (password, problem) => expect(passwordProblem(password)).toBe(problem));

  it('is sent with the current one, and then forgotten here', async () => {
    const asked = answers({ 'POST /api/account/password': () => new Response(null, { status: 204 }) });
    const change = new PasswordChange(api, confirmation);
    change.password = '12345678';
    expect(await change.submit(true)).toBe(false);
    expect([change.form.errors, asked]).toEqual([{ current: 'Enter your password.' }, []]);
    change.current = 'secret';
    expect(await change.submit(true)).toBe(true);
    expect(asked[0]!.body).toEqual({ current: 'secret', password: '12345678', endTokens: false });
    expect([change.current, change.password]).toEqual(['', '']);
  });

  it('ends API tokens where somebody wants it', async () => {
    const asked = answers({ 'POST /api/account/password': () => new Response(null, { status: 204 }) });
    const change = new PasswordChange(api, confirmation);
    [change.current, change.password, change.endTokens] = ['secret', '12345678', true];
    expect(await change.submit(true)).toBe(true);
    expect(asked[0]!.body).toMatchObject({ endTokens: true });
    expect(change.endTokens).toBe(false);
  });

  it('of an account without one needs a proof in its place', async () => {
    const asked = answers({
      'POST /api/account/password': afterProof(() => new Response(null, { status: 204 })),
    });
    const change = new PasswordChange(api, confirmation);
    change.password = '12345678';
    expect(await change.submit(false)).toBe(true);
    const body = { password: '12345678', endTokens: false };
    expect(asked.map((one) => one.body)).toEqual([body, body]);
  });

  it('that was refused stays, with the refusal beside its field', async () => {
    answers({
      'POST /api/account/password': () =>
        problem(422, { errors: [{ location: 'body.current', message: 'this does not match' }] }),
    });
    const change = new PasswordChange(api, confirmation);
    change.current = 'other';
    change.password = '12345678';
    expect(await change.submit(true)).toBe(false);
    expect([change.form.errors.current, change.password]).toEqual(['This does not match.', '12345678']);
  });
});

describe('second factors', () => {
  const none = { totp: { enabled: false, createdAt: null }, passkeys: [], recoveryCodesLeft: 0 };
  const app = { ...none, totp: { enabled: true, createdAt: '2026-11-24T10:00:00Z' }, recoveryCodesLeft: 10 };
  const enrolment = { secret: 'ABC', uri: 'otpauth://', qr: 'data:' };

  it('an app is set up after a proof, and the codes are shown', async () => {
    let now: object = none;
    const asked = answers({
      'GET /api/account/factors': () => json(now),
      'POST /api/account/factors/totp': afterProof(() => json(enrolment)),
      'POST /api/account/factors/totp/confirm': () => {
        now = app;
        return json({ recoveryCodes: ['a', 'b'] });
      },
    });
    const factors = new Factors(api, confirmation);
    await factors.load();
    await factors.startTotp();
    expect([proofs, factors.enrolment]).toEqual([['secret'], enrolment]);
    await factors.finishTotp();
    expect(factors.enrolling.errors.code).toBe('Enter the code.');
    factors.code = ' 123456 ';
    await factors.finishTotp();
    expect(asked.find(({ path }) => path.endsWith('/totp/confirm'))!.body).toEqual({ code: '123456' });
    expect([factors.enrolment, factors.recoveryCodes, factors.state]).toEqual([null, ['a', 'b'], app]);
  });

  it('the codes stay when the next answer does not come', async () => {
    let up = true;
    answers({
      'GET /api/account/factors': () => (up ? json(none) : offline()),
      'POST /api/account/factors/recovery': () => {
        up = false;
        return json({ recoveryCodes: ['a'] });
      },
    });
    const factors = new Factors(api, confirmation);
    await factors.load();
    await factors.renewRecovery();
    expect(factors.error).toBeInstanceOf(TypeError);
    expect([factors.recoveryCodes, factors.state]).toEqual([['a'], none]);
  });

  it('a code that does not match leaves the set-up open, and giving up closes it', async () => {
    answers({
      'POST /api/account/factors/totp': () => json(enrolment),
      'POST /api/account/factors/totp/confirm': () =>
        problem(422, { errors: [{ location: 'body.code', message: 'this code does not match' }] }),
    });
    const factors = new Factors(api, confirmation);
    await factors.startTotp();
    factors.code = '000000';
    await factors.finishTotp();
    expect([factors.enrolment, factors.enrolling.errors.code]).toEqual([enrolment, 'This code does not match.']);
    factors.cancelTotp();
    expect([factors.enrolment, factors.enrolling.errors]).toEqual([null, {}]);
  });

  it('says that a device has a passkey already, in its own part', async () => {
    answers({
      'POST /api/account/factors/passkeys/options': () => json({ id: 'c', publicKey: { challenge: 'AA' } }),
    });
    vi.stubGlobal('PublicKeyCredential', { parseCreationOptionsFromJSON: (options: unknown) => options });
    const create = () => Promise.reject(new DOMException('there is one', 'InvalidStateError'));
    Object.defineProperty(navigator, 'credentials', { value: { create }, configurable: true });
    const factors = new Factors(api, confirmation);
    await factors.addPasskey();
    expect(factors.adding.message).toBe('This device has a passkey of your account already.');
    expect(factors.enrolling.message).toBe('');
    Reflect.deleteProperty(navigator, 'credentials');
    vi.unstubAllGlobals();
  });
});

describe('tokens', () => {
  const draft: TokenDraft = { name: ' Nightly ', scope: 'read', logScopes: [], days: null };
  const made = { id: 't', name: 'Nightly', scope: 'read', logScopes: [], hint: 'wxyz', expiresAt: null, usedAt: null };

  it('are shown once, and listed without the secret', async () => {
    const asked = answers({
      'GET /api/account/tokens': () => json({ items: [] }),
      'POST /api/account/tokens': afterProof(() => json({ ...made, token: 'psr_secret' }, 201)),
    });
    const tokens = new Tokens(api, confirmation);
    await tokens.load();
    expect(await tokens.create(draft)).toBe(true);
    const [first, second] = asked.filter(({ method }) => method === 'POST');
    expect(second!.body).toEqual({ name: 'Nightly', scope: 'read', logScopes: [], expiresAt: null });
    expect(second!.headers.get('Idempotency-Key')).not.toBe(first!.headers.get('Idempotency-Key'));
    expect(tokens.fresh).toEqual({ id: 't', secret: 'psr_secret' });
    expect(tokens.list).toEqual([made]);
  });

  it('need a name', async () => {
    const asked = answers({});
    const tokens = new Tokens(api, confirmation);
    expect(await tokens.create({ ...draft, name: ' ' })).toBe(false);
    expect([tokens.form.errors.name, asked]).toEqual(['Give the token a name.', []]);
  });

  it('are gone when withdrawn, and their secret with them', async () => {
    answers({
      'POST /api/account/tokens': () => json({ ...made, token: 'psr_secret' }, 201),
      'DELETE /api/account/tokens/t': () => new Response(null, { status: 204 }),
    });
    const tokens = new Tokens(api, confirmation);
    await tokens.create(draft);
    await tokens.revoke('t');
    expect([tokens.list, tokens.fresh]).toEqual([[], null]);
  });

  it('stay when the server does not answer', async () => {
    answers({
      'GET /api/account/tokens': () => json({ items: [made] }),
      'DELETE /api/account/tokens/t': () => problem(503, { detail: 'busy' }),
    });
    const tokens = new Tokens(api, confirmation);
    await tokens.load();
    await expect(tokens.revoke('t')).rejects.toMatchObject({ status: 503 });
    expect(tokens.list).toEqual([made]);
  });
});

describe('the profile', () => {
  it('tells the page of another name, which is kept whatever that does', async () => {
    const asked = answers({
      'GET /api/account': () => json(own),
      'PATCH /api/account': ({ body }) => json({ ...own, ...(body as object) }),
    });
    const renamed = vi.fn(() => Promise.reject(new TypeError('no network')));
    const profile = new Profile(api, confirmation, renamed);
    await profile.load();
    profile.displayName = ' Mika Laine ';
    await profile.rename();
    expect(asked.at(-1)!.body).toEqual({ displayName: 'Mika Laine' });
    expect([profile.own?.displayName, profile.naming.done]).toEqual(['Mika Laine', true]);
    expect(renamed).toHaveBeenCalledOnce();
    profile.displayName = ' ';
    await profile.rename();
    expect(profile.naming.errors.displayName).toBe('Enter a name.');
    expect(renamed).toHaveBeenCalledOnce();
  });

  it('asks for an address before anything is sent, shows the new one until it is verified, and withdraws it', async () => {
    let pendingEmail: string | null = null;
    const asked = answers({
      'GET /api/account': () => json({ ...own, pendingEmail }),
      'POST /api/account/email': ({ body }) => {
        ({ email: pendingEmail } = body as { email: string });
        return new Response(null, { status: 202 });
      },
      'DELETE /api/account/email': () => {
        pendingEmail = null;
        return new Response(null, { status: 204 });
      },
    });
    const profile = new Profile(api, confirmation);
    profile.email = 'nobody';
    await profile.move();
    expect([Object.keys(profile.moving.errors), asked]).toEqual([['email'], []]);
    profile.email = ' new@example.org ';
    await profile.move();
    expect([profile.own?.pendingEmail, profile.email]).toEqual(['new@example.org', '']);
    await profile.withdraw();
    expect(profile.own?.pendingEmail).toBeNull();
    expect(sent(asked)).toEqual([
      'POST /api/account/email',
      'GET /api/account',
      'DELETE /api/account/email',
      'GET /api/account',
    ]);
  });

  it('says what can be done where no mail is sent', async () => {
    answers({
      'POST /api/account/email': () =>
        problem(503, { code: 'mail', detail: 'this server sends no mail: ask an admin' }),
    });
    const profile = new Profile(api, confirmation);
    profile.email = 'new@example.org';
    await profile.move();
    expect([profile.moving.message, profile.email]).toEqual([
      'This server sends no mail: ask an admin.',
      'new@example.org',
    ]);
  });
});
