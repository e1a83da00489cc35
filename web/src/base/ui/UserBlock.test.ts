import { render, screen } from '@testing-library/svelte';
import { expect, it, vi } from 'vitest';
import { Theme } from './theme.svelte';
import UserBlock from './UserBlock.svelte';

it('signing out is two clicks away', async () => {
  HTMLElement.prototype.showPopover = vi.fn(); // jsdom has none
  HTMLElement.prototype.hidePopover = vi.fn();
  const onsignout = vi.fn();
  const person = { id: 'u', displayName: 'Mika', email: 'mika@example.org' };
  render(UserBlock, { person, theme: new Theme(), onsignout });
  screen.getByRole('button', { name: 'Preferences' }).click();
  (await screen.findByRole('button', { name: 'Sign out' })).click();
  expect(onsignout).toHaveBeenCalledOnce();
});
