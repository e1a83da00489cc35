import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../../base/api';
import { Description, type Text } from './description.svelte';

const stale = new Problem({ status: 409, title: 'Conflict', current: { description: 'theirs', version: 5 } });

describe('editing a description', () => {
  it('saves with the version that was read', async () => {
    const save = vi.fn<(text: Text) => Promise<void>>(() => Promise.resolve());
    const editor = new Description(save);
    editor.edit({ description: 'old', version: 3 });
    editor.draft = 'mine';
    await editor.save();
    expect(save).toHaveBeenCalledWith({ description: 'mine', version: 3 });
    expect(editor.mode).toBe('read');
  });

  it('shows both texts when it was changed meanwhile, and replaces only when told to', async () => {
    const save = vi.fn((text: Text) => (text.version === 5 ? Promise.resolve() : Promise.reject(stale)));
    const editor = new Description(save);
    editor.edit({ description: 'old', version: 3 });
    editor.draft = 'mine';
    await editor.save();
    expect([editor.mode, editor.draft, editor.theirs?.description]).toEqual(['conflict', 'mine', 'theirs']);
    await editor.keepMine();
    expect(save).toHaveBeenLastCalledWith({ description: 'mine', version: 5 });
    expect(editor.mode).toBe('read');
  });

  it('goes through when only other fields were changed meanwhile', async () => {
    const moved = new Problem({ status: 409, current: { description: 'old', version: 4 } });
    const save = vi.fn<(text: Text) => Promise<void>>(({ version }) =>
      version === 4 ? Promise.resolve() : Promise.reject(moved),
    );
    const editor = new Description(save);
    editor.edit({ description: 'old', version: 3 });
    editor.draft = 'mine';
    await editor.save();
    expect(save).toHaveBeenLastCalledWith({ description: 'mine', version: 4 });
    expect(editor.mode).toBe('read');
  });

  it('keeps the draft when the server cannot be reached', async () => {
    const editor = new Description(() => Promise.reject(new TypeError('network')));
    editor.edit({ description: 'old', version: 3 });
    editor.draft = 'mine';
    await editor.save();
    expect([editor.mode, editor.draft]).toEqual(['edit', 'mine']);
    expect(editor.message).toContain('No connection');
  });
});
