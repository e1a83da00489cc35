import { render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import SignupView from './SignupView.svelte';

describe('the sign-up page', () => {
  it('asks for the invite and for nothing else at first', () => {
    render(SignupView, { calls: { check: vi.fn(), signUp: vi.fn() }, code: '' });
    expect(screen.getByLabelText('Invite code')).toBeTruthy();
    expect(screen.queryByLabelText('Password')).toBeNull();
  });

  it('checks the code of the link by itself and shows what the invite says', async () => {
    const check = vi.fn(() => Promise.resolve({ valid: true, email: 'mika@example.org', role: 'admin' as const }));
    render(SignupView, { calls: { check, signUp: vi.fn() }, code: 'CODE' });
    const email = await screen.findByLabelText<HTMLInputElement>('E-mail');
    expect(check).toHaveBeenCalledWith('CODE');
    expect([email.value, email.readOnly]).toEqual(['mika@example.org', true]);
    expect(screen.getByText(/administrator/u)).toBeTruthy();
  });

  it('ties an error to its field', async () => {
    const check = vi.fn(() => Promise.resolve({ valid: true, email: null, role: 'user' as const }));
    render(SignupView, { calls: { check, signUp: vi.fn() }, code: 'CODE' });
    (await screen.findByRole('button', { name: 'Create account' })).click();
    const alerts = await screen.findAllByRole('alert');
    const password = screen.getByLabelText<HTMLInputElement>('Password');
    expect(password.getAttribute('aria-invalid')).toBe('true');
    expect(alerts.map(({ id }) => id)).toContain(password.getAttribute('aria-describedby'));
  });
});
