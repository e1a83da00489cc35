import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Router } from './router.svelte';

let ended: AbortController;
let router: Router<string>;

beforeEach(() => {
  history.replaceState(null, '', '/');
  document.body.innerHTML = '<main id="content" tabindex="-1"></main>';
  ended = new AbortController();
  router = new Router(
    { '/': 'home', '/projects': 'projects', '/projects/:key': 'board', '/projects/:key/list': 'list' },
    ended.signal,
  );
});
afterEach(() => ended.abort());

/** Presses a link; true when the browser was kept from following it. */
function press(html: string, init: MouseEventInit = {}): boolean {
  const link = document.createRange().createContextualFragment(html).firstElementChild!;
  document.body.append(link);
  // jsdom cannot go to other pages.
  addEventListener('click', (event) => event.preventDefault(), { once: true });
  const before = location.href;
  (link.querySelector('[data-press]') ?? link).dispatchEvent(
    new MouseEvent('click', { bubbles: true, cancelable: true, ...init }),
  );
  return location.href !== before;
}

describe('matching', () => {
  test.each([
    ['/projects', 'projects', {}],
    ['/projects/', 'projects', {}],
    ['/projects/MESOS', 'board', { key: 'MESOS' }],
    ['/projects/a%20b%2Fc/list', 'list', { key: 'a b/c' }],
    ['/projects/100%', 'board', { key: '100%' }],
  ])('%s', (path, value, params) => {
    router.go(path);
    expect(router.match).toEqual({ value, params });
  });

  test.each(['/nothing', '/projects/a/b', '/projects//list', '/project'])('%s is no page', (path) => {
    router.go(path);
    expect(router.match).toBeNull();
  });

  test('the query is read', () => {
    router.go('/projects?q=a+b');
    expect(router.search.get('q')).toBe('a b');
  });
});

describe('a link', () => {
  test('of ours is followed without leaving the page, from inside it too', () => {
    expect(press('<a href="/projects/X?q=1#top"><b data-press>go</b></a>')).toBe(true);
    expect(location.pathname + location.search + location.hash).toBe('/projects/X?q=1#top');
    expect(router.match?.value).toBe('board');
  });

  test.each([
    ['of another host', '<a href="https://example.org/projects">x</a>', {}],
    ['for a new tab', '<a href="/projects" target="_blank">x</a>', {}],
    ['to download', '<a href="/projects" download>x</a>', {}],
    ['to the API', '<a href="/api/docs">x</a>', {}],
    ['within the page', '<a href="#content">x</a>', {}],
    ['without an address', '<a>x</a>', {}],
    ['with Control', '<a href="/projects">x</a>', { ctrlKey: true }],
    ['with the middle button', '<a href="/projects">x</a>', { button: 1 }],
  ])('%s is the browser’s', (_, html, init) => {
    expect(press(html, init)).toBe(false);
  });
});

test('back and forward are followed', async () => {
  router.go('/projects');
  router.go('/projects/X');
  history.back();
  await new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
  expect(router.match?.value).toBe('projects');
});

test('a new page takes the focus, unless a field of it has', async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  router.go('/projects');
  await frame();
  expect(document.activeElement?.id).toBe('content');
  const field = document.createElement('input');
  document.body.append(field);
  field.focus();
  router.go('/projects?q=1');
  router.go('/projects/Y', { replace: true });
  await frame();
  expect(document.activeElement).toBe(field);
  field.setAttribute('autofocus', '');
  router.go('/projects/X');
  field.focus();
  await frame();
  expect(document.activeElement).toBe(field);
});
