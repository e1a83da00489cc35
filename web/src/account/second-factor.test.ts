import { describe, expect, it, vi } from 'vitest';
import { Problem, type Auth } from '../base/api';
import { pendingOf, SecondFactor, type FactorCalls, type FactorMethod } from './second-factor.svelte';

const auth: Auth = {
  accessToken: 'A',
  expiresIn: 900,
  user: { id: 'u', email: 'mika@example.org', displayName: 'Mika', role: 'user' },
};

function second(calls: Partial<FactorCalls> = {}, methods: FactorMethod[] = ['totp', 'passkey', 'recovery']) {
  const code = vi.fn<FactorCalls['code']>(() => Promise.resolve(auth));
  const done = vi.fn<(auth: Auth) => Promise<void>>(() => Promise.resolve());
  const flow = new SecondFactor({ token: 'T', methods }, { code, passkey: vi.fn(), ...calls }, done);
  return { flow, code, done };
}

describe('what a provider’s way back leaves behind the address', () => {
  it.each([
    ['#factor=T&methods=recovery,totp,palm', { token: 'T', methods: ['totp', 'recovery'] }],
    ['#factor=T', { token: 'T', methods: [] }],
    ['#methods=totp', null],
    ['', null],
  ])('%s', (hash, pending) => expect(pendingOf(hash)).toEqual(pending));
});

describe('the second step', () => {
  it('begins with the first way that the account has, and offers all when none is named', () => {
    expect(second({}, ['passkey', 'recovery']).flow.method).toBe('passkey');
    expect(second({}, []).flow.methods).toEqual(['totp', 'passkey', 'recovery']);
  });

  it.each(['totp', 'recovery'] as const)('sends a code by %s, and nothing without one', async (method) => {
    const { flow, code, done } = second();
    flow.choose(method);
    await flow.submit();
    expect(flow.message).toBe('Enter the code.');
    expect(code).not.toHaveBeenCalled();
    flow.code = ' 123 456 ';
    await flow.submit();
    expect(code.mock.calls).toEqual([[method, 'T', '123 456']]);
    expect(done).toHaveBeenCalledExactlyOnceWith(auth);
  });

  it('uses a passkey without a code', async () => {
    const passkey = vi.fn(() => Promise.resolve(auth));
    const { flow, done } = second({ passkey }, ['passkey']);
    await flow.submit();
    expect(passkey.mock.calls).toEqual([['T']]);
    expect(done).toHaveBeenCalledOnce();
  });

  it('says what is with a code and asks for another', async () => {
    const refusal = new Problem({ status: 401, detail: 'this code does not match' });
    const { flow, done } = second({ code: () => Promise.reject(refusal) });
    flow.code = '000000';
    await flow.submit();
    expect([flow.message, flow.over, flow.code]).toEqual(['This code does not match.', false, '']);
    expect(done).not.toHaveBeenCalled();
  });

  it('is over when the sign-in is', async () => {
    const refusal = new Problem({ status: 401, code: 'sign_in_over', detail: 'this sign-in took too long' });
    const { flow } = second({ code: () => Promise.reject(refusal) });
    flow.code = '000000';
    await flow.submit();
    expect(flow.over).toBe(true);
  });

  it('forgets what was typed for another way', () => {
    const { flow } = second();
    flow.code = '123';
    flow.message = 'This code does not match.';
    flow.choose('recovery');
    expect([flow.method, flow.code, flow.message]).toEqual(['recovery', '', '']);
  });
});
