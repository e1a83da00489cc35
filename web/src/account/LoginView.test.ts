import { render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { LoginCalls, Options } from './login.svelte';
import LoginView from './LoginView.svelte';

function calls(options: Partial<Options> | Error): LoginCalls {
  const all = { open: false, mail: false, providers: [], ...options };
  return {
    options: () => (options instanceof Error ? Promise.reject(options) : Promise.resolve(all)),
    login: vi.fn(),
    passkey: vi.fn(),
    factor: { code: vi.fn(), passkey: vi.fn() },
    adopt: vi.fn(),
  };
}

describe('the sign-in page', () => {
  it.each([
    [true, 'No account yet?'],
    [false, 'Have an invite?'],
  ])('says to those without an account, where registration is open: %s', async (open, text) => {
    render(LoginView, { calls: calls({ open }) });
    const link = screen.getByRole('link', { name: 'Create an account' });
    await vi.waitFor(() => expect(link.parentElement?.textContent).toContain(text));
  });

  it('leads to signing up when the server does not say', async () => {
    render(LoginView, { calls: calls(new TypeError()) });
    const link = await screen.findByRole('link', { name: 'Create an account' });
    expect(link.parentElement?.textContent?.trim()).toBe('Create an account');
  });

  it('offers the providers, and keeps where somebody wanted to go', async () => {
    const providers = [{ id: 'oidc', name: 'Example ID' }];
    render(LoginView, { calls: calls({ providers }), search: new URLSearchParams({ next: '/p/A?q=1' }) });
    const link = await screen.findByRole<HTMLAnchorElement>('link', { name: 'Continue with Example ID' });
    expect(link.getAttribute('href')).toBe('/api/auth/oidc/start?then=%2Fp%2FA%3Fq%3D1');
  });

  it.each([
    [true, 'link', 'Forgot your password?'],
    [false, 'text', /An administrator can give you a link/u],
  ] as const)('says what to do about a forgotten password, where mail is sent: %s', async (mail, kind, text) => {
    render(LoginView, { calls: calls({ mail }) });
    const found = kind === 'link' ? screen.findByRole('link', { name: text }) : screen.findByText(text);
    expect(await found).toBeTruthy();
  });

  it('says why a provider led back without a session, by the name of it', async () => {
    const providers = [{ id: 'oidc', name: 'Example ID' }];
    const search = new URLSearchParams({ error: 'denied', provider: 'oidc' });
    render(LoginView, { calls: calls({ providers }), search });
    await vi.waitFor(() => expect(screen.getByRole('alert').textContent).toContain('Example ID was not allowed'));
  });

  it('goes on with the second step that a provider left', async () => {
    render(LoginView, { calls: calls({}), hash: '#factor=TOKEN&methods=totp,recovery&then=%2Fp' });
    expect(await screen.findByLabelText('Code of your authenticator app')).toBeTruthy();
    expect(screen.queryByLabelText('Password')).toBeNull();
    expect(screen.getByRole('button', { name: 'Use a recovery code' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Use a passkey' })).toBeNull();
  });
});
