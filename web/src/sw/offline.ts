/**
 * Keeps the app itself, so that it opens without a network: index.html and the files with a hash in their name, of
 * one version of the app. Nothing else is kept, and /api is never touched.
 */

/** What the worker has of the browser. */
export interface World {
  caches: CacheStorage;
  fetch: (request: Request) => Promise<Response>;
  /** A file of each open page of the app; throws when one does not say. */
  pages: () => Promise<string[]>;
}

/** One version of the app. */
export interface Version {
  name: string;
  /** The files with a hash in their name. */
  files: readonly string[];
  /** The one that index.html begins with. */
  entry: string;
}

const PREFIX = 'peisear.app.';
const PAGE = '/';
/** A network that says nothing for so long counts as none. */
const PATIENCE_MS = 4_000;

export class Offline {
  readonly #world: World;
  readonly #version: Version;

  constructor(world: World, version: Version) {
    this.#world = world;
    this.#version = version;
  }

  /** Loads everything. Throws when a file is missing or the server has another version by now. */
  async install(): Promise<void> {
    const { files, entry } = this.#version;
    const page = await this.#world.fetch(new Request(at(PAGE), { cache: 'no-cache' }));
    if (!page.ok || !(await page.clone().text()).includes(entry)) throw new Error('The server has another version.');
    const cache = await this.#cache();
    await cache.addAll(files.map(at));
    await cache.put(at(PAGE), page);
  }

  /** The answer; null leaves the request to the browser. */
  answer(request: Request, early?: Promise<Response | undefined>): Promise<Response> | null {
    const { origin, pathname } = new URL(request.url);
    if (request.method !== 'GET' || origin !== location.origin || pathname.startsWith('/api/')) return null;
    if (request.mode === 'navigate') return this.#page(request, early);
    return pathname.startsWith('/assets/') ? this.#file(request) : null;
  }

  /** Forgets other versions of the app that no open page is of. */
  async tidy(): Promise<void> {
    const { caches, pages } = this.#world;
    const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== this.#name);
    if (others.length === 0) return;
    const open = await pages();
    for (const name of others) {
      const cache = await caches.open(name);
      const held = await Promise.all(open.map((file) => cache.match(file, { ignoreVary: true })));
      if (!held.some(Boolean)) await caches.delete(name);
    }
  }

  /** From the network, which has the newest version; where there is none, what is kept. */
  async #page(request: Request, early?: Promise<Response | undefined>): Promise<Response> {
    const kept = this.#cache().then((cache) => cache.match(at(PAGE), { ignoreVary: true }));
    const asked = this.#ask(request, early);
    const good = asked.then((answer) => (answer && answer.status < 500 ? answer : null));
    const patience = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
    return (await Promise.race([good, patience])) ?? (await kept) ?? (await asked) ?? Response.error();
  }

  async #ask(request: Request, early?: Promise<Response | undefined>): Promise<Response | null> {
    try {
      return (await early) ?? (await this.#world.fetch(request));
    } catch {
      return null;
    }
  }

  /** What has a hash in its name never changes; a page of an older version finds its own. */
  async #file(request: Request): Promise<Response> {
    return (await this.#world.caches.match(request, { ignoreVary: true })) ?? this.#world.fetch(request);
  }

  get #name(): string {
    return PREFIX + this.#version.name;
  }

  #cache(): Promise<Cache> {
    return this.#world.caches.open(this.#name);
  }
}

function at(path: string): string {
  return new URL(path, location.origin).href;
}
