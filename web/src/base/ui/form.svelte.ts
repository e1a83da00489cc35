import { fieldErrors, readable } from './problem';

/** A form on its way to the server: one submission at a time, and what the server says about its fields. */
export class Form {
  busy = $state(false);
  /** The last submission was taken. */
  done = $state(false);
  /** By field. */
  errors = $state.raw<Record<string, string>>({});
  /** What is about none of the fields. */
  message = $state('');

  readonly #fields: readonly string[];
  readonly #words: (reason: unknown) => string;

  /** `words` says what is about no field; by default the server's own words. */
  constructor(fields: readonly string[], words = readable) {
    this.#fields = fields;
    this.#words = words;
  }

  /** Answers whether the work was done. What was typed stays whatever happens. */
  async send(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.clear();
    try {
      await work();
      this.done = true;
    } catch (reason) {
      this.#show(reason);
    } finally {
      this.busy = false;
    }
    return this.done;
  }

  /** Says by itself what is missing, before anything is sent. */
  refuse(errors: Record<string, string>): void {
    this.clear();
    this.errors = errors;
  }

  clear(): void {
    this.done = false;
    this.errors = {};
    this.message = '';
  }

  #show(reason: unknown): void {
    const errors = fieldErrors(reason);
    if (this.#fields.some((field) => field in errors)) this.errors = errors;
    else this.message = this.#words(reason);
  }
}
