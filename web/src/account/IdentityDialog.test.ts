import { render, screen } from '@testing-library/svelte';
import { expect, it, vi } from 'vitest';
import { gate } from '../base/testing';
import { Problem } from '../base/api';
import { Confirmation, type Means } from './confirmation.svelte';
import IdentityDialog from './IdentityDialog.svelte';

// jsdom knows the element but not its methods. What the browser focuses first is the cross in the corner.
HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) {
  this.open = true;
  this.querySelector('button')!.focus();
};
HTMLDialogElement.prototype.close = function (this: HTMLDialogElement) {
  this.open = false;
};

it.each([
  ['before the dialog is there', true],
  ['after it', false],
])('begins with the first way to confirm, known %s', async (_, early) => {
  const { open, wait } = gate<Means>();
  const means: Means = { password: true, totp: true, passkey: false, providers: [] };
  const confirmation = new Confirmation({
    means: () => wait,
    password: vi.fn(),
    totp: vi.fn(),
    passkey: vi.fn(),
    provider: vi.fn(),
  });
  void confirmation.run(() => Promise.reject(new Problem({ status: 403, code: 'confirm' }))).catch(() => undefined);
  if (early) open(means);
  await vi.waitFor(() => expect(early ? confirmation.means : confirmation.open).toBeTruthy());
  render(IdentityDialog, { confirmation });
  if (!early) open(means);
  const password = await screen.findByLabelText('Password');
  await vi.waitFor(() => expect(document.activeElement).toBe(password));
});
