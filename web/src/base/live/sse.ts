export interface SseEvent {
  event: string;
  data: string;
}

/**
 * Parses text/event-stream as it arrives, in pieces of any size. Comments, ids and retry times are skipped: the
 * protocol above has heads instead.
 */
export class SseParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  /** The last piece ended in a carriage return: a line feed that follows belongs to it. */
  #afterReturn = false;
  #first = true;

  /** The events that the piece completes. */
  push(piece: string): SseEvent[] {
    const events: SseEvent[] = [];
    let text = piece;
    if (text === '') return events;
    if (this.#first) {
      this.#first = false;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1);
    this.#afterReturn = text === '' ? false : text.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\n|\r/u);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const done = this.#line(line);
      if (done) events.push(done);
    }
    return events;
  }

  #line(line: string): SseEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /u, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    return null;
  }

  #dispatch(): SseEvent | null {
    const event = this.#event || 'message';
    const data = this.#data;
    this.#event = '';
    this.#data = [];
    return data.length > 0 ? { event, data: data.join('\n') } : null;
  }
}
