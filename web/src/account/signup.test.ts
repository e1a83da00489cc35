import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../base/api';
import { Signup, type Invite, type SignupCalls } from './signup.svelte';

const unusable = new Problem({
  status: 422,
  title: 'Unprocessable Entity',
  errors: [{ location: 'body.code', message: 'this invite cannot be used' }],
});

function signup(invite: Partial<Invite> | Problem, answer: Problem | null = null) {
  const signUp = vi.fn<SignupCalls['signUp']>(() => (answer ? Promise.reject(answer) : Promise.resolve()));
  const check = vi.fn(() =>
    invite instanceof Problem
      ? Promise.reject(invite)
      : Promise.resolve({ valid: true, email: null, role: 'user' as const, ...invite }),
  );
  return { flow: new Signup({ check, signUp }, 'CODE'), signUp, check };
}

function fill(flow: Signup, password: string) {
  flow.displayName = 'Mika';
  if (!flow.email) flow.email = 'mika@example.org';
  flow.password = password;
}

describe('signing up', () => {
  it('asks for the invite first and takes its address over', async () => {
    const { flow } = signup({ email: 'mika@example.org', role: 'admin' });
    expect(flow.step).toBe('invite');
    await flow.checkInvite();
    expect(flow.step).toBe('account');
    expect(flow.email).toBe('mika@example.org');
    expect(flow.invite?.role).toBe('admin');
  });

  it('keeps the code and says what is with it', async () => {
    const { flow } = signup(unusable);
    await flow.checkInvite();
    expect(flow.step).toBe('invite');
    expect(flow.code).toBe('CODE');
    expect(flow.errors.code).toBe('This invite cannot be used.');
  });

  it('sends nothing for 7 characters and keeps what was typed', async () => {
    const { flow, signUp } = signup({});
    await flow.checkInvite();
    fill(flow, '1234567');
    await flow.signUp();
    expect(signUp).not.toHaveBeenCalled();
    expect(flow.errors.password).toContain('8');
    expect([flow.displayName, flow.email, flow.password]).toEqual(['Mika', 'mika@example.org', '1234567']);
  });

  it('sends 8 characters', async () => {
    const { flow, signUp } = signup({});
    await flow.checkInvite();
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
    const { flow } = signup({}, taken);
    await flow.checkInvite();
    fill(flow, 'long enough');
    await flow.signUp();
    expect(flow.errors.email).toBe('This address has an account.');
    expect([flow.step, flow.password]).toEqual(['account', 'long enough']);
  });

  it('goes back to the code when the invite was used up meanwhile', async () => {
    const { flow } = signup({}, unusable);
    await flow.checkInvite();
    fill(flow, 'long enough');
    await flow.signUp();
    expect(flow.step).toBe('invite');
    expect(flow.displayName).toBe('Mika');
  });
});
