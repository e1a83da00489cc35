import { openDatabase, result, transact } from '../idb';

/**
 * One tab of a browser leads: it holds the stream and sends the queue. By a Web Lock where there are locks; on
 * plain http, which has none, by a lease in IndexedDB that its holder renews. A lease may be taken from a tab that
 * the browser put to sleep; two leaders for a moment do no harm, since everything that they do is idempotent.
 */
export async function lead(name: string, onLead: (signal: AbortSignal) => void, signal: AbortSignal): Promise<void> {
  if ('locks' in navigator) await byLock(name, onLead, signal);
  else await byLease(name, onLead, signal);
}

async function byLock(name: string, onLead: (signal: AbortSignal) => void, signal: AbortSignal): Promise<void> {
  const hold = () =>
    new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      onLead(signal);
    });
  try {
    await navigator.locks.request(name, { signal }, hold);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

interface Lease {
  holder: string;
  until: number;
}

const LEASE_MS = 6_000;
const RENEW_MS = 2_000;

async function byLease(name: string, onLead: (signal: AbortSignal) => void, signal: AbortSignal): Promise<void> {
  const holder = `${Date.now()}.${Math.random()}`;
  const db = await openDatabase('peisear.lease', 1, (fresh) => fresh.createObjectStore('lease')).catch(() => null);
  if (!db) {
    onLead(signal); // nothing to agree by: every tab is its own
    return;
  }
  let leading: AbortController | null = null;
  const beat = async () => {
    const ours = await claim(db, name, holder).catch(() => false);
    if (signal.aborted) return;
    if (ours && !leading) {
      leading = new AbortController();
      onLead(AbortSignal.any([signal, leading.signal]));
    } else if (!ours && leading) {
      leading.abort();
      leading = null;
    }
  };
  await beat();
  const timer = setInterval(() => void beat(), RENEW_MS);
  const leave = () => void release(db, name, holder).catch(() => undefined);
  addEventListener('pagehide', leave, { signal });
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    leave();
  });
}

/** Takes or renews the lease; false while another tab has it. */
function claim(db: IDBDatabase, name: string, holder: string): Promise<boolean> {
  return transact(db, 'lease', 'readwrite', async (tx) => {
    const store = tx.objectStore('lease');
    const lease = (await result(store.get(name))) as Lease | undefined;
    const now = Date.now();
    if (lease && lease.holder !== holder && lease.until > now) return false;
    store.put({ holder, until: now + LEASE_MS } satisfies Lease, name);
    return true;
  });
}

function release(db: IDBDatabase, name: string, holder: string): Promise<void> {
  return transact(db, 'lease', 'readwrite', async (tx) => {
    const store = tx.objectStore('lease');
    const lease = (await result(store.get(name))) as Lease | undefined;
    if (lease?.holder === holder) store.delete(name);
  });
}
