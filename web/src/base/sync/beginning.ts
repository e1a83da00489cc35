import type { Snapshot } from './types';

/** Enough rows for every first screen. */
const ENOUGH = 64 * 1024;
/** A row ends and another one begins. Inside a JSON string its quotes would be escaped. */
const BETWEEN = '},{"id":"';

/**
 * What the beginning of a snapshot's text says: all of it but the rows that are still to come. The server sends the
 * small entities first, so that the last, large one is the only one that is cut. Null where it cannot be cut.
 */
export function beginningOf(text: string): Snapshot | null {
  const cut = text.lastIndexOf(BETWEEN);
  if (cut < 0) return null;
  try {
    return JSON.parse(`${text.slice(0, cut + 1)}]}}`) as Snapshot;
  } catch {
    return null; // what was cut was inside a row
  }
}

/**
 * Reads a snapshot as it arrives. begun is called once with its beginning, where there is more than that, and gets
 * the time to be painted.
 */
export async function readSnapshot(
  pieces: AsyncIterable<string>,
  begun: (beginning: Snapshot) => void,
): Promise<Snapshot> {
  let text = '';
  let waits = true;
  for await (const piece of pieces) {
    text += piece;
    if (!waits || text.length < ENOUGH) continue;
    waits = false;
    const beginning = beginningOf(text.slice(0, ENOUGH));
    if (beginning) {
      begun(beginning);
      await painted();
    }
  }
  return JSON.parse(text) as Snapshot;
}

/** Resolves after the next frame; soon also in a tab that is not looked at, which has none. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 100);
    if ('requestAnimationFrame' in globalThis) requestAnimationFrame(() => setTimeout(resolve));
  });
}
