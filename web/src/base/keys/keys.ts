/** A shortcut: one key, or several pressed one after the other. */
export interface Shortcut {
  /** As in "c", "g b", "mod+k" (Command on a Mac, Control elsewhere), "shift+?". */
  keys: string;
  label: string;
  run: () => void;
  /** Also while typing in a field; only for combinations with mod. */
  typing?: boolean;
}

const SEQUENCE_MS = 1_200;

/** The keyboard shortcuts that hold now. Those of pages come and go with them; the last one registered wins. */
export class Keys {
  #shortcuts: Shortcut[] = [];
  #typed: string[] = [];
  #at = 0;
  #held = 0;
  #ahead = '';

  /** Listens until the signal aborts. */
  listen(target: EventTarget, signal: AbortSignal): void {
    target.addEventListener('keydown', (event) => this.press(event as KeyboardEvent), { signal });
  }

  /** Adds shortcuts; returns how to take them away, as an effect wants it. */
  add(...shortcuts: Shortcut[]): () => void {
    this.#shortcuts = [...this.#shortcuts, ...shortcuts];
    return () => {
      this.#shortcuts = this.#shortcuts.filter((shortcut) => !shortcuts.includes(shortcut));
    };
  }

  /** What is typed while a dialog is on its way is no shortcut: it goes into the field that the dialog begins with. */
  hold(dialog: Promise<unknown>): void {
    this.#held++;
    const release = () =>
      setTimeout(() => {
        // when it has been opened
        if (--this.#held > 0) return;
        enter(this.#ahead);
        this.#ahead = '';
      });
    void dialog.then(release, release);
  }

  /** For a list of them, without those that another one hides. */
  all(): readonly Shortcut[] {
    const seen = new Set<string>();
    return this.#shortcuts.toReversed().filter(({ keys }) => !seen.has(keys) && seen.add(keys));
  }

  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || MODIFIERS.has(event.key)) return;
    const typing = isTyping(event.target);
    if (event.timeStamp - this.#at > SEQUENCE_MS) this.#typed = [];
    this.#at = event.timeStamp;
    this.#typed = [...this.#typed, name(event)].slice(-2);
    const candidates = [this.#typed.join(' '), this.#typed.at(-1)!];
    const found = candidates
      .map((keys) => this.#shortcuts.findLast((s) => s.keys === keys && (!typing || s.typing)))
      .find((shortcut) => shortcut !== undefined);
    if (!found?.typing) {
      if (this.#held > 0 && !typing) this.#keep(event);
      if (!found || this.#held > 0 || document.querySelector('dialog[open]')) return;
    }
    event.preventDefault();
    this.#typed = [];
    found.run();
  }

  #keep(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1) this.#ahead += event.key;
    else if (event.key === 'Backspace') this.#ahead = this.#ahead.slice(0, -1);
    else return;
    event.preventDefault();
  }
}

/** Puts a text before what has been typed since into the field that has the focus. */
function enter(text: string): void {
  const field = document.activeElement;
  if (text === '' || !(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return;
  const at = (field.selectionEnd ?? 0) + text.length;
  field.setRangeText(text, 0, 0);
  field.setSelectionRange(at, at);
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

const MODIFIERS = new Set(['Shift', 'Control', 'Meta', 'Alt']);

function name(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('mod');
  if (event.altKey) parts.push('alt');
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.shiftKey) parts.push('shift');
  return [...parts, key].join('+');
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest('[contenteditable=""],[contenteditable="true"],select,textarea')) return true;
  const input = target.closest('input');
  return input !== null && !['checkbox', 'radio', 'button', 'submit', 'range', 'file'].includes(input.type);
}
