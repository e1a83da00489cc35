import { render, screen } from '@testing-library/svelte';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Problem } from '../api';
import ConfirmDialog from './ConfirmDialog.svelte';

beforeAll(() => {
  // jsdom knows the element but not its methods.
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true;
  };
  HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
    this.open = false;
  };
});

function shown(onconfirm: () => Promise<void>) {
  const onclose = vi.fn();
  const text = 'HRB-12 “Broken link” will be gone.';
  render(ConfirmDialog, { open: true, title: 'Delete the issue', text, action: 'Delete HRB-12', onconfirm, onclose });
  return onclose;
}

describe('the question before something is done', () => {
  it('names what is deleted and begins on the harmless button', () => {
    shown(() => Promise.resolve());
    expect(screen.getByText(/HRB-12 “Broken link”/u)).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Cancel' }));
  });

  it('closes after it was done', async () => {
    const done = vi.fn(() => Promise.resolve());
    const onclose = shown(done);
    screen.getByRole('button', { name: 'Delete HRB-12' }).click();
    await vi.waitFor(() => expect(onclose).toHaveBeenCalledOnce());
    expect(done).toHaveBeenCalledOnce();
  });

  it('stays open and says why when it was refused', async () => {
    const refusal = new Problem({ status: 403, title: 'Forbidden', detail: 'your role does not allow this' });
    const onclose = shown(() => Promise.reject(refusal));
    screen.getByRole('button', { name: 'Delete HRB-12' }).click();
    expect((await screen.findByRole('alert')).textContent).toBe('Your role does not allow this.');
    expect(onclose).not.toHaveBeenCalled();
  });
});
