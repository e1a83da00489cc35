/** The service worker: wires {@link Offline} to the browser. Built on its own, to /sw.js: see build/worker.ts. */
import { Offline, type Version } from './offline';

/** What is used of the worker's scope; TypeScript has it only instead of the page's. */
interface Event_ extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface InstallEvent extends Event_ {
  /** Not in every browser. */
  addRoutes?(rules: readonly object[]): Promise<void>;
}
interface FetchEvent_ extends Event_ {
  request: Request;
  preloadResponse: Promise<Response | undefined>;
  respondWith(answer: Promise<Response>): void;
}
interface Client_ {
  postMessage(message: unknown, transfer: Transferable[]): void;
}
interface Scope {
  addEventListener(type: 'install', listener: (event: InstallEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent_) => void): void;
  addEventListener(type: 'activate' | 'message', listener: (event: Event_) => void): void;
  skipWaiting(): Promise<void>;
  clients: {
    claim(): Promise<void>;
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly Client_[]>;
  };
  registration: { navigationPreload?: { enable(): Promise<void> } };
}

declare const VERSION: Version;

const scope = self as unknown as Scope;
const offline = new Offline({ caches, fetch: (request) => fetch(request), pages }, VERSION);
const ANSWER_MS = 1_000;

/** Asks every page for one of its files. */
async function pages(): Promise<string[]> {
  const clients = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  return Promise.all(clients.map(fileOf));
}

function fileOf(client: Client_): Promise<string> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve, reject) => {
    port1.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
    setTimeout(() => reject(new Error('A page does not answer.')), ANSWER_MS);
    client.postMessage('file', [port2]);
  });
}

scope.addEventListener('install', (event) => {
  // What the browser can decide by itself does not have to wait for the worker.
  const routes = event.addRoutes?.([
    { condition: { urlPattern: '/api/*' }, source: 'network' },
    { condition: { requestMode: 'navigate' }, source: 'race-network-and-fetch-handler' },
  ]);
  event.waitUntil(Promise.allSettled([routes]));
  // A new version serves at once: pages of the old one find their files in the old cache.
  event.waitUntil(offline.install().then(() => scope.skipWaiting()));
});

scope.addEventListener('activate', (event) => {
  event.waitUntil(Promise.allSettled([scope.clients.claim(), scope.registration.navigationPreload?.enable()]));
});

scope.addEventListener('fetch', (event) => {
  const answer = offline.answer(event.request, event.preloadResponse);
  if (answer) event.respondWith(answer);
});

scope.addEventListener('message', (event) => event.waitUntil(offline.tidy().catch(() => undefined)));
