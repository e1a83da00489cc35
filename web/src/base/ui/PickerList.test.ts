import { render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Option } from './options';
import PickerList from './PickerList.svelte';

beforeAll(() => {
  Element.prototype.scrollIntoView ??= () => undefined; // jsdom draws nothing
});

const options: Option<number>[] = [
  { value: 1, label: 'Open' },
  { value: 2, label: 'In Progress', hint: 'doing' },
  { value: 3, label: 'Done' },
];

function shown(props: { search?: boolean; custom?: (text: string) => Option<number> | null } = {}) {
  const onpick = vi.fn();
  render(PickerList<number>, { label: 'Status', options, value: 2, search: false, onpick, ...props });
  return onpick;
}

async function press(element: HTMLElement, ...keys: string[]) {
  for (const key of keys) {
    element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    await tick();
  }
}

describe('a picker', () => {
  it('begins at the present value and goes round with the arrow keys', async () => {
    const onpick = shown();
    await press(screen.getByRole('listbox'), 'ArrowDown', 'ArrowDown', 'Enter');
    expect(onpick).toHaveBeenCalledWith(1);
  });

  it('goes to an entry by its first letter', async () => {
    const onpick = shown();
    await press(screen.getByRole('listbox'), 'd', ' ');
    expect(onpick).toHaveBeenCalledWith(3);
  });

  it('tells which entry is active and which is chosen', () => {
    shown();
    const active = screen.getByRole('listbox').getAttribute('aria-activedescendant');
    const chosen = screen.getByRole('option', { selected: true });
    expect(chosen.id).toBe(active);
  });

  it('narrows by typing, hints included, and takes the first match', async () => {
    const onpick = shown({ search: true });
    const field = screen.getByRole<HTMLInputElement>('combobox');
    field.value = 'doi';
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await tick();
    expect(screen.getAllByRole('option').length).toBe(1);
    await press(field, 'Enter');
    expect(onpick).toHaveBeenCalledWith(2);
  });

  it('takes a value of its own where one is allowed', async () => {
    const onpick = shown({ search: true, custom: (text) => ({ value: Number(text), label: text }) });
    const field = screen.getByRole<HTMLInputElement>('combobox');
    field.value = '40';
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await tick();
    await press(field, 'Enter');
    expect(onpick).toHaveBeenCalledWith(40);
  });
});
