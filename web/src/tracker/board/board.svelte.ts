import { Drag, type Over } from '../../base/drag';
import { m } from '../../base/i18n';
import type { Store } from '../../base/store';
import { issues, moveIssue, type Issue } from '../issue';
import type { OpenedProject } from '../project/parts';
import { ROW } from './Column.svelte';

/** The board of one project: its columns, their cards, and moving them. */
export class Board {
  readonly #store: Store;
  readonly #opened: OpenedProject;
  readonly #table = $derived.by(() => this.#store.table(issues, this.#opened.scope));
  /** What is said aloud of a move. */
  said = $state('');
  readonly drag: Drag;

  constructor(store: Store, opened: OpenedProject) {
    this.#store = store;
    this.#opened = opened;
    this.drag = new Drag({
      rowSize: ROW,
      columns: () => this.columns.map(({ id }) => id),
      find: (id) => this.#find(id),
      count: (column) => this.ids(column).length,
      label: (id) => this.issue(id)?.key ?? '',
      columnLabel: (column) => this.columns.find(({ id }) => id === column)?.name ?? '',
      drop: (id, to) => this.#drop(id, to),
      announce: (text) => (this.said = text),
    });
  }

  get columns() {
    return this.#opened.statuses;
  }

  /** Whether all cards are here; before that, the first ones may be. */
  get ready(): boolean {
    return this.#store.ready(this.#opened.scope);
  }

  /** Viewers look only. */
  get movable(): boolean {
    return this.#opened.writes;
  }

  /** The cards of a column, from the top. */
  ids(column: string): readonly string[] {
    return this.#table.group('column', column);
  }

  issue(id: string): Issue | undefined {
    return this.#table.get(id);
  }

  /** How many cards a column has; null while that is not known. */
  count(column: string): number | null {
    return this.ready ? this.ids(column).length : null;
  }

  /** The sum of the estimates in a column, in points; null when nothing is estimated, or not all is here. */
  effort(column: string): number | null {
    if (!this.ready) return null;
    let sum: number | null = null;
    for (const { effort } of this.#table.rows('column', column)) {
      if (effort !== null) sum = (sum ?? 0) + effort;
    }
    return sum === null ? null : Math.round(sum * 1000) / 1000;
  }

  /** Done and all sub-issues; null when there are none. */
  parts(id: string): { done: number; all: number } | null {
    const parts = this.#table.group('parts', id);
    if (parts.length === 0) return null;
    const done = new Set(this.columns.filter(({ category }) => category === 'done').map((status) => status.id));
    const rows = this.#table.rows('parts', id);
    return { done: rows.filter(({ statusId }) => done.has(statusId)).length, all: parts.length };
  }

  #find(id: string): Over | null {
    const row = this.issue(id);
    const index = row ? this.ids(row.statusId).indexOf(id) : -1;
    return row && index >= 0 ? { column: row.statusId, index } : null;
  }

  #drop(id: string, { column, index }: Over): void {
    const project = this.#opened.project?.id;
    if (!project || !this.movable || !this.ready) return;
    const others = this.ids(column).filter((other) => other !== id);
    const after = others[index - 1] ?? null;
    const before = others[index] ?? null;
    this.#store.mutate(moveIssue, { project, id, statusId: column, after, before });
  }

  /** How the board is worked with the keyboard, for those who hear it. */
  get help(): string {
    return this.movable ? m.board_help() : m.board_help_viewer();
  }
}
