import { generateKeyPairSync, verify } from 'node:crypto';
import type { Browser, Page } from '../../web/node_modules/@playwright/test';
import { expect, expectAccessible, Server, test as base } from './fixture';
import { CLIENT, Provider } from './provider';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const APPLE = { team: 'TEAM123456', key: 'KEY1234567' };

/** Whether a client's secret is the JWT that Apple wants. */
function isApples(secret: string, issuer: string): Promise<boolean> {
  const [header, claims, signature] = secret.split('.');
  const json = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const signed = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature ?? '', 'base64url'),
  );
  const { alg, kid } = json(header);
  const { iss, sub, aud, exp } = json(claims);
  const now = Date.now() / 1000;
  return Promise.resolve(
    signed &&
      alg === 'ES256' &&
      kid === APPLE.key &&
      iss === APPLE.team &&
      sub === CLIENT.id &&
      [aud].flat().includes(issuer) &&
      Number(exp) > now &&
      Number(exp) < now + 15_777_000,
  );
}

/** The app, set up with a provider of OpenID Connect, and another that behaves as Apple's does. */
type Setup = { app: Server; code: () => Promise<string> };

const test = base.extend<{ setup: Setup }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to learn that there is no dependency
  setup: async ({}, use) => {
    const providers: Provider[] = [];
    const app = await Server.at('127.0.0.1', async (url) => {
      const oidc = await Provider.start(`${url}/api/auth/oidc/callback`);
      const apple = await Provider.start(`${url}/api/auth/apple/callback`, isApples);
      providers.push(oidc, apple);
      return {
        PUBLIC_BASE_URL: url,
        OIDC_ISSUER: oidc.url,
        OIDC_NAME: 'Example ID',
        OIDC_CLIENT_ID: CLIENT.id,
        OIDC_CLIENT_SECRET: CLIENT.secret,
        APPLE_BASE_URL: apple.url,
        APPLE_CLIENT_ID: CLIENT.id,
        APPLE_TEAM_ID: APPLE.team,
        APPLE_KEY_ID: APPLE.key,
        APPLE_PRIVATE_KEY_PEM: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    });
    const admin = await app.firstAdmin();
    await use({ app, code: async () => (await app.invite(admin)).code });
    await app.stop();
    for (const provider of providers) await provider.stop();
  },
  baseURL: async ({ setup }, use) => use(setup.app.url),
});

/** Says at the provider who it is; once there, because the app has fields called Name, too. */
async function signInAs(page: Page, name: string): Promise<void> {
  await page.waitForURL('**/interaction/**');
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Asserts that the page of the app belongs to somebody. */
async function expectSignedIn(page: Page): Promise<void> {
  await expect(page.getByRole('button', { name: 'New project' }).first()).toBeVisible();
}

/**
 * Calls the API as the page does, with its cookies and a token of its own. With the page's attempt, as another tab
 * would: the page may be refreshing at the same moment.
 */
function call<T>(page: Page, method: string, path: string, body?: unknown): Promise<T> {
  return page.evaluate(
    async ([method, path, body]) => {
      // One refresh at a time, as between tabs: the page may be in the middle of its own.
      const refreshed = await navigator.locks.request('peisear.refresh', () =>
        fetch('/api/auth/refresh', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ attempt: localStorage.getItem('peisear.attempt') }),
        }),
      );
      const { accessToken } = (await refreshed.json()) as { accessToken: string };
      const answer = await fetch(path as string, {
        method: method as string,
        headers: { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await answer.json()) as T;
    },
    [method, path, body] as const,
  );
}

async function elsewhere(browser: Browser, baseURL: string): Promise<Page> {
  return (await browser.newContext({ baseURL })).newPage();
}

const NAMES = { oidc: 'Example ID', apple: 'Apple' };

for (const id of ['oidc', 'apple'] as const) {
  test(`an invite and an account at ${id} make a user, who signs in with it`, async ({
    page,
    browser,
    baseURL,
    setup,
  }) => {
    await page.goto(`/api/auth/${id}/signup/start?code=${await setup.code()}&then=/projects`);
    await signInAs(page, `ann.${id}`);
    await expect(page).toHaveURL('/projects');
    await expectSignedIn(page);
    await page.reload();
    await expectSignedIn(page);

    const other = await elsewhere(browser, baseURL!);
    await other.goto(`/api/auth/${id}/start`);
    await signInAs(other, `ann.${id}`);
    await expectSignedIn(other);
    expect(await call(other, 'GET', '/api/auth/me')).toMatchObject({ email: `ann.${id}@example.org` });
    await other.context().close();
  });

  test(`who is unknown at ${id} is told so, and is nobody`, async ({ page }) => {
    await page.goto(`/api/auth/${id}/start?then=/projects`);
    await signInAs(page, 'eve');
    await expect(page).toHaveURL(`/signup?error=unknown_identity&provider=${id}`);
    await expect(page.getByRole('alert')).toContainText('No account here is linked with this identity');
    await page.goto('/projects');
    await expect(page.getByLabel('E-mail')).toBeVisible();
    await expect(page.getByRole('button', { name: 'New project' })).toHaveCount(0);
  });

  test(`saying no at ${id} leads back`, async ({ page, expected }) => {
    expected.push('/auth/'); // the provider's page that posts a no has a status of its own
    await page.goto('/login?next=/settings');
    await page.getByRole('link', { name: `Continue with ${NAMES[id]}` }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('alert')).toContainText(`${NAMES[id]} was not allowed to say who you are.`);
    await expect(page).toHaveURL('/login?next=%2Fsettings');
    await expectAccessible(page);
  });
}

test('an identity confirms who it is by a new sign-in, and lets another be linked', async ({ page, setup }) => {
  await page.goto(`/api/auth/oidc/signup/start?code=${await setup.code()}`);
  await signInAs(page, 'bob');
  await expectSignedIn(page);
  type Account = { confirmedUntil: string };
  const before = await call<Account>(page, 'GET', '/api/account');

  const { url } = await call<{ url: string }>(page, 'POST', '/api/auth/oidc/confirm', {
    then: '/projects?confirmed=1',
  });
  await page.goto(url);
  await signInAs(page, 'bob'); // is asked again, though the provider has a session of his
  await expect(page).toHaveURL('/projects?confirmed=1');
  const after = await call<Account>(page, 'GET', '/api/account');
  expect(Date.parse(after.confirmedUntil)).toBeGreaterThan(Date.parse(before.confirmedUntil));

  const link = await call<{ url: string }>(page, 'POST', '/api/auth/apple/link');
  await page.goto(link.url);
  await signInAs(page, 'bob');
  await expect(page.getByRole('status').filter({ hasText: 'Apple is linked: you can sign in with it.' })).toBeVisible();
  await expect(page).toHaveURL('/settings/security');
  type Identities = { items: { id: string; provider: string; email: string }[] };
  const { items } = await call<Identities>(page, 'GET', '/api/account/identities');
  expect(items).toMatchObject([
    { provider: 'oidc', email: 'bob@example.org' },
    { provider: 'apple', email: 'bob@example.org' },
  ]);
});

test('the pages lead to a provider and back: in, for a proof, and where somebody wanted to go', async ({
  page,
  browser,
  baseURL,
  setup,
}) => {
  await page.goto(`/signup?code=${await setup.code()}`);
  await page.getByRole('link', { name: 'Continue with Example ID' }).click();
  await signInAs(page, 'dora');
  await expectSignedIn(page);

  const other = await elsewhere(browser, baseURL!);
  await other.goto('/settings/tokens');
  await other.getByRole('link', { name: 'Continue with Example ID' }).click();
  await signInAs(other, 'dora');
  await expect(other.getByText('No tokens yet')).toBeVisible();
  await expect(other).toHaveURL('/settings/tokens');
  const body = JSON.stringify({ status: 403, code: 'confirm', detail: 'confirm first that it is you' });
  const answer = { status: 403, contentType: 'application/problem+json', body };
  await other.route('**/api/account/tokens', (route) => route.fulfill(answer), { times: 1 });
  await other.getByLabel('Name').fill('Report');
  await other.getByRole('button', { name: 'Create token' }).click();
  await other.getByRole('dialog').getByRole('button', { name: 'Confirm with Example ID' }).click();
  await signInAs(other, 'dora');
  await expect(other.getByText('It is confirmed that it is you')).toBeVisible();
  await expect(other).toHaveURL('/settings/tokens');
  await other.context().close();
});

test('another browser cannot finish what one has begun', async ({ page, browser, baseURL, setup }) => {
  const begun = await page.request.get(`/api/auth/oidc/signup/start?code=${await setup.code()}`, { maxRedirects: 0 });
  const victim = await elsewhere(browser, baseURL!);
  await victim.goto(begun.headers().location!);
  await signInAs(victim, 'mallory');
  await expect(victim.getByRole('alert')).toContainText('went on in another browser');
  await page.goto(begun.headers().location!);
  await signInAs(page, 'carol');
  await expectSignedIn(page);
  await victim.context().close();
});
