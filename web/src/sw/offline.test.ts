import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Offline, type Version } from './offline';

/** As much of a browser's caches as is used. */
class Caches {
  readonly held = new Map<string, Map<string, Response>>();

  open(name: string) {
    const files = this.held.get(name) ?? new Map<string, Response>();
    this.held.set(name, files);
    return Promise.resolve({
      match: (file: string) => Promise.resolve(files.get(file)?.clone()),
      put: (file: string, response: Response) => Promise.resolve(void files.set(file, response)),
      addAll: async (urls: string[]) => {
        const answers = await Promise.all(urls.map((url) => network(new Request(url))));
        if (!answers.every(({ ok }) => ok)) throw new TypeError('addAll');
        urls.forEach((url, i) => files.set(url, answers[i]!));
      },
    });
  }

  keys() {
    return Promise.resolve([...this.held.keys()]);
  }

  delete(name: string) {
    return Promise.resolve(this.held.delete(name));
  }

  match({ url }: Request) {
    const found = [...this.held.values()].find((files) => files.has(url));
    return Promise.resolve(found?.get(url)?.clone());
  }
}

const at = (path: string) => new URL(path, location.origin).href;
const version = (name: string): Version => ({
  ...{ name, entry: `/assets/main-${name}.js` },
  files: [`/assets/main-${name}.js`, `/assets/app-${name}.js`],
});
const page = (name: string) => `<script type="module" src="/assets/main-${name}.js"></script>`;

let caches: Caches;
let asked: string[];
/** What the server has, by path; a function for trouble. */
let files: Record<string, string | (() => Response | Promise<Response>)>;
let pages: () => Promise<string[]>;

function network({ url }: Request): Promise<Response> {
  const path = new URL(url).pathname;
  asked.push(path);
  const file = files[path] ?? (path.startsWith('/assets/') ? undefined : files['/']);
  if (typeof file === 'function') return Promise.resolve().then(file);
  return Promise.resolve(file === undefined ? new Response('', { status: 404 }) : new Response(file));
}

function worker(name: string): Offline {
  const world = { caches: caches as unknown as CacheStorage, fetch: network, pages: () => pages() };
  return new Offline(world, version(name));
}

function deploy(name: string): void {
  files = { '/': page(name), ...Object.fromEntries(version(name).files.map((file) => [file, `${file} of ${name}`])) };
}

const request = (path: string, init: RequestInit = {}) => new Request(at(path), init);
/** A request of somebody who goes to a page; scripts cannot make one. */
const visit = (path: string) => Object.defineProperty(request(path), 'mode', { value: 'navigate' });
const text = async (answer: Promise<Response> | null) => (await answer)?.text();
const lost = () => {
  throw new TypeError('Failed to fetch');
};

beforeEach(() => {
  vi.useRealTimers();
  caches = new Caches();
  asked = [];
  pages = () => Promise.resolve([]);
  deploy('one');
});

describe('the worker leaves to the browser', () => {
  test.each([
    ['the API', request('/api/sync/org')],
    ['going to the API, as a sign-in elsewhere does', visit('/api/auth/github/start')],
    ['what changes something', request('/projects', { method: 'POST' })],
    ['other hosts', new Request('https://elsewhere.example/assets/x.js')],
    ['itself and other files without a hash', request('/sw.js')],
  ])('%s', (_, asks) => expect(worker('one').answer(asks)).toBeNull());
});

describe('a page', () => {
  beforeEach(() => worker('one').install());

  test('comes from the network, so that a new version is seen at once', async () => {
    deploy('two');
    expect(await text(worker('one').answer(visit('/projects/X')))).toBe(page('two'));
  });

  test('is the one that was asked for early, where the browser did', async () => {
    asked = [];
    const early = Promise.resolve(new Response('early'));
    expect(await text(worker('one').answer(visit('/projects/X'), early))).toBe('early');
    expect(asked).toEqual([]);
  });

  test.each([
    ['without a network', lost],
    ['when a proxy says that the server is down', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
  ])('is the kept one %s', async (_, trouble) => {
    files['/projects/X'] = files['/'] = trouble;
    expect(await text(worker('one').answer(visit('/projects/X')))).toBe(page('one'));
  });

  test('is the kept one when the network says nothing for seconds', async () => {
    vi.useFakeTimers();
    files['/projects/X'] = () => new Promise<Response>(() => undefined);
    const answer = worker('one').answer(visit('/projects/X'));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await text(answer)).toBe(page('one'));
  });

  test('is what the server says where nothing is kept', async () => {
    files['/projects/X'] = () => new Response('down', { status: 503 });
    expect((await worker('two').answer(visit('/projects/X')))?.status).toBe(503);
    files['/projects/X'] = lost;
    expect((await worker('two').answer(visit('/projects/X')))?.type).toBe('error');
  });
});

describe('a file with a hash', () => {
  test('is the kept one, of any version', async () => {
    await worker('one').install();
    deploy('two');
    await worker('two').install();
    asked = [];
    for (const name of ['one', 'two']) {
      const file = `/assets/app-${name}.js`;
      expect(await text(worker('two').answer(request(file)))).toBe(`${file} of ${name}`);
    }
    expect(asked).toEqual([]);
  });

  test('comes from the network where it is not kept', async () => {
    expect(await text(worker('one').answer(request('/assets/app-one.js')))).toBe('/assets/app-one.js of one');
  });
});

describe('installing', () => {
  test('is refused when the server has another version by now', async () => {
    deploy('two');
    await expect(worker('one').install()).rejects.toThrow();
  });

  test('is refused when a file is missing', async () => {
    delete files['/assets/app-one.js'];
    await expect(worker('one').install()).rejects.toThrow();
  });
});

describe('tidying', () => {
  beforeEach(async () => {
    await worker('one').install();
    deploy('two');
    await worker('two').install();
    await caches.open('of another app');
  });
  const names = () => [...caches.held.keys()];

  test('drops a version that no page is of', async () => {
    pages = () => Promise.resolve([at('/assets/main-two.js')]);
    await worker('two').tidy();
    expect(names()).toEqual(['peisear.app.two', 'of another app']);
  });

  test('keeps a version that a page is of', async () => {
    pages = () => Promise.resolve([at('/assets/main-two.js'), at('/assets/app-one.js')]);
    await worker('two').tidy();
    expect(names()).toHaveLength(3);
  });

  test('keeps all when a page does not answer', async () => {
    pages = () => Promise.reject(new Error('asleep'));
    await expect(worker('two').tidy()).rejects.toThrow('asleep');
    expect(names()).toHaveLength(3);
  });
});
