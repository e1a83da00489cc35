import { SseParser, type SseEvent } from './sse';

/** What the server says over the stream. */
export type Happening =
  | { kind: 'heads'; heads: { epoch: string; scopes: Record<string, number> }; whole: boolean }
  | { kind: 'change'; entry: unknown }
  | { kind: 'purge'; scope: string };

interface Options {
  url: string;
  token(): string | null;
  /** Gets a newer token than the given one; false when the session is over. Throws when nobody answers. */
  refresh(stale: string | null): Promise<boolean>;
  on(happening: Happening): void;
  /** Whether the stream is up. */
  onState(online: boolean): void;
}

/** The server sends something at least every 25 s. */
const SILENCE_MS = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Why a connection ended: again at once, again after a pause, or never. */
type End = 'now' | 'pause' | 'over';

/** Keeps the stream open until the signal aborts: reconnects with growing pauses, with a fresh token when needed. */
export async function follow(options: Options, signal: AbortSignal): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let worked = false;
    const end = await connect(options, signal, () => {
      worked = true;
      options.onState(true);
    }).catch((): End => 'pause');
    options.onState(false);
    if (end === 'over') return;
    if (worked) pause = FIRST_PAUSE_MS;
    if (signal.aborted || (end === 'now' && worked)) continue;
    await sleep(pause * (0.75 + Math.random() / 2), signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function connect(options: Options, signal: AbortSignal, onOpen: () => void): Promise<End> {
  const token = options.token();
  if (!token) return (await options.refresh(null)) ? connect(options, signal, onOpen) : 'over';
  const quiet = new AbortController();
  let timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  try {
    const response = await fetch(options.url, {
      headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, quiet.signal]),
      cache: 'no-store',
    });
    if (response.status === 401) return (await options.refresh(token)) ? 'pause' : 'over';
    if (!response.ok || !response.body) return 'pause';
    onOpen();
    const parser = new SseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let whole = true;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'pause';
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE_MS);
      for (const event of parser.push(value)) {
        const end = await handle(options, token, event, whole);
        if (end) return end;
        if (event.event === 'heads') whole = false;
      }
    }
  } finally {
    clearTimeout(timer);
    quiet.abort();
  }
}

/** Null when the stream goes on. */
async function handle(options: Options, token: string, { event, data }: SseEvent, whole: boolean): Promise<End | null> {
  if (event === 'resync') return 'now';
  if (event === 'expired') return (await options.refresh(token)) ? 'now' : 'over';
  const body: unknown = JSON.parse(data);
  if (event === 'heads') options.on({ kind: 'heads', heads: body as never, whole });
  else if (event === 'change') options.on({ kind: 'change', entry: body });
  else if (event === 'purge') options.on({ kind: 'purge', scope: (body as { scope: string }).scope });
  return null;
}

/** Waits; also ends when the network comes back or the page is looked at again. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const end = () => {
      clearTimeout(timer);
      ended.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end, { signal: ended.signal });
    signal.addEventListener('abort', end, { signal: ended.signal });
  });
}
