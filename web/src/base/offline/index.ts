/** Keeps the app itself in the browser, by the service worker of src/sw, so that it opens without a network. */

const LATER_MS = 5_000;

/** Once the page is quiet. Browsers have workers on secure origins only; while developing there is none. */
export function keepApp(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  // Which version this page is of: one of its files tells.
  serviceWorker.addEventListener('message', ({ ports }) => ports[0]?.postMessage(import.meta.url));
  serviceWorker.startMessages();
  setTimeout(() => void register(serviceWorker), LATER_MS);
}

async function register(serviceWorker: ServiceWorkerContainer): Promise<void> {
  try {
    await serviceWorker.register('/sw.js', { updateViaCache: 'none' });
    (await serviceWorker.ready).active?.postMessage('tidy');
  } catch {
    // Without it the app needs the network to open, and nothing else.
  }
}
