import { render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import LoginView from './LoginView.svelte';
import SignupView from './SignupView.svelte';

const open = () => Promise.resolve(true);

describe('a password field', () => {
  it.each([
    ['current-password', () => render(LoginView, { calls: { open, login: vi.fn() } })],
    ['new-password', () => render(SignupView, { calls: { open, check: vi.fn(), signUp: vi.fn() }, code: '' })],
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
