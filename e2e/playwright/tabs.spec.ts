// Many tabs of one browser: they share one session and one stream. On plain http under a name of the local network
// there are no locks and no service worker, and they have to agree without.
import { expect, Server, test, type Page, type User } from './fixture';
import config from './playwright.config';

const TABS = 8;
const NAME = 'tracker.lan';

test.use({
  launchOptions: {
    ...config.use?.launchOptions,
    args: [...(config.use?.launchOptions?.args ?? []), `--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
  },
});

for (const { title, host, secure } of [
  { title: 'eight tabs are live over one stream, and stay signed in', host: '127.0.0.1', secure: true },
  { title: 'eight tabs on plain http are live over one stream, and stay signed in', host: NAME, secure: false },
]) {
  test(title, async ({ context }) => {
    const here = (url: string) => url.replace('127.0.0.1', host);
    const server = await Server.at('127.0.0.1', (url) => ({ PUBLIC_BASE_URL: here(url), PEISEAR_MODE: 'local' }));
    try {
      const admin = await server.firstAdmin();
      const user = await server.invited(admin, 'Tabitha');
      await server.call(user, 'POST', '/api/projects', { key: 'TABS', name: 'Tabs' });
      await server.call(user, 'POST', '/api/projects/TABS/members', { email: admin.email, role: 'member' });
      const write = (what: string) => server.call(admin, 'POST', '/api/projects/TABS/issues', { title: what });
      await write('Written first');

      const open = new Set<unknown>();
      const refreshes: number[] = [];
      context.on('request', (request) => request.url().endsWith('/api/live') && open.add(request));
      context.on('requestfailed', (request) => open.delete(request));
      context.on('requestfinished', (request) => open.delete(request));
      context.on('response', (answer) => answer.url().endsWith('/api/auth/refresh') && refreshes.push(answer.status()));

      const first = await context.newPage();
      await signIn(first, here(server.url), user);
      expect(await first.evaluate(() => [isSecureContext, 'locks' in navigator])).toEqual([secure, secure]);
      const others = await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage()));
      const tabs = [first, ...others];
      const board = `${here(server.url)}/projects/TABS`;
      await Promise.all(tabs.map((tab) => tab.goto(board)));
      await all(tabs, 'Written first');
      await expect.poll(() => open.size).toBe(1);
      await write('Written while all look');
      await all(tabs, 'Written while all look');

      // Another role: no token of before counts any more, and the stream ends.
      refreshes.length = 0;
      const before = await refreshToken(first);
      await server.call(admin, 'PATCH', `/api/admin/users/${user.id}`, { role: 'admin' });
      await expect.poll(() => refreshes.length).toBeGreaterThan(0);
      await expect.poll(() => open.size).toBe(1);
      await expect.poll(() => refreshToken(first)).not.toBe(before);
      await write('Written after a new token');
      await all(tabs, 'Written after a new token');

      // All at one moment, without a token, on a page that is nothing without the server.
      refreshes.length = 0;
      await Promise.all(tabs.map((tab) => tab.goto(`${here(server.url)}/settings/tokens`)));
      await all(tabs, 'No tokens yet');
      await expect.poll(() => open.size).toBe(1);
      expect(refreshes.length).toBeGreaterThan(0);
      expect(new Set(refreshes)).toEqual(new Set([200]));
    } finally {
      await server.stop();
    }
  });
}

async function signIn(page: Page, url: string, user: User): Promise<void> {
  await page.goto(`${url}/login`);
  await page.getByLabel('E-mail').fill(user.email);
  await page.getByLabel('Password', { exact: true }).fill(user.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL(`${url}/projects`);
}

/** Every tab shows the text. Eight begin at one moment, each a process of its own: on two busy cores that takes a while. */
function all(tabs: Page[], text: string): Promise<unknown> {
  return Promise.all(tabs.map((tab) => expect(tab.getByText(text)).toBeVisible({ timeout: 60_000 })));
}

async function refreshToken(page: Page): Promise<string | undefined> {
  const found = (await page.context().cookies()).find(({ name }) => name === 'peisear_refresh');
  return found?.value;
}
