import { expect, test, vi } from 'vitest';
import { Session, Vault } from '../api';
import { App } from './app.svelte';

test('a dialog whose code does not come says so, and the next key asks for it again', async () => {
  const app = new App([], new Session(new Vault()));
  const code = vi.fn<() => Promise<unknown>>().mockRejectedValueOnce(new TypeError('offline')).mockResolvedValue({});
  const opened: boolean[] = [];
  app.keys.add({ keys: 'c', label: '', run: () => void app.comes(code()).then((came) => opened.push(came)) });
  const press = () => app.keys.press(new KeyboardEvent('keydown', { key: 'c' }));
  press();
  await vi.waitFor(() => expect(opened).toEqual([false]));
  expect(app.toasts.list).toMatchObject([{ tone: 'alert', text: expect.stringContaining('did not load') as string }]);
  await vi.waitFor(() => {
    press();
    expect(code).toHaveBeenCalledTimes(2);
  });
  await vi.waitFor(() => expect(opened).toEqual([false, true]));
  expect(app.toasts.list).toHaveLength(1);
});
