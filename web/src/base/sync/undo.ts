import type { Call } from './types';

interface Step {
  tx: string;
  back: Call<never>;
}

const KEPT = 100;

/** What Ctrl-Z takes back: the inverses of this tab's own mutations, the last one first. */
export class Undo {
  #steps: Step[] = [];
  #taken: Step[] = [];

  /** A mutation was made; forward ones end what could be done again. */
  push(tx: string, back: Call<never>): void {
    this.#steps = [...this.#steps, { tx, back }].slice(-KEPT);
    this.#taken = [];
  }

  /** It was refused: there is nothing to take back. */
  drop(tx: string): void {
    this.#steps = this.#steps.filter((step) => step.tx !== tx);
    this.#taken = this.#taken.filter((step) => step.tx !== tx);
  }

  get size(): number {
    return this.#steps.length;
  }

  /** Runs the last inverse. run returns the new mutation's id and what brings back again what this takes away. */
  undo(run: (call: Call<never>) => Step | null): boolean {
    return shift(this.#steps, this.#taken, run);
  }

  redo(run: (call: Call<never>) => Step | null): boolean {
    return shift(this.#taken, this.#steps, run);
  }
}

function shift(from: Step[], to: Step[], run: (call: Call<never>) => Step | null): boolean {
  const step = from.pop();
  if (!step) return false;
  const back = run(step.back);
  if (back) to.push(back);
  return true;
}
