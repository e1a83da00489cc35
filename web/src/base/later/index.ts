/** What can wait until the page has nothing better to do. */

const LATEST_MS = 5_000;
/** A page that waits for its own rows is idle too; they go first. */
const AHEAD_MS = 1_000;

/** Resolves when the browser is idle, after a few seconds in any case. */
export function whenIdle(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in globalThis) requestIdleCallback(() => resolve(), { timeout: LATEST_MS });
    else setTimeout(resolve);
  });
}

/** Fetches code ahead of its use. What does not come now is asked for again when it is used. */
export async function ahead(...loads: readonly (() => Promise<unknown>)[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, AHEAD_MS));
  await whenIdle();
  await Promise.allSettled(loads.map((load) => load()));
}
