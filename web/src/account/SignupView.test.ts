import { render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { SignupCalls } from './signup.svelte';
import SignupView from './SignupView.svelte';

function calls(check: SignupCalls['check'], open = false): SignupCalls {
  return { options: () => Promise.resolve({ open, mail: false, providers: [] }), check, signUp: vi.fn() };
}

describe('the sign-up page', () => {
  it('asks for the invite and for nothing else at first', async () => {
    render(SignupView, { calls: calls(vi.fn()), code: '' });
    expect(await screen.findByLabelText('Invite code')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Go on without a code' })).toBeNull();
    expect(screen.queryByLabelText('Password')).toBeNull();
  });

  it('checks the code of the link by itself and shows what the invite says', async () => {
    const check = vi.fn(() => Promise.resolve({ valid: true, email: 'mika@example.org', role: 'admin' as const }));
    render(SignupView, { calls: calls(check), code: 'CODE' });
    const email = await screen.findByLabelText<HTMLInputElement>('E-mail');
    expect(check).toHaveBeenCalledWith('CODE');
    expect([email.value, email.readOnly]).toEqual(['mika@example.org', true]);
    expect(screen.getByText(/administrator/u)).toBeTruthy();
  });

  it('asks for no invite where registration is open, and takes one', async () => {
    render(SignupView, { calls: calls(vi.fn(), true), code: '' });
    expect(await screen.findByLabelText('Password')).toBeTruthy();
    expect(screen.queryByText(/opened by invite/u)).toBeNull();
    screen.getByRole('button', { name: 'I have an invite code' }).click();
    expect(await screen.findByLabelText('Invite code')).toBeTruthy();
    screen.getByRole('button', { name: 'Go on without a code' }).click();
    expect(await screen.findByLabelText('Password')).toBeTruthy();
  });

  it('ties an error to its field', async () => {
    const check = vi.fn(() => Promise.resolve({ valid: true, email: null, role: 'user' as const }));
    render(SignupView, { calls: calls(check), code: 'CODE' });
    (await screen.findByRole('button', { name: 'Create account' })).click();
    const alerts = await screen.findAllByRole('alert');
    const password = screen.getByLabelText<HTMLInputElement>('Password');
    expect(password.getAttribute('aria-invalid')).toBe('true');
    expect(alerts.map(({ id }) => id)).toContain(password.getAttribute('aria-describedby'));
  });
});
