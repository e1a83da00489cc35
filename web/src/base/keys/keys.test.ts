import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { gate } from '../testing';
import { Keys } from './keys';

let keys: Keys;
let ended: AbortController;

beforeEach(() => {
  document.body.innerHTML = '';
  keys = new Keys();
  ended = new AbortController();
  keys.listen(window, ended.signal);
});
afterEach(() => ended.abort());

function press(key: string, init: KeyboardEventInit = {}, target: EventTarget = document.body): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
}

function add(shortcut: string, typing = false): () => void {
  const run = vi.fn();
  keys.add({ keys: shortcut, label: shortcut, run, typing });
  return run;
}

describe('a shortcut', () => {
  test('runs, and keeps the browser from doing something else', () => {
    const run = add('c');
    expect(press('c').defaultPrevented).toBe(true);
    expect(run).toHaveBeenCalledTimes(1);
    expect(press('d').defaultPrevented).toBe(false);
  });

  test('is not what is typed while a dialog is on its way', async () => {
    const [plain, always] = [add('c'), add('mod+k', true)];
    const way = gate();
    keys.hold(way.wait);
    press('c');
    press('k', { ctrlKey: true });
    expect([vi.mocked(plain).mock.calls.length, vi.mocked(always).mock.calls.length]).toEqual([0, 1]);
    way.open();
    await vi.waitFor(() => {
      press('c');
      expect(plain).toHaveBeenCalled();
    });
  });

  test('gives the dialog what was typed on its way', async () => {
    add('c');
    const way = gate();
    keys.hold(way.wait);
    for (const key of ['c', 'r', 'x', 'Backspace', 'Shift', 'A', 'Enter']) press(key);
    press('v', { ctrlKey: true });
    document.body.innerHTML = '<dialog open><input></dialog>';
    const field = document.querySelector('input')!;
    field.focus();
    const heard = vi.fn();
    field.addEventListener('input', heard);
    way.open();
    await vi.waitFor(() => expect(field.value).toBe('crA'));
    expect(heard).toHaveBeenCalledTimes(1);
    expect(field.selectionStart).toBe(3);
  });

  test('is told from the same key with others held', () => {
    const [undo, redo, plain] = [add('mod+z'), add('mod+shift+z'), add('z')];
    press('z', { ctrlKey: true });
    press('Z', { metaKey: true, shiftKey: true });
    press('Control', { ctrlKey: true });
    expect([undo, redo, plain].map((run) => vi.mocked(run).mock.calls.length)).toEqual([1, 1, 0]);
  });

  test('of two keys waits for the second, and not for ever', () => {
    const board = add('g b');
    press('g');
    press('b');
    expect(board).toHaveBeenCalledTimes(1);
    press('g');
    press('x');
    press('b');
    expect(board).toHaveBeenCalledTimes(1);
    const late = new KeyboardEvent('keydown', { key: 'b' });
    press('g');
    Object.defineProperty(late, 'timeStamp', { value: late.timeStamp + 5_000 });
    keys.press(late);
    expect(board).toHaveBeenCalledTimes(1);
  });

  test.each([
    '<input>',
    '<input type="email">',
    '<textarea></textarea>',
    '<select></select>',
    '<div contenteditable="true"><b data-at>x</b></div>',
  ])('rests while somebody types in %s', (html) => {
    const [letter, command] = [add('c'), add('mod+k', true)];
    document.body.innerHTML = html;
    const field = document.querySelector('[data-at]') ?? document.body.firstElementChild!;
    press('c', {}, field);
    press('k', { ctrlKey: true }, field);
    expect(letter).not.toHaveBeenCalled();
    expect(command).toHaveBeenCalledTimes(1);
  });

  test('works on a checkbox, rests in a dialog and while characters are composed', () => {
    const run = add('c');
    document.body.innerHTML = '<input type="checkbox"><dialog></dialog>';
    press('c', {}, document.querySelector('input')!);
    expect(run).toHaveBeenCalledTimes(1);
    press('c', { isComposing: true });
    document.querySelector('dialog')!.setAttribute('open', '');
    press('c');
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('of a page hides the same one of the app until it goes', () => {
    const app = add('c');
    const page = vi.fn();
    const away = keys.add({ keys: 'c', label: 'page', run: page });
    press('c');
    expect(keys.all().map(({ label }) => label)).toEqual(['page']);
    away();
    press('c');
    expect(page).toHaveBeenCalledTimes(1);
    expect(app).toHaveBeenCalledTimes(1);
  });
});
