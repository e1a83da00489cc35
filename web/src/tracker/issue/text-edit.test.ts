import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../../base/api';
import { TextEdit, type Text } from './text-edit.svelte';

const stale = new Problem({ status: 409, title: 'Conflict', current: { description: 'theirs', version: 5 } });

describe('editing a text', () => {
  it('saves with the version that was read', async () => {
    const save = vi.fn<(text: Text) => Promise<void>>(() => Promise.resolve());
    const done = vi.fn();
    const editor = new TextEdit({ text: 'old', version: 3 }, 'description', save, done);
    editor.draft = 'mine';
    await editor.save();
    expect(save).toHaveBeenCalledWith({ text: 'mine', version: 3 });
    expect(done).toHaveBeenCalledOnce();
  });

  it('shows both texts when it was changed meanwhile, and replaces only when told to', async () => {
    const save = vi.fn((text: Text) => (text.version === 5 ? Promise.resolve() : Promise.reject(stale)));
    const done = vi.fn();
    const editor = new TextEdit({ text: 'old', version: 3 }, 'description', save, done);
    editor.draft = 'mine';
    await editor.save();
    expect([editor.mode, editor.draft, editor.theirs?.text]).toEqual(['conflict', 'mine', 'theirs']);
    await editor.keepMine();
    expect(save).toHaveBeenLastCalledWith({ text: 'mine', version: 5 });
    expect(done).toHaveBeenCalledOnce();
  });

  it('goes through when only other fields were changed meanwhile', async () => {
    const moved = new Problem({ status: 409, current: { description: 'old', version: 4 } });
    const save = vi.fn<(text: Text) => Promise<void>>(({ version }) =>
      version === 4 ? Promise.resolve() : Promise.reject(moved),
    );
    const done = vi.fn();
    const editor = new TextEdit({ text: 'old', version: 3 }, 'description', save, done);
    editor.draft = 'mine';
    await editor.save();
    expect(save).toHaveBeenLastCalledWith({ text: 'mine', version: 4 });
    expect(done).toHaveBeenCalledOnce();
  });

  it('keeps the draft when the server cannot be reached', async () => {
    const done = vi.fn();
    const lost = () => Promise.reject(new TypeError('network'));
    const editor = new TextEdit({ text: 'old', version: 3 }, 'description', lost, done);
    editor.draft = 'mine';
    await editor.save();
    expect([editor.mode, editor.draft, done.mock.calls.length]).toEqual(['edit', 'mine', 0]);
    expect(editor.message).toContain('No connection');
  });
});
