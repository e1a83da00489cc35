import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Drag, type Over } from './drag.svelte';

const ROW = 100;
let columns: Record<string, string[]>;
let drag: Drag;
let drops: { id: string; to: Over }[];
let said: string[];
let root: HTMLElement;
let detach: () => void;
let under: Element | null;

beforeEach(() => {
  columns = { open: ['a', 'b', 'c'], doing: [], done: ['x'] };
  drops = [];
  said = [];
  const find = (id: string): Over | null => {
    for (const [column, ids] of Object.entries(columns)) {
      const index = ids.indexOf(id);
      if (index >= 0) return { column, index };
    }
    return null;
  };
  drag = new Drag({
    rowSize: ROW,
    columns: () => Object.keys(columns),
    find,
    count: (column) => columns[column]!.length,
    label: (id) => id.toUpperCase(),
    columnLabel: (column) => column,
    drop: (id, to) => {
      drops.push({ id, to });
      const from = find(id)!;
      columns[from.column]!.splice(from.index, 1);
      columns[to.column]!.splice(to.index, 0, id);
    },
    announce: (text) => said.push(text),
  });
  const lists = Object.entries(columns).map(
    ([name, ids]) =>
      `<section data-col="${name}"><div data-list>${ids
        .map((id) => `<a tabindex="0" data-id="${id}"><b>${id}</b><button>menu</button></a>`)
        .join('')}</div></section>`,
  );
  document.body.innerHTML = `<div id="board">${lists.join('')}</div><input id="elsewhere">`;
  root = document.getElementById('board')!;
  // What jsdom has no layout for.
  root.setPointerCapture = () => undefined;
  document.elementFromPoint = () => under;
  vi.stubGlobal('requestAnimationFrame', (fn: () => void) => setTimeout(fn, 16));
  vi.stubGlobal('cancelAnimationFrame', clearTimeout);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  detach = drag.attach(root);
});
afterEach(() => {
  detach();
  vi.runOnlyPendingTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const card = (id: string) => document.querySelector<HTMLElement>(`[data-id="${id}"]`)!;
const list = (column: string) => document.querySelector(`[data-col="${column}"] [data-list]`)!;

function pointer(type: string, target: Element, x: number, y: number, init: PointerEventInit = {}): void {
  const { pointerId = 1, pointerType = 'mouse', button = 0 } = init;
  const event = new MouseEvent(type, { bubbles: true, cancelable: true, clientX: x, clientY: y, button });
  Object.assign(event, { pointerId, pointerType });
  target.dispatchEvent(event);
}

function press(key: string, target: Element = document.activeElement!): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
  return event;
}

/** Takes a card with the mouse and holds it over a column at a height. */
function carry(id: string, column: string, y: number): void {
  pointer('pointerdown', card(id).firstElementChild!, 10, 10);
  under = list(column);
  pointer('pointermove', root, 20, y);
}

describe('with the mouse', () => {
  test('a card goes to another column, at the place under the pointer', () => {
    carry('a', 'done', 60);
    expect(drag.id).toBe('a');
    expect(drag.marker('done')).toBe(1);
    expect(drag.marker('open')).toBeNull();
    pointer('pointerup', root, 20, 60);
    expect(drops).toEqual([{ id: 'a', to: { column: 'done', index: 1 } }]);
    expect(drag.id).toBeNull();
    expect(document.querySelector('[aria-hidden]')).toBeNull();
    expect(said.at(-1)).toBe('A moved to done, position 2.');
  });

  test('within its column the place counts without the card', () => {
    carry('a', 'open', 200);
    pointer('pointerup', root, 20, 200);
    expect(columns.open).toEqual(['b', 'a', 'c']);
  });

  test('back where it was, it is not moved', () => {
    carry('b', 'open', 190);
    pointer('pointerup', root, 20, 190);
    expect(drops).toEqual([]);
  });

  test('beyond the last card it is the last', () => {
    carry('a', 'doing', 5_000);
    pointer('pointerup', root, 20, 5_000);
    expect(drops[0]!.to).toEqual({ column: 'doing', index: 0 });
  });

  test('outside of all columns, by Escape, and by a lost pointer it stays', () => {
    carry('a', 'done', 60);
    under = null;
    pointer('pointermove', root, 900, 900);
    pointer('pointerup', root, 900, 900);
    carry('a', 'done', 60);
    press('Escape', root);
    carry('a', 'done', 60);
    pointer('pointercancel', root, 0, 0);
    expect(drops).toEqual([]);
    expect(said).toHaveLength(3);
    expect(document.querySelector('[aria-hidden]')).toBeNull();
  });

  test('a press without moving is a click; the click after a drop is not', () => {
    const clicked = vi.fn();
    card('a').addEventListener('click', clicked);
    pointer('pointerdown', card('a'), 10, 10);
    pointer('pointermove', root, 12, 12);
    pointer('pointerup', root, 12, 12);
    card('a').click();
    expect(clicked).toHaveBeenCalledTimes(1);
    carry('a', 'done', 60);
    pointer('pointerup', root, 20, 60);
    card('a').click();
    expect(clicked).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    card('a').click();
    expect(clicked).toHaveBeenCalledTimes(2);
  });

  test('buttons in a card, other buttons of the mouse and other pointers do not take it', () => {
    pointer('pointerdown', card('a').querySelector('button')!, 10, 10);
    pointer('pointermove', root, 90, 90);
    pointer('pointerdown', card('a'), 10, 10, { button: 2 });
    pointer('pointermove', root, 90, 90);
    pointer('pointerdown', card('a'), 10, 10);
    pointer('pointermove', root, 90, 90, { pointerId: 2 });
    expect(drag.id).toBeNull();
  });

  test('a card that is deleted meanwhile ends the move', () => {
    carry('a', 'done', 60);
    columns.open = ['b', 'c'];
    pointer('pointerup', root, 20, 60);
    expect(drops).toEqual([]);
    expect(drag.mode).toBeNull();
  });
});

describe('with a finger', () => {
  const touch = { pointerType: 'touch' };

  test('a long press takes a card', () => {
    under = list('done');
    pointer('pointerdown', card('a'), 10, 10, touch);
    vi.advanceTimersByTime(300);
    expect(drag.id).toBe('a');
    pointer('pointermove', root, 20, 160, touch);
    pointer('pointerup', root, 20, 160, touch);
    expect(columns.done).toEqual(['x', 'a']);
  });

  test('moving before that is scrolling, and a short press a tap', () => {
    pointer('pointerdown', card('a'), 10, 10, touch);
    pointer('pointermove', root, 10, 40, touch);
    vi.advanceTimersByTime(300);
    expect(drag.id).toBeNull();
    pointer('pointerdown', card('a'), 10, 10, touch);
    pointer('pointerup', root, 10, 10, touch);
    vi.advanceTimersByTime(300);
    expect(drag.id).toBeNull();
  });
});

describe('with the keyboard', () => {
  beforeEach(() => card('a').focus());

  test('Space takes a card, arrows move it, Space drops it, and each step is said', () => {
    expect(press(' ').defaultPrevented).toBe(true);
    expect(drag.mode).toBe('keyboard');
    press('ArrowRight');
    press('ArrowRight');
    press('ArrowDown');
    press(' ');
    expect(drops).toEqual([{ id: 'a', to: { column: 'done', index: 1 } }]);
    expect(said).toEqual([
      'A picked up. Arrow keys move it, Space drops it, Escape puts it back.',
      'doing, position 1 of 1.',
      'done, position 1 of 2.',
      'done, position 2 of 2.',
      'A moved to done, position 2.',
    ]);
    vi.advanceTimersByTime(16);
    expect(document.activeElement).toBe(card('a'));
  });

  test('within its column the mark stands where the card will', () => {
    press(' ');
    press('ArrowDown');
    expect(drag.over).toEqual({ column: 'open', index: 1 });
    expect(drag.marker('open')).toBe(2);
    press('End');
    expect(drag.over).toEqual({ column: 'open', index: 2 });
    press('ArrowDown');
    press('Enter');
    expect(columns.open).toEqual(['b', 'c', 'a']);
  });

  test('the ends hold', () => {
    press(' ');
    press('ArrowUp');
    press('ArrowLeft');
    expect(drag.over).toEqual({ column: 'open', index: 0 });
    press('Home');
    press(' ');
    expect(drops).toEqual([]);
  });

  test('Escape and going elsewhere put it back', () => {
    press(' ');
    press('ArrowRight');
    press('Escape');
    expect(drag.mode).toBeNull();
    press(' ');
    press('ArrowRight');
    document.getElementById('elsewhere')!.focus();
    expect(drag.mode).toBeNull();
    expect(drops).toEqual([]);
    expect(said.at(-1)).toBe('A stays where it was.');
  });

  test('other keys are left alone, and Enter at rest opens the card', () => {
    expect(press('Enter').defaultPrevented).toBe(false);
    press(' ');
    expect(press('q').defaultPrevented).toBe(false);
    expect(press(' ', card('a').querySelector('button')!).defaultPrevented).toBe(true);
  });
});

test('a board that goes away in the middle of a move ends it', () => {
  carry('a', 'done', 60);
  detach();
  expect(drag.id).toBeNull();
  expect(document.querySelector('[aria-hidden]')).toBeNull();
});
