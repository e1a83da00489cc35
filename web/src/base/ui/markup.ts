/** What a press on the editor's toolbar does to the text: pure functions from selection to selection. */
export interface Selection {
  text: string;
  start: number;
  end: number;
}

/** A replacement of text[from..to] and the selection after it. */
export interface Edit {
  from: number;
  to: number;
  insert: string;
  start: number;
  end: number;
}

/** Puts a mark on both sides of the selection, or takes it off where it is already. */
export function around({ text, start, end }: Selection, mark: string): Edit {
  const n = mark.length;
  const chosen = text.slice(start, end);
  if (text.slice(start - n, start) === mark && text.slice(end, end + n) === mark) {
    return { from: start - n, to: end + n, insert: chosen, start: start - n, end: end - n };
  }
  return { from: start, to: end, insert: mark + chosen + mark, start: start + n, end: end + n };
}

/** Begins every line of the selection with a prefix, or takes the prefix off when all have it. */
export function lines({ text, start, end }: Selection, prefix: string): Edit {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const next = text.indexOf('\n', end);
  const to = next < 0 ? text.length : next;
  const rows = text.slice(from, to).split('\n');
  const off = rows.every((row) => row.startsWith(prefix));
  const insert = rows.map((row) => (off ? row.slice(prefix.length) : prefix + row)).join('\n');
  return { from, to, insert, start: from, end: from + insert.length };
}

/** Makes the selection a link and selects the address to be typed. */
export function link({ text, start, end }: Selection): Edit {
  const label = text.slice(start, end) || 'text';
  const insert = `[${label}](https://)`;
  const address = start + label.length + 3;
  return { from: start, to: end, insert, start: address, end: address + 'https://'.length };
}

/** Carries an edit out as if it had been typed, so that the browser's undo knows it. */
export function apply(area: HTMLTextAreaElement, edit: Edit): void {
  area.focus();
  area.setSelectionRange(edit.from, edit.to);
  // The only way into the undo stack of a text area; deprecated without a successor.
  const typed = typeof document.execCommand === 'function' && document.execCommand('insertText', false, edit.insert);
  if (!typed) {
    area.setRangeText(edit.insert, edit.from, edit.to);
    area.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }
  area.setSelectionRange(edit.start, edit.end);
}
