import { describe, expect, it, vi } from 'vitest';
import { Problem, type Auth } from '../base/api';
import { gate } from '../base/testing';
import { Login, type LoginCalls } from './login.svelte';

const auth: Auth = {
  accessToken: 'A',
  expiresIn: 900,
  user: { id: 'u', email: 'mika@example.org', displayName: 'Mika', role: 'user' },
};

function setup(calls: Partial<LoginCalls> = {}) {
  const adopt = vi.fn<LoginCalls['adopt']>(() => Promise.resolve());
  const all: LoginCalls = {
    options: () => Promise.resolve({ open: false, mail: true, providers: [] }),
    login: () => Promise.resolve(auth),
    passkey: () => Promise.resolve(auth),
    factor: { code: () => Promise.resolve(auth), passkey: () => Promise.resolve(auth) },
    adopt,
    ...calls,
  };
  const flow = new Login(all);
  flow.email = ' mika@example.org ';
  flow.password = 'secret';
  return { flow, adopt };
}

describe('signing in', () => {
  it('takes the session that the server begins', async () => {
    const login = vi.fn(() => Promise.resolve(auth));
    const { flow, adopt } = setup({ login });
    await flow.submit();
    expect(login.mock.calls).toEqual([['mika@example.org', 'secret']]);
    expect(adopt).toHaveBeenCalledExactlyOnceWith(auth);
  });

  it('goes on with the second factor where the account has one, and begins no session before', async () => {
    const { flow, adopt } = setup({ login: () => Promise.resolve({ token: 'T', methods: ['totp'] }) });
    await flow.submit();
    expect(adopt).not.toHaveBeenCalled();
    expect(flow.second?.methods).toEqual(['totp']);
    flow.second!.code = '123456';
    await flow.second!.submit();
    expect(adopt).toHaveBeenCalledExactlyOnceWith(auth);
  });

  it('begins again with the password and keeps the address', async () => {
    const { flow } = setup({ login: () => Promise.resolve({ token: 'T', methods: ['totp'] }) });
    await flow.submit();
    flow.restart();
    expect([flow.second, flow.email, flow.password]).toEqual([null, ' mika@example.org ', '']);
  });

  it('keeps what was typed and says it in the server’s words', async () => {
    const refusal = new Problem({ status: 401, detail: 'e-mail and password do not match an account' });
    const { flow } = setup({ login: () => Promise.reject(refusal) });
    await flow.submit();
    expect([flow.message, flow.password]).toEqual(['E-mail and password do not match an account.', 'secret']);
  });

  it.each([
    ['email', '', 'secret'],
    ['password', 'mika@example.org', ''],
  ])('asks for the %s before anything is sent', async (field, email, password) => {
    const login = vi.fn(() => Promise.resolve(auth));
    const { flow } = setup({ login });
    flow.email = email;
    flow.password = password;
    await flow.submit();
    expect(Object.keys(flow.errors)).toEqual([field]);
    expect(login).not.toHaveBeenCalled();
  });

  it('does one thing at a time', async () => {
    const { open, wait } = gate<Auth>();
    const login = vi.fn(() => Promise.resolve(auth));
    const { flow } = setup({ passkey: () => wait, login });
    const first = flow.withPasskey();
    await flow.submit();
    expect(login).not.toHaveBeenCalled();
    open(auth);
    await first;
    expect(flow.busy).toBe(false);
  });

  it('says that a passkey was not used', async () => {
    const { flow } = setup({ passkey: () => Promise.reject(new DOMException('no', 'NotAllowedError')) });
    await flow.withPasskey();
    expect(flow.message).toContain('The passkey was not used');
  });
});
