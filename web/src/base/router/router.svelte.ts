/** Paths to values, by the History API. Links are plain anchors; the server answers every path with the app. */
interface Route<T> {
  pattern: RegExp;
  keys: string[];
  value: T;
}

function compile<T>(path: string, value: T): Route<T> {
  const keys: string[] = [];
  const source = path.replace(/:(\w+)/gu, (_, key: string) => (keys.push(key), '([^/]+)'));
  return { pattern: new RegExp(`^${source}/?$`, 'u'), keys, value };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export class Router<T> {
  readonly #routes: Route<T>[];
  path = $state(location.pathname);
  search = $state.raw(new URLSearchParams(location.search));
  readonly match = $derived.by(() => {
    for (const { pattern, keys, value } of this.#routes) {
      const found = pattern.exec(this.path);
      if (found) return { value, params: Object.fromEntries(keys.map((key, i) => [key, decode(found[i + 1]!)])) };
    }
    return null;
  });

  constructor(table: Record<string, T>, signal?: AbortSignal) {
    this.#routes = Object.entries(table).map(([path, value]) => compile(path, value));
    addEventListener('popstate', () => this.#read(), signal && { signal });
    addEventListener('click', (event) => this.#follow(event), signal && { signal });
  }

  go(to: string, { replace = false } = {}): void {
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    const moved = location.pathname !== this.path;
    this.#read();
    // A new page starts at its top, and keyboards and screen readers start with it; its own autofocus wins.
    if (moved) requestAnimationFrame(() => document.activeElement?.matches('[autofocus],dialog *') || this.#focus());
  }

  #focus = (): void => document.getElementById('content')?.focus();

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link?.href || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
    if (link.pathname.startsWith('/api/') || (link.hash && link.pathname === location.pathname)) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }

  #read(): void {
    this.path = location.pathname;
    this.search = new URLSearchParams(location.search);
  }
}
