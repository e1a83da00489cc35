/** Paths to values, by the History API. Links are plain anchors; the server answers every path with the app. */
function compile<T>(path: string, value: T): { pattern: RegExp; keys: string[]; value: T } {
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
  readonly #routes: ReturnType<typeof compile<T>>[];
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
    const moved = location.pathname !== this.path && !replace;
    this.#read();
    // Keyboards and screen readers begin with the new page, unless a field of it has taken the focus.
    const taken = () => document.activeElement?.matches('[autofocus],dialog *');
    if (moved) requestAnimationFrame(() => taken() || document.getElementById('content')?.focus());
  }

  #follow(event: MouseEvent): void {
    const aside = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (event.defaultPrevented || aside || !link?.href || link.target || link.hasAttribute('download')) return;
    const within = link.hash && link.pathname === location.pathname;
    if (link.origin !== location.origin || link.pathname.startsWith('/api/') || within) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }

  #read(): void {
    this.path = location.pathname;
    this.search = new URLSearchParams(location.search);
  }
}
