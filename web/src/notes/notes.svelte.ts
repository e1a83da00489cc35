import type { Store } from '../base/store';
import { isBlank, trimmed } from '../base/ui/blank';
import { createNote, deleteNote, newestFirst, notes, updateNote, type Note } from './note';

const QUIET_MS = 700;

/**
 * One note in the editor. What is typed is shown at once and saved when the typing pauses; while nothing is typed
 * the editor shows what comes from elsewhere.
 */
export class Editor {
  readonly id: string;
  readonly #store: Store;
  #draft = $state.raw<Partial<Pick<Note, 'title' | 'body'>>>({});
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store, id: string) {
    this.#store = store;
    this.id = id;
  }

  /** Undefined once it was deleted, here or elsewhere. */
  get note(): Note | undefined {
    return this.#store.table(notes).get(this.#store.real(this.id));
  }

  get title(): string {
    return this.#draft.title ?? this.note?.title ?? '';
  }

  set title(title: string) {
    this.#type({ title });
  }

  get body(): string {
    return this.#draft.body ?? this.note?.body ?? '';
  }

  set body(body: string) {
    this.#type({ body });
  }

  /** A note must have a title; without one nothing is saved. */
  get titleMissing(): boolean {
    return this.note !== undefined && isBlank(this.title);
  }

  /** Saves what was typed, now. */
  flush(): void {
    clearTimeout(this.#timer);
    const note = this.note;
    if (!note || this.titleMissing) return;
    const { title = note.title, body = note.body } = this.#draft;
    const patch = {
      ...(trimmed(title) === note.title ? {} : { title: trimmed(title) }),
      ...(body === note.body ? {} : { body }),
    };
    if (Object.keys(patch).length > 0) this.#store.mutate(updateNote, { id: note.id, patch });
    this.#draft = {};
  }

  delete(): void {
    clearTimeout(this.#timer);
    this.#draft = {};
    if (this.note) this.#store.mutate(deleteNote, { id: this.note.id });
  }

  #type(change: Partial<Pick<Note, 'title' | 'body'>>): void {
    this.#draft = { ...this.#draft, ...change };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), QUIET_MS);
  }
}

/** The list of notes and the one that is open. */
export class Notes {
  readonly #store: Store;
  readonly #go: (path: string, options?: { replace?: boolean }) => void;
  readonly list = $derived.by(() => newestFirst(this.#store.table(notes).all()));
  #editor: Editor | null = null;

  constructor(store: Store, go: (path: string, options?: { replace?: boolean }) => void) {
    this.#store = store;
    this.#go = go;
  }

  /** The editor for an id; the same one when the id is the server's for a note that was just made. */
  open(id: string | undefined): Editor | null {
    if (!id) return null;
    const known = this.#editor;
    if (known && this.#store.real(known.id) === this.#store.real(id)) return known;
    return (this.#editor = new Editor(this.#store, id));
  }

  /** Makes a note and opens it; its address follows when the server has given it one. */
  create(title: string): void {
    const { tx, done } = this.#store.mutate(createNote, { title, body: '' });
    this.#go(`/notes/${tx}`);
    done.then(
      ({ id }) => this.#isOpen(tx) && this.#go(`/notes/${id}`, { replace: true }),
      () => this.#isOpen(tx) && this.#go('/notes', { replace: true }),
    );
  }

  #isOpen(id: string): boolean {
    return location.pathname === `/notes/${id}`;
  }
}
