import { render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import LoginView from './LoginView.svelte';
import SignupView from './SignupView.svelte';

const options = () => Promise.resolve({ open: true, mail: false, providers: [] });
const factor = { code: vi.fn(), passkey: vi.fn() };

describe('a password field', () => {
  it.each([
    [
      'current-password',
      () => render(LoginView, { calls: { options, login: vi.fn(), passkey: vi.fn(), factor, adopt: vi.fn() } }),
    ],
    ['new-password', () => render(SignupView, { calls: { options, check: vi.fn(), signUp: vi.fn() }, code: '' })],
  ])('hides what is typed, and lets people paste and managers fill in %s', async (autocomplete, page) => {
    page();
    const field = await screen.findByLabelText<HTMLInputElement>('Password');
    expect([field.type, field.autocomplete, field.readOnly]).toEqual(['password', autocomplete, false]);
    for (const type of ['paste', 'copy', 'drop', 'contextmenu']) {
      expect(field.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }))).toBe(true);
    }
    expect(field.maxLength).toBe(-1); // a password that is too long is refused, never cut
  });
});
