import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../api';
import { gate } from '../testing';
import { Form } from './form.svelte';

const refused = (location: string) =>
  Promise.reject(new Problem({ status: 422, detail: 'no', errors: [{ location, message: 'at most 9' }] }));

describe('a form', () => {
  it('is done when the work is', async () => {
    const form = new Form(['name']);
    expect(await form.send(() => Promise.resolve())).toBe(true);
    expect([form.done, form.busy, form.message]).toEqual([true, false, '']);
  });

  it('puts what is about a field beside it, and the rest into words of its own', async () => {
    const form = new Form(['name']);
    expect(await form.send(() => refused('body.name'))).toBe(false);
    expect([form.errors, form.message]).toEqual([{ name: 'At most 9.' }, '']);
    await form.send(() => refused('body.other'));
    expect([form.errors, form.message]).toEqual([{}, 'At most 9.']);
  });

  it('sends once at a time', async () => {
    const form = new Form([]);
    const { open, wait } = gate();
    const first = form.send(() => wait);
    const second = vi.fn();
    expect(await form.send(second)).toBe(false);
    open();
    expect(await first).toBe(true);
    expect(second).not.toHaveBeenCalled();
  });
});
