/**
 * Moving cards between columns by mouse, pen, touch and keyboard: one state machine. It knows columns in the DOM
 * ([data-col] with a [data-list] that scrolls) and the height of a row, never cards beyond their [data-id]: the
 * place of a drop follows from geometry, so lists may be windowed.
 */
import { m } from '../i18n';
import { Ghost } from './ghost';

/** A place between cards: before the card that stands at the index now. */
export interface Over {
  column: string;
  index: number;
}

export interface DragOptions {
  rowSize: number;
  /** In the order in which the arrow keys go through them. */
  columns(): readonly string[];
  /** Where a card stands; null when it is gone. */
  find(id: string): Over | null;
  count(column: string): number;
  /** How cards and columns are called aloud. */
  label(id: string): string;
  columnLabel(column: string): string;
  /** Called when a card is dropped somewhere else than it was; index counts the list without the card. */
  drop(id: string, to: Over): void;
  announce(text: string): void;
}

interface Down {
  id: string;
  card: HTMLElement;
  x: number;
  y: number;
  pointer: number;
  touch: boolean;
}

const THRESHOLD = 5;
const LONG_PRESS_MS = 250;
const SLOP = 8;
const EDGE = 56;
const SPEED = 0.35;

export class Drag {
  /** The card that is moved; null at rest. */
  id = $state<string | null>(null);
  over = $state.raw<Over | null>(null);
  mode = $state<'pointer' | 'keyboard' | null>(null);

  readonly #o: DragOptions;
  #root: HTMLElement | null = null;
  #down: Down | null = null;
  #ghost: Ghost | null = null;
  #timer = 0;
  #frame = 0;
  #x = 0;
  #y = 0;

  constructor(options: DragOptions) {
    this.#o = options;
  }

  /** Where the mark between the cards of a column is drawn, among the cards as they are; null for none. */
  marker(column: string): number | null {
    const { over, mode, id } = this;
    if (over?.column !== column) return null;
    const from = mode === 'keyboard' && id !== null ? this.#o.find(id) : null;
    return from?.column === column && over.index > from.index ? over.index + 1 : over.index;
  }

  /** For {@attach} on the board. */
  readonly attach = (root: HTMLElement): (() => void) => {
    this.#root = root;
    const ended = new AbortController();
    const { signal } = ended;
    root.addEventListener('pointerdown', (event) => this.#pointerDown(event), { signal });
    root.addEventListener('pointermove', (event) => this.#pointerMove(event), { signal });
    root.addEventListener('pointerup', () => this.#pointerUp(), { signal });
    root.addEventListener('pointercancel', () => this.#end(false), { signal });
    root.addEventListener('touchmove', (event) => this.mode === 'pointer' && event.preventDefault(), {
      passive: false,
      signal,
    });
    root.addEventListener('contextmenu', (event) => this.#down?.touch && event.preventDefault(), { signal });
    root.addEventListener('dragstart', (event) => event.preventDefault(), { signal });
    root.addEventListener('keydown', (event) => this.#key(event), { signal });
    root.addEventListener('focusout', (event) => this.#leave(event), { signal });
    return () => {
      if (this.mode) this.#end(false);
      clearTimeout(this.#timer);
      ended.abort();
    };
  };

  #pointerDown(event: PointerEvent): void {
    const target = event.target as Element;
    if (event.button !== 0 || this.mode || target.closest('button,input,[data-nodrag]')) return;
    const card = target.closest<HTMLElement>('[data-id]');
    if (!card) return;
    const touch = event.pointerType === 'touch';
    this.#down = { id: card.dataset.id!, card, x: event.clientX, y: event.clientY, pointer: event.pointerId, touch };
    this.#x = event.clientX;
    this.#y = event.clientY;
    if (touch) this.#timer = window.setTimeout(() => this.#begin(), LONG_PRESS_MS);
  }

  #pointerMove(event: PointerEvent): void {
    const down = this.#down;
    if (!down || event.pointerId !== down.pointer) return;
    this.#x = event.clientX;
    this.#y = event.clientY;
    const moved = Math.hypot(this.#x - down.x, this.#y - down.y);
    if (this.mode === 'pointer') {
      this.#ghost?.move(this.#x - down.x, this.#y - down.y);
      this.#aim();
    } else if (down.touch) {
      // Moving before the long press is scrolling.
      if (moved > SLOP) this.#let();
    } else if (moved > THRESHOLD) this.#begin();
  }

  #pointerUp(): void {
    if (this.mode === 'pointer') {
      swallowClick();
      this.#end(true);
    } else this.#let();
  }

  #let(): void {
    clearTimeout(this.#timer);
    this.#down = null;
  }

  #begin(): void {
    const down = this.#down;
    if (!down || !this.#root) return;
    this.#ghost = new Ghost(down.card);
    this.id = down.id;
    this.mode = 'pointer';
    this.#root.setPointerCapture(down.pointer);
    if (down.touch) navigator.vibrate?.(8);
    this.#aim();
    this.#frame = requestAnimationFrame(() => this.#scroll());
  }

  /** Finds the place under the pointer. */
  #aim(): void {
    const column = document.elementFromPoint(this.#x, this.#y)?.closest<HTMLElement>('[data-col]');
    const list = column?.querySelector<HTMLElement>('[data-list]');
    if (!column || !list) {
      this.over = null;
      return;
    }
    const name = column.dataset.col!;
    const y = this.#y - list.getBoundingClientRect().top + list.scrollTop;
    const index = clamp(Math.round(y / this.#o.rowSize), 0, this.#o.count(name));
    if (this.over?.column !== name || this.over.index !== index) this.over = { column: name, index };
  }

  /** Near an edge the list or the board scrolls, as long as the pointer stays there. */
  #scroll(): void {
    const under = document.elementFromPoint(this.#x, this.#y);
    const list = under?.closest('[data-col]')?.querySelector<HTMLElement>('[data-list]');
    const box = list?.getBoundingClientRect();
    const down = box ? pull(this.#y, box.top, box.bottom) : 0;
    const frame = this.#root!.getBoundingClientRect();
    const right = pull(this.#x, frame.left, frame.right);
    if (list) list.scrollTop += down * SPEED;
    this.#root!.scrollLeft += right * SPEED;
    if (down || right) this.#aim();
    this.#frame = requestAnimationFrame(() => this.#scroll());
  }

  #key(event: KeyboardEvent): void {
    if (this.mode === 'pointer') {
      if (event.key === 'Escape') this.#end(false);
    } else if (this.mode === 'keyboard') this.#steer(event);
    else this.#pickUp(event);
  }

  #pickUp(event: KeyboardEvent): void {
    const card = (event.target as Element).closest<HTMLElement>('[data-id]');
    if (event.key !== ' ' || !card || card !== event.target) return;
    const id = card.dataset.id!;
    const place = this.#o.find(id);
    if (!place) return;
    event.preventDefault();
    this.id = id;
    this.mode = 'keyboard';
    this.over = place;
    this.#o.announce(m.drag_picked_up({ card: this.#o.label(id) }));
  }

  #steer(event: KeyboardEvent): void {
    if (event.key === ' ' || event.key === 'Enter') this.#dropByKey();
    else if (event.key === 'Escape') this.#end(false);
    else if (!this.#step(event.key)) return;
    event.preventDefault();
  }

  #step(pressed: string): boolean {
    const over = this.over;
    if (!over) return false;
    const columns = this.#o.columns();
    const at = columns.indexOf(over.column);
    const to = (place: number) => columns[clamp(place, 0, columns.length - 1)]!;
    const moves: Record<string, () => Over> = {
      ArrowDown: () => ({ ...over, index: over.index + 1 }),
      ArrowUp: () => ({ ...over, index: over.index - 1 }),
      ArrowRight: () => ({ ...over, column: to(at + 1) }),
      ArrowLeft: () => ({ ...over, column: to(at - 1) }),
      Home: () => ({ ...over, index: 0 }),
      End: () => ({ ...over, index: Infinity }),
    };
    const next = moves[pressed]?.();
    if (!next) return false;
    const last = this.#last(next.column);
    this.over = { column: next.column, index: clamp(next.index, 0, last) };
    this.#reveal(this.over);
    const { column, index } = this.over;
    this.#o.announce(m.drag_over({ column: this.#o.columnLabel(column), position: index + 1, count: last + 1 }));
    return true;
  }

  /** The last place that a card moved by keyboard can take: counted without the card itself. */
  #last(column: string): number {
    const own = this.id !== null && this.#o.find(this.id)?.column === column;
    return this.#o.count(column) - (own ? 1 : 0);
  }

  #reveal({ column, index }: Over): void {
    const section = named(this.#root, 'col', column);
    section?.scrollIntoView?.({ block: 'nearest', inline: 'nearest' });
    const list = section?.querySelector<HTMLElement>('[data-list]');
    if (!list) return;
    const y = index * this.#o.rowSize;
    if (y < list.scrollTop) list.scrollTop = y;
    else if (y > list.scrollTop + list.clientHeight - this.#o.rowSize) {
      list.scrollTop = y - list.clientHeight + this.#o.rowSize;
    }
  }

  #dropByKey(): void {
    const id = this.id!;
    this.#end(true);
    // The card may have been drawn anew in another column.
    requestAnimationFrame(() => named(this.#root, 'id', id)?.focus());
  }

  /** Going elsewhere with the keyboard gives up the move. */
  #leave(event: FocusEvent): void {
    const to = event.relatedTarget;
    if (this.mode === 'keyboard' && to instanceof Element && to.closest('[data-id]') !== event.target) this.#end(false);
  }

  #end(commit: boolean): void {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#ghost?.remove();
    this.#ghost = null;
    this.#down = null;
    const { id, over, mode } = this;
    this.id = null;
    this.over = null;
    this.mode = null;
    if (!id || !mode) return;
    const from = this.#o.find(id);
    if (!commit || !over || !from) {
      this.#o.announce(m.drag_cancelled({ card: this.#o.label(id) }));
      return;
    }
    const to = mode === 'pointer' ? without(from, over) : over;
    if (to.column !== from.column || to.index !== from.index) this.#o.drop(id, to);
    const column = this.#o.columnLabel(to.column);
    this.#o.announce(m.drag_dropped({ card: this.#o.label(id), column, position: to.index + 1 }));
  }
}

/** The pointer aims between the cards as they are drawn, the moved one among them; a place counts without it. */
function without(from: Over, over: Over): Over {
  return over.column === from.column && over.index > from.index ? { ...over, index: over.index - 1 } : over;
}

/** The element whose data attribute has the value. */
function named(root: HTMLElement | null, data: string, value: string): HTMLElement | undefined {
  const all = root?.querySelectorAll<HTMLElement>(`[data-${data}]`) ?? [];
  return [...all].find((element) => element.dataset[data] === value);
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

function pull(at: number, start: number, end: number): number {
  const before = start + EDGE - at;
  const after = at - (end - EDGE);
  return before > 0 ? -before : after > 0 ? after : 0;
}

/** The click that follows a drop is not one. */
function swallowClick(): void {
  const ended = new AbortController();
  const swallow = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener('click', swallow, { capture: true, signal: ended.signal });
  setTimeout(() => ended.abort());
}
