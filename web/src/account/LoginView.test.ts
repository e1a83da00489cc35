import { render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import LoginView from './LoginView.svelte';

describe('the sign-in page', () => {
  it.each([
    [true, 'No account yet?'],
    [false, 'Have an invite?'],
  ])('says to those without an account, where registration is open: %s', async (open, text) => {
    render(LoginView, { calls: { open: () => Promise.resolve(open), login: vi.fn() } });
    const link = screen.getByRole('link', { name: 'Create an account' });
    await vi.waitFor(() => expect(link.parentElement?.textContent).toContain(text));
  });

  it('leads to signing up when the server does not say', async () => {
    render(LoginView, { calls: { open: () => Promise.reject(new TypeError()), login: vi.fn() } });
    const link = await screen.findByRole('link', { name: 'Create an account' });
    expect(link.parentElement?.textContent?.trim()).toBe('Create an account');
  });
});
