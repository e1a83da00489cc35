// What the browser tests share. They stand outside web/, whose node_modules has their packages, so this is the one
// file that says where those are.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type axe from '../../web/node_modules/axe-core/axe';
import { defineConfig, expect, test as base, type Browser, type Page } from '../../web/node_modules/@playwright/test';
import { Server, type User } from './server';

export { defineConfig, expect, Server };
export type { Page, User };

type PerTest = {
  /** The test's own server, so that no test meets what another one made. */
  server: Server;
  /** The admin who signs up with the server's first invite. */
  admin: User;
  /** Refusals that a test brings about on purpose: parts of the console's text. */
  expected: string[];
  /** One more server, for a test that needs its own. It stops when the test's pages have been looked at. */
  another: (settings?: Record<string, string>) => Promise<Server>;
  /** A page in a browser of its own, signed in as a user. */
  pageOf: (user: User) => Promise<Page>;
};

export const test = base.extend<PerTest>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to learn that there is no dependency
  server: async ({}, use) => {
    const server = await Server.start();
    await use(server);
    await server.stop();
  },
  admin: async ({ server }, use) => use(await server.firstAdmin()),
  baseURL: async ({ server }, use) => use(server.url),

  // Who is not signed in asks for a session once at the start and is told that there is none.
  // eslint-disable-next-line no-empty-pattern -- as above
  expected: async ({}, use) => use(['/api/auth/refresh']),

  // eslint-disable-next-line no-empty-pattern -- as above
  another: async ({}, use) => {
    const started: Server[] = [];
    await use(async (settings) => {
      const server = await Server.start(settings);
      started.push(server);
      return server;
    });
    for (const server of started) await server.stop();
  },

  // It names the other servers so that they outlive it: a page whose server has gone complains.
  page: async ({ page, expected, another: _ }, use) => {
    const complaints = await watch(page, expected);
    await use(page);
    expect(complaints, 'the console and the content security policy have nothing to say').toEqual([]);
  },

  pageOf: async ({ browser, baseURL, expected }, use) => {
    const opened: { page: Page; complaints: string[] }[] = [];
    await use(async (user) => {
      const page = await signedIn(browser, baseURL!, user);
      opened.push({ page, complaints: await watch(page, expected) });
      return page;
    });
    for (const { page, complaints } of opened) {
      await page.context().close();
      expect(complaints, 'the console and the content security policy have nothing to say').toEqual([]);
    }
  },
});

async function signedIn(browser: Browser, baseURL: string, user: User): Promise<Page> {
  const context = await browser.newContext({ baseURL });
  const answer = await context.request.post('/api/auth/login', {
    data: { email: user.email, password: user.password },
  });
  expect(answer.status()).toBe(200);
  return context.newPage();
}

/** Collects what a page should never say: errors, warnings of the policy, messages of scripts that ran. */
async function watch(page: Page, expected: string[]): Promise<string[]> {
  const complaints: string[] = [];
  const note = (text: string) => {
    if (!expected.some((part) => text.includes(part))) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') note(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => note(String(error)));
  page.on('dialog', (dialog) => {
    note(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction('__violation', note);
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => {
      const report = (window as unknown as { __violation: (text: string) => void }).__violation;
      report(`${e.violatedDirective} refused ${e.blockedURI} (${e.sourceFile}:${e.lineNumber})`);
    });
  });
  return complaints;
}

const AXE = readFileSync(resolve(__dirname, '../../web/node_modules/axe-core/axe.min.js'), 'utf8');

/** Asserts that axe finds nothing to improve on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  // A colour on its way to another is judged when it is there.
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
  const violations = await page.evaluate(async () => {
    const found = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  });
  expect(violations).toEqual([]);
}

/** Asserts that the page does not scroll sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { width, room } = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    room: document.documentElement.clientWidth,
  }));
  expect(width, 'the page is as wide as the window').toBeLessThanOrEqual(room);
}
