import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../base/api';
import { gate } from '../base/testing';
import { Confirmation, type ConfirmCalls, type Means } from './confirmation.svelte';

const wanted = new Problem({ status: 403, code: 'confirm', detail: 'confirm first that it is you' });
const means: Means = { password: true, totp: false, passkey: false, providers: [] };

function setup(calls: Partial<ConfirmCalls> = {}) {
  let proven = false;
  const password = vi.fn(() => {
    proven = true;
    return Promise.resolve();
  });
  const confirmation = new Confirmation({
    means: () => Promise.resolve(means),
    password,
    totp: vi.fn(),
    passkey: vi.fn(),
    provider: vi.fn(),
    ...calls,
  });
  /** What the server does only for those who have proven who they are. */
  const call = vi.fn(() => (proven ? Promise.resolve('done') : Promise.reject(wanted)));
  return { confirmation, call, password };
}

/** Waits for the dialog to know what it can offer. */
const asked = (confirmation: Confirmation) => vi.waitFor(() => expect(confirmation.means).toEqual(means));

describe('confirming who one is', () => {
  it('is not asked for what the server does without', async () => {
    const { confirmation } = setup();
    expect(await confirmation.run(() => Promise.resolve('done'))).toBe('done');
    expect(confirmation.open).toBe(false);
  });

  it('is asked for once by several calls, and each is done after it', async () => {
    const { confirmation, call, password } = setup();
    const both = Promise.all([confirmation.run(call), confirmation.run(call)]);
    await asked(confirmation);
    expect(confirmation.open).toBe(true);
    await confirmation.withPassword('secret');
    expect(await both).toEqual(['done', 'done']);
    expect(password.mock.calls).toEqual([['secret']]);
    expect(call).toHaveBeenCalledTimes(4);
    expect(confirmation.open).toBe(false);
  });

  it('given up, leaves the refusal as it was', async () => {
    const { confirmation, call } = setup();
    const refused = expect(confirmation.run(call)).rejects.toBe(wanted);
    await asked(confirmation);
    confirmation.cancel();
    await refused;
    expect(call).toHaveBeenCalledOnce();
    expect([confirmation.open, confirmation.means]).toEqual([false, null]);
  });

  it('says what is with the proof, and takes another', async () => {
    const wrong = new Problem({ status: 422, detail: 'this code does not match' });
    const { confirmation, call } = setup({ totp: () => Promise.reject(wrong) });
    const done = confirmation.run(call);
    await asked(confirmation);
    await confirmation.withCode('000000');
    expect([confirmation.open, confirmation.error]).toEqual([true, 'This code does not match.']);
    await confirmation.withPassword('secret');
    expect(await done).toBe('done');
  });

  it('leaves every other refusal alone', async () => {
    const { confirmation } = setup();
    const refusal = new Problem({ status: 403, detail: 'not yours' });
    await expect(confirmation.run(() => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(confirmation.open).toBe(false);
  });

  it('asks anew what there is every time, and keeps no late answer', async () => {
    const late = gate<Means>();
    const answers = [late.wait, Promise.resolve({ ...means, totp: true })];
    const { confirmation, call } = setup({ means: () => answers.shift()! });
    const first = expect(confirmation.run(call)).rejects.toBe(wanted);
    await vi.waitFor(() => expect(confirmation.open).toBe(true));
    confirmation.cancel();
    await first;
    const second = confirmation.run(call);
    await vi.waitFor(() => expect(confirmation.means?.totp).toBe(true));
    late.open(means);
    await late.wait;
    expect(confirmation.means?.totp).toBe(true);
    await confirmation.withPassword('secret');
    expect(await second).toBe('done');
  });

  it('says that a passkey was not used', async () => {
    const { confirmation, call } = setup({ passkey: () => Promise.reject(new DOMException('no', 'NotAllowedError')) });
    void confirmation.run(call).catch(() => undefined);
    await asked(confirmation);
    await confirmation.withPasskey();
    expect([confirmation.open, confirmation.busy]).toEqual([true, false]);
    expect(confirmation.error).toContain('The passkey was not used');
  });
});
