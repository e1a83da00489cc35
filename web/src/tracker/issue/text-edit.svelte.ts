import { Problem } from '../../base/api';
import { readable } from '../../base/ui/problem';

/** A text and the version of its row that it was read with. */
export interface Text {
  text: string;
  version: number;
}

/**
 * Editing a long text, as it was read. Single fields merge, but a long text is replaced as a whole: it is saved together with the
 * version it was read at, and when somebody else saved meanwhile both texts are shown.
 */
export class TextEdit {
  mode = $state<'edit' | 'conflict'>('edit');
  draft = $state('');
  busy = $state(false);
  message = $state('');
  /** In a conflict: what the server holds now. */
  theirs = $state.raw<Text | null>(null);

  /** What the draft began from. */
  #base: Text;
  readonly #field: string;
  readonly #save: (text: Text) => Promise<void>;
  readonly #done: () => void;

  /**
   * save throws a Problem of status 409 with the current row, whose text stands in the field, when the version is
   * stale. done is called when there is nothing more to edit.
   */
  constructor(present: Text, field: string, save: (text: Text) => Promise<void>, done: () => void) {
    this.draft = present.text;
    this.#field = field;
    this.#base = present;
    this.#save = save;
    this.#done = done;
  }

  /** Leaves the editor and the draft. */
  cancel(): void {
    this.#done();
  }

  async save(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.message = '';
    try {
      await this.#send();
      this.cancel();
    } catch (reason) {
      this.theirs = this.#current(reason);
      if (this.theirs) this.mode = 'conflict';
      else this.message = readable(reason);
    } finally {
      this.busy = false;
    }
  }

  /** The version is the whole row's: when only other fields changed meanwhile, the text goes through with the new one. */
  async #send(): Promise<void> {
    try {
      await this.#save({ text: this.draft, version: this.#base.version });
    } catch (reason) {
      const now = this.#current(reason);
      if (now?.text !== this.#base.text) throw reason;
      await this.#save({ text: this.draft, version: now.version });
    }
  }

  /** Replaces the other text by mine, knowing it. */
  keepMine(): Promise<void> {
    this.#agree();
    return this.save();
  }

  /** Back to the editor with my text; saving then replaces the other one. */
  editMine(): void {
    this.#agree();
    this.mode = 'edit';
  }

  #agree(): void {
    if (this.theirs) this.#base = this.theirs;
  }

  #current(reason: unknown): Text | null {
    if (!(reason instanceof Problem) || reason.status !== 409) return null;
    const row = reason.current as Readonly<Record<string, unknown>> | null | undefined;
    if (typeof row?.['version'] !== 'number') return null;
    const text = row[this.#field];
    return { text: typeof text === 'string' ? text : '', version: row['version'] };
  }
}
