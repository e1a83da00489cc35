import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../base/api';
import { Signup, type Invite, type SignupCalls } from './signup.svelte';

const unusable = new Problem({
  status: 422,
  title: 'Unprocessable Entity',
  errors: [{ location: 'body.code', message: 'this invite cannot be used' }],
});

interface Server {
  code?: string;
  open?: boolean;
  answer?: Problem;
}

function signup(invite: Partial<Invite> | Problem, { code = 'CODE', open = false, answer }: Server = {}) {
  const signUp = vi.fn<SignupCalls['signUp']>(() => (answer ? Promise.reject(answer) : Promise.resolve()));
  const check = vi.fn(() =>
    invite instanceof Problem
      ? Promise.reject(invite)
      : Promise.resolve({ valid: true, email: null, role: 'user' as const, ...invite }),
  );
  const flow = new Signup(
    { options: () => Promise.resolve({ open, mail: false, providers: [] }), check, signUp },
    code,
  );
  return { flow, signUp, check };
}

function fill(flow: Signup, password: string) {
  flow.displayName = 'Mika';
  if (!flow.email) flow.email = 'mika@example.org';
  flow.password = password;
}

describe('signing up', () => {
  it('asks for the invite first and takes its address over', async () => {
    const { flow } = signup({ email: 'mika@example.org', role: 'admin' });
    const begun = flow.begin();
    expect(flow.step).toBe('invite');
    await begun;
    expect(flow.step).toBe('account');
    expect(flow.email).toBe('mika@example.org');
    expect(flow.invite?.role).toBe('admin');
  });

  it('keeps the code and says what is with it', async () => {
    const { flow } = signup(unusable);
    await flow.begin();
    expect(flow.step).toBe('invite');
    expect(flow.code).toBe('CODE');
    expect(flow.errors.code).toBe('This invite cannot be used.');
  });

  it('sends nothing for 7 characters and keeps what was typed', async () => {
    const { flow, signUp } = signup({});
    await flow.begin();
    fill(flow, '1234567');
    await flow.signUp();
    expect(signUp).not.toHaveBeenCalled();
    expect(flow.errors.password).toContain('8');
    expect([flow.displayName, flow.email, flow.password]).toEqual(['Mika', 'mika@example.org', '1234567']);
  });

  it('sends 8 characters', async () => {
    const { flow, signUp } = signup({});
    await flow.begin();
    fill(flow, '12345678');
    await flow.signUp();
    expect(signUp).toHaveBeenCalledWith({
      code: 'CODE',
      email: 'mika@example.org',
      password: '12345678',
      displayName: 'Mika',
    });
  });

  it('puts a refusal beside its field and keeps what was typed', async () => {
    const taken = new Problem({
      status: 409,
      errors: [{ location: 'body.email', message: 'this address has an account' }],
    });
    const { flow } = signup({}, { answer: taken });
    await flow.begin();
    fill(flow, 'long enough');
    await flow.signUp();
    expect(flow.errors.email).toBe('This address has an account.');
    expect([flow.step, flow.password]).toEqual(['account', 'long enough']);
  });

  it('goes back to the code when the invite was used up meanwhile', async () => {
    const { flow } = signup({}, { answer: unusable });
    await flow.begin();
    fill(flow, 'long enough');
    await flow.signUp();
    expect(flow.step).toBe('invite');
    expect(flow.displayName).toBe('Mika');
  });
});

describe('where registration is open', () => {
  it('asks for the account at once and sends no code', async () => {
    const { flow, signUp, check } = signup({}, { code: '', open: true });
    expect(flow.step).toBe('asking');
    await flow.begin();
    expect(flow.step).toBe('account');
    fill(flow, '12345678');
    await flow.signUp();
    expect(check).not.toHaveBeenCalled();
    expect(signUp.mock.calls).toEqual([[expect.objectContaining({ code: '', email: 'mika@example.org' })]]);
  });

  it('takes the code of a link all the same', async () => {
    const { flow, signUp } = signup({ email: 'mika@example.org', role: 'admin' }, { open: true });
    await flow.begin();
    expect([flow.step, flow.email]).toEqual(['account', 'mika@example.org']);
    fill(flow, '12345678');
    await flow.signUp();
    expect(signUp).toHaveBeenCalledWith(expect.objectContaining({ code: 'CODE' }));
  });

  it('goes on without a code that cannot be used, and with one that is typed later', async () => {
    const { flow } = signup(unusable, { open: true });
    await flow.begin();
    expect([flow.step, flow.open]).toEqual(['invite', true]);
    flow.skip();
    expect([flow.step, flow.code, flow.errors]).toEqual(['account', '', {}]);
    fill(flow, '12345678');
    flow.back();
    expect([flow.step, flow.displayName]).toEqual(['invite', 'Mika']);
  });
});

it('asks for the invite when the server does not say what it wants', async () => {
  const options = () => Promise.reject(new TypeError('no network'));
  const flow = new Signup({ options, check: vi.fn(), signUp: vi.fn() });
  await flow.begin();
  expect([flow.step, flow.open]).toEqual(['invite', false]);
});
