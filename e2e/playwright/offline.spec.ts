// Without a network: the app opens from what the browser keeps, takes what is written, and sends it later.
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test, type Page } from './fixture';

const DIST = resolve(__dirname, '../../web/dist');
/** A worker begins when the page has been quiet for a while, and then fetches the whole app. */
const PATIENCE_MS = 120_000;

/** Waits until the worker has the app. */
async function kept(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    while (active?.state !== 'activated')
      await new Promise((change) => active?.addEventListener('statechange', change, { once: true }));
  });
}

test('a board opens, is written to and is sent, over a reload without a network', async ({
  server,
  admin,
  pageOf,
  expected,
}) => {
  expected.push('ERR_INTERNET_DISCONNECTED', 'ERR_FAILED', 'ServiceWorker');
  await server.call(admin, 'POST', '/api/projects', { key: 'TRAIN', name: 'On a train' });
  await server.call(admin, 'POST', '/api/projects/TRAIN/issues', { title: 'Was here before' });
  const page = await pageOf(admin);
  await page.goto('/projects/TRAIN');
  await expect(page.locator('[data-key="TRAIN-1"]')).toBeVisible();
  await kept(page);

  await page.context().setOffline(true);
  await page.reload();
  const open = page.getByRole('region', { name: /^Open/ });
  await expect(open).toContainText('Was here before');
  await page.keyboard.press('c'); // code that this page has not loaded before
  await page.getByLabel('Title').fill('Written in a tunnel');
  await page.getByRole('button', { name: 'Create issue' }).click();
  await expect(open).toContainText('Written in a tunnel');
  await page.reload();
  await expect(open).toContainText('Written in a tunnel');
  await page.goto('/projects/TRAIN/list');
  await expect(page.getByRole('link', { name: /Was here before/ })).toBeVisible();
  expect(await server.call(admin, 'GET', '/api/projects/TRAIN/issues')).toMatchObject({ items: [{ number: 1 }] });

  await page.context().setOffline(false);
  await expect
    .poll(async () => {
      const { items } = await server.call<{ items: { title: string }[] }>(admin, 'GET', '/api/projects/TRAIN/issues');
      return items.map(({ title }) => title).sort();
    })
    .toEqual(['Was here before', 'Written in a tunnel']);
  await expect(page.getByRole('link', { name: /TRAIN-2/ })).toBeVisible();
});

test('the app opens while its server is down', async ({ page, expected, another }) => {
  expected.push('ERR_CONNECTION_REFUSED', 'ERR_FAILED');
  const server = await another();
  await page.goto(`${server.url}/login`);
  await expect(page.getByLabel('E-mail')).toBeVisible();
  await kept(page);
  await server.down();
  await page.reload();
  await expect(page.getByLabel('E-mail')).toBeVisible();
  await server.up();
  await page.reload();
  await expect(page.getByText('Have an invite?')).toBeVisible();
});

/** A later version of the page: its files have other names, and there is no dialog for new issues any more. */
async function later(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peisear-dist-'));
  await cp(DIST, folder, { recursive: true });
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (name.endsWith('.gz')) await writeFile(path.replace(/\.gz$/, ''), gunzipSync(await readFile(path)));
    if (/\.(gz|br)$/.test(name)) await rm(path);
  }
  const names = await readdir(folder, { recursive: true });
  const renamed = (text: string) =>
    text.replace(/(assets\/|\.\/)([\w-]+)-([\w-]{8})\.js/g, (_, before, name, hash) => {
      return `${before}${name}-${[...hash].reverse().join('')}.js`;
    });
  for (const name of names) {
    const path = join(folder, name);
    if (name.includes('NewIssue-')) await rm(path);
    else if (/\.(js|html)$/.test(name)) {
      const text = renamed(await readFile(path, 'utf8')).replace(/,\/assets\/NewIssue-[^,]+\.js/, '');
      await writeFile(path, name === 'sw.js' ? text.replace(/name:`\w+`/, 'name:`later`') : text);
      await rename(path, join(folder, renamed(name)));
    }
  }
  return folder;
}

/** The file that a page began with: its version. */
const fileOf = (page: Page) => page.locator('script[type=module]').first().getAttribute('src');

/** The versions of the app that the browser holds. */
const versions = (page: Page) => page.evaluate(async () => (await caches.keys()).length);

test('a new version is taken at once, and the old one stays while a page of it is open', async ({
  page,
  expected,
  another,
}) => {
  expected.push('ERR_CONNECTION_REFUSED', 'ERR_FAILED', '/api/live', '503');
  const server = await another();
  const folder = await later();
  try {
    const admin = await server.firstAdmin();
    await server.call(admin, 'POST', '/api/projects', { key: 'OLD', name: 'Old and new' });
    await page.request.post(`${server.url}/api/auth/login`, { data: { email: admin.email, password: admin.password } });
    await page.goto(`${server.url}/projects/OLD`);
    await expect(page.getByText('No issues here').first()).toBeVisible();
    await kept(page);
    expect(await versions(page)).toBe(1);

    await server.down();
    await server.up({ STATIC_DIR: folder });
    const fresh = await page.context().newPage();
    await fresh.goto(`${server.url}/projects/OLD`);
    const file = await fileOf(fresh);
    expect(file).not.toBe(await fileOf(page));
    await expect.poll(() => versions(fresh), { timeout: PATIENCE_MS }).toBe(2);

    await page.bringToFront();
    await page.keyboard.press('c'); // the server has this code no more
    await expect(page.getByLabel('Title')).toBeVisible();
    expect(await versions(page)).toBe(2);

    await page.close();
    // A page asks once for what is old to go, and not in vain where all others say of which version they are.
    await expect(async () => {
      await fresh.reload();
      await expect.poll(() => versions(fresh)).toBe(1);
    }).toPass();
    await fresh.context().setOffline(true);
    await fresh.reload();
    await expect(fresh.getByText('No issues here').first()).toBeVisible();
    expect(await fileOf(fresh)).toBe(file);
  } finally {
    await server.down(); // first: it serves the folder
    await rm(folder, { recursive: true });
  }
});
