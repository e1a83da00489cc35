// Passkeys as Chromium makes them, on authenticators that the browser simulates. The page's own screens are not needed:
// what runs in it is what they do, fetch and navigator.credentials.
import { authenticators, OLD_KEY, PHONE } from './authenticators';
import { expect, Server, test as base, type Page, type User } from './fixture';

const test = base.extend({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to learn that there is no dependency
  server: async ({}, use) => {
    const server = await Server.named();
    await use(server);
    await server.stop();
  },
});

type Answer<T> = { status: number; body: T };
type Problem = { detail: string; code?: string };
type SignedIn = { accessToken: string; user: { id: string } };
type Made = { passkey: { id: string; name: string; synced: boolean }; recoveryCodes?: string[] };

/** A page with nobody signed in. */
async function open(page: Page): Promise<Page> {
  await page.goto('/login');
  await page.evaluate(() => {
    const call = async (path: string, body: unknown, token?: string) => {
      const response = await fetch(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, body: text ? (JSON.parse(text) as unknown) : undefined };
    };
    const named = async (act: () => Promise<Credential | null>) => {
      try {
        return ((await act()) as PublicKeyCredential).toJSON() as unknown;
      } catch (refused) {
        return (refused as DOMException).name;
      }
    };
    type Options = { id?: string; publicKey: never };
    Object.assign(window, {
      call,
      /** Has a passkey made, or answer; what the browser itself refuses is answered by its name. */
      ceremony: async (kind: 'create' | 'get', path: string, more: object, token?: string) => {
        const begun = await call(`${path}/options`, more, token);
        if (begun.status !== 200) return begun;
        const { id, publicKey } = begun.body as Options;
        const credential = await named(() =>
          kind === 'create'
            ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
            : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) }),
        );
        if (typeof credential === 'string') return { status: 0, body: credential };
        const answer = { ...more, ...(id ? { id } : {}), credential };
        return { ...(await call(path, answer, token)), answer };
      },
    });
  });
  return page;
}

type Scripts = {
  call(path: string, body: unknown, token?: string): Promise<Answer<never>>;
  ceremony(kind: 'create' | 'get', path: string, more: object, token?: string): Promise<Answer<never>>;
};

const call = <T>(page: Page, path: string, body: unknown, token?: string): Promise<Answer<T>> =>
  page.evaluate(([p, b, t]) => (window as unknown as Scripts).call(p, b, t), [path, body, token] as const);

const ceremony = <T>(page: Page, kind: 'create' | 'get', path: string, more: object, token?: string) =>
  page.evaluate(([k, p, m, t]) => (window as unknown as Scripts).ceremony(k, p, m, t), [
    kind,
    path,
    more,
    token,
  ] as const) as Promise<Answer<T> & { answer?: object }>;

const enrol = (page: Page, user: User, name: string) =>
  ceremony<Made>(page, 'create', '/api/account/factors/passkeys', { name }, user.token);
const alone = (page: Page) => ceremony<SignedIn & Problem>(page, 'get', '/api/auth/passkey', {});

/** Gives the password and returns what is asked for then. */
async function password(page: Page, user: User): Promise<{ token: string; methods: string[] }> {
  const { status, body } = await call<{ factor: { token: string; methods: string[] } }>(page, '/api/auth/login', {
    email: user.email,
    password: user.password,
  });
  expect(status).toBe(202);
  return body.factor;
}

// What a test is refused on purpose shows in the console by its status.
test.beforeEach(({ expected }) => {
  expected.push('/api/auth/', '/api/account/');
});

test('a passkey is asked for after the password, and signs in without one', async ({ server, admin, page }) => {
  const ann = await server.invited(admin, 'Ann');
  const devices = await authenticators(await open(page));
  const phone = await devices.add(PHONE);

  const made = await enrol(page, ann, 'Phone');
  expect(made).toMatchObject({ status: 201, body: { passkey: { name: 'Phone', synced: true } } });
  expect(made.body.recoveryCodes).toHaveLength(10);
  const [kept] = await devices.passkeys(phone);
  expect(kept).toMatchObject({ isResidentCredential: true, rpId: 'localhost' });
  expect(Buffer.from(kept!.userHandle!, 'base64').toString()).not.toContain(ann.id);
  expect(await enrol(page, ann, 'Again')).toMatchObject({ status: 0, body: 'InvalidStateError' });

  const second = await password(page, ann);
  expect(second.methods).toEqual(['passkey', 'recovery']);
  const signedIn = await ceremony<SignedIn>(page, 'get', '/api/auth/factor/passkey', { token: second.token });
  expect(signedIn).toMatchObject({ status: 200, body: { user: { id: ann.id } } });

  const passwordless = await alone(page);
  expect(passwordless).toMatchObject({ status: 200, body: { user: { id: ann.id } } });
  expect((await page.context().cookies()).map(({ name }) => name)).toContain('peisear_refresh');
  expect(await call(page, '/api/auth/passkey', passwordless.answer), 'the same answer once more').toMatchObject({
    status: 401,
  });
  const confirmed = await ceremony<{ confirmedUntil: string }>(
    page,
    'get',
    '/api/account/confirm/passkey',
    {},
    ann.token,
  );
  expect(confirmed.status).toBe(200);
  expect(Date.parse(confirmed.body.confirmedUntil)).toBeGreaterThan(Date.now() + 4 * 60_000);

  await page.reload();
  await expect(page, 'the cookie signs in').not.toHaveURL(/login/);
});

test('a passkey opens nothing for whom it does not recognise', async ({ server, admin, page }) => {
  const bob = await server.invited(admin, 'Bob');
  const devices = await authenticators(await open(page));
  const phone = await devices.add(PHONE);
  expect((await enrol(page, bob, 'Phone')).status).toBe(201);
  const { token } = await password(page, bob);
  const second = () => ceremony<SignedIn>(page, 'get', '/api/auth/factor/passkey', { token });

  await devices.recognises(phone, false);
  expect(await alone(page)).toMatchObject({ status: 0, body: 'NotAllowedError' });
  expect(await second()).toMatchObject({ status: 0, body: 'NotAllowedError' });
  await devices.recognises(phone, true);
  expect(await alone(page)).toMatchObject({ status: 200, body: { user: { id: bob.id } } });
  expect(await second()).toMatchObject({ status: 200, body: { user: { id: bob.id } } });
});

test('an old security key is a second factor, and no more', async ({ server, admin, page }) => {
  const eve = await server.invited(admin, 'Eve');
  const devices = await authenticators(await open(page));
  await devices.add(OLD_KEY);
  expect(await enrol(page, eve, 'Old key')).toMatchObject({ status: 201, body: { passkey: { synced: false } } });
  expect((await alone(page)).status).not.toBe(200);
  expect(await ceremony(page, 'get', '/api/account/confirm/passkey', {}, eve.token)).toMatchObject({ status: 409 });
  const { token, methods } = await password(page, eve);
  expect(methods).toEqual(['passkey', 'recovery']);
  expect(await ceremony(page, 'get', '/api/auth/factor/passkey', { token })).toMatchObject({ status: 200 });
});

test('a copied passkey is refused', async ({ server, admin, page }) => {
  const dan = await server.invited(admin, 'Dan');
  const devices = await authenticators(await open(page));
  const phone = await devices.add({ ...PHONE, defaultBackupEligibility: false, defaultBackupState: false });
  expect((await enrol(page, dan, 'Phone')).status).toBe(201);
  const [before] = await devices.passkeys(phone);
  expect(await alone(page)).toMatchObject({ status: 200 });
  expect((await devices.passkeys(phone))[0]!.signCount).toBeGreaterThan(before!.signCount);

  await devices.restore(phone, before!, before!.signCount); // its counter goes on from there
  const copied = await alone(page);
  expect(copied.status).toBe(401);
  expect(copied.body.detail).toContain('a copy');
});

test('a passkey of one user is no use to another', async ({ server, admin, page }) => {
  const [fay, gus] = [await server.invited(admin, 'Fay'), await server.invited(admin, 'Gus')];
  const devices = await authenticators(await open(page));
  const phone = await devices.add(PHONE);
  const made = await enrol(page, fay, 'Phone');
  expect(made.status).toBe(201);
  expect(await call(page, '/api/account/factors/passkeys', made.answer, gus.token)).toMatchObject({ status: 422 });
  await devices.remove(phone);
  const other = await devices.add(PHONE);
  expect((await enrol(page, gus, 'Phone')).status).toBe(201);
  const { token } = await password(page, fay);
  expect(await ceremony(page, 'get', '/api/auth/factor/passkey', { token })).toMatchObject({ status: 0 });
  expect(await devices.passkeys(other)).toHaveLength(1);
});
