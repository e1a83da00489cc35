// One's own account, as a person uses its pages: second factors, passkeys, the password, sessions, tokens, mails.
import { authenticators, PHONE } from './authenticators';
import {
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  Server,
  test as base,
  type Page,
  type User,
} from './fixture';
import { Mailbox } from './mailbox';
import { totp } from './totp';

const test = base.extend<{ mailbox: Mailbox }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to learn that there is no dependency
  mailbox: async ({}, use) => {
    const mailbox = await Mailbox.start();
    await use(mailbox);
    await mailbox.stop();
  },
  server: async ({ mailbox }, use) => {
    const server = await Server.at('localhost', (url) => ({
      PUBLIC_BASE_URL: url,
      SMTP_URL: mailbox.url,
      MAIL_FROM: 'Peisear <peisear@example.org>',
    }));
    await use(server);
    await server.stop();
  },
});

const NEW_PASSWORD = 'wrong battery staple horse';

/** Types the address and the password. */
async function signIn(page: Page, { email, password }: Pick<User, 'email' | 'password'>): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Opens a page that needs somebody, as nobody: the way leads over the sign-in page. */
async function openSignedIn(page: Page, user: User, path: string): Promise<void> {
  await page.goto(path);
  await signIn(page, user);
  await expect(page).toHaveURL(path);
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Preferences' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByLabel('E-mail')).toBeVisible();
}

const part = (page: Page, name: string) => page.getByRole('region', { name });

/** Sets the authenticator app up; answers its secret and the recovery codes. */
async function setUpApp(page: Page): Promise<{ secret: string; codes: string[] }> {
  const app = part(page, 'Authenticator app');
  await app.getByRole('button', { name: 'Set up' }).click();
  await expect(app.getByAltText('The secret as an image to scan')).toHaveJSProperty('complete', true);
  const secret = await app.getByLabel('Secret for the app').inputValue();
  await app.getByLabel('Code of your authenticator app').fill(totp(secret));
  await app.getByRole('button', { name: 'Finish' }).click();
  const codes = part(page, 'Recovery codes').getByRole('listitem');
  await expect(codes.first()).toBeVisible();
  return { secret, codes: await codes.allTextContents() };
}

// What a person is refused on purpose shows in the console by its status.
test.beforeEach(({ expected }) => {
  expected.push('/api/auth/login', '/api/auth/factor/', '/api/account/');
});

test('an authenticator app is set up, asked for after the password, and replaced by a recovery code once', async ({
  server,
  admin,
  page,
}) => {
  const user = await server.invited(admin, 'Tina');
  await openSignedIn(page, user, '/settings/security');
  const app = part(page, 'Authenticator app');
  await app.getByRole('button', { name: 'Set up' }).click();
  await app.getByLabel('Code of your authenticator app').fill('000000');
  await app.getByRole('button', { name: 'Finish' }).click();
  await expect(app.getByRole('alert')).toBeVisible();
  await expectAccessible(page);
  await app.getByRole('button', { name: 'Cancel' }).click();
  const { secret, codes } = await setUpApp(page);
  expect(codes).toHaveLength(10);
  await expect(page.getByRole('group', { name: 'Recovery codes' })).toBeFocused();
  await expectAccessible(page);

  await signOut(page);
  await page.goto('/login?next=/settings/tokens');
  await signIn(page, user);
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await expectAccessible(page);
  const code = page.getByLabel('Code of your authenticator app');
  await expect(code).toBeFocused();
  await code.fill('000000');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await code.fill(totp(secret, 1)); // the step of now was used to set it up
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL('/settings/tokens');

  const withRecovery = async () => {
    await signOut(page);
    await signIn(page, user);
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(codes[0]!);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  await withRecovery();
  await expect(page).not.toHaveURL(/login/); // to go elsewhere before would give the sign-in up
  await page.goto('/settings/security');
  await expect(part(page, 'Recovery codes').getByText('Codes left: 9')).toBeVisible();
  await withRecovery();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('Recovery code')).toHaveValue('');
});

test('a passkey is added, named, signs in alone, and is removed', async ({ server, admin, page }) => {
  const user = await server.invited(admin, 'Pia');
  const devices = await authenticators(page);
  await devices.add(PHONE);
  await openSignedIn(page, user, '/settings/security');
  const passkeys = part(page, 'Passkeys');
  await passkeys.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(part(page, 'Recovery codes').getByRole('listitem').first()).toBeVisible();
  await passkeys.getByRole('button', { name: 'Rename Passkey' }).click();
  await passkeys.getByLabel('Name of the passkey').fill('Phone');
  await passkeys.getByRole('button', { name: 'Save' }).click();
  await expect(passkeys.getByText('Phone')).toBeVisible();
  await passkeys.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(passkeys.getByRole('alert')).toHaveText('This device has a passkey of your account already.');
  await expectAccessible(page);

  await signOut(page);
  await page.goto('/login?next=/settings/security');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page).toHaveURL('/settings/security');

  await passkeys.getByRole('button', { name: 'Remove Phone' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove the passkey' }).click();
  await expect(passkeys.getByRole('listitem')).toHaveCount(0);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

/** The user by an API token that counts. */
async function withToken(server: Server, user: User): Promise<User> {
  const { token } = await server.call<{ token: string }>(user, 'POST', '/api/account/tokens', {
    name: 'A program',
    scope: 'read',
  });
  await server.call({ ...user, token }, 'GET', '/api/auth/me');
  return { ...user, token };
}

test('sessions are seen and ended, and another password ends the others', async ({
  server,
  admin,
  page,
  pageOf,
  expected,
}) => {
  expected.push('/api/live'); // ends with the session
  const user = await server.invited(admin, 'Sam');
  const other = await pageOf(user);
  await other.goto('/settings');
  await expect(other.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await openSignedIn(page, user, '/settings/security');
  const sessions = part(page, 'Where you are signed in');
  await expect(sessions.getByRole('listitem').filter({ hasText: 'This one' })).toHaveCount(1);
  const before = await sessions.getByRole('listitem').count();
  await sessions
    .getByRole('button', { name: / on Linux$/ })
    .first()
    .click();
  await expect(sessions.getByRole('listitem')).toHaveCount(before - 1);
  await expect(other.getByLabel('Password')).toBeVisible();
  await expect(other).toHaveURL('/login?next=%2Fsettings');

  await signIn(other, user);
  await expect(other).toHaveURL('/settings');
  const password = part(page, 'Password');
  await password.getByLabel('Current password').fill('something else');
  await password.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  await password.getByRole('button', { name: 'Change password' }).click();
  await expect(password.getByRole('alert')).toBeVisible();
  const program = await withToken(server, user);
  await password.getByLabel('Current password').fill(user.password);
  await password.getByLabel('End API tokens too').check();
  await password.getByRole('button', { name: 'Change password' }).click();
  await expect(password.getByText('The password is changed.')).toBeVisible();
  await expect(server.call(program, 'GET', '/api/auth/me')).rejects.toThrow('401');
  await expect(sessions.getByRole('listitem')).toHaveCount(1);
  await expect(other.getByLabel('Password')).toBeVisible();
  await signIn(other, { ...user, password: NEW_PASSWORD });
  await expect(other).toHaveURL('/settings');
  await page.reload();
  await sessions.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(sessions.getByRole('listitem')).toHaveCount(1);
  await expect(other.getByLabel('Password')).toBeVisible();
});

/** Makes the server ask once for a proof, as it does five minutes after signing in; everything after it is real. */
async function askOnce(page: Page, path: string): Promise<void> {
  const body = JSON.stringify({ status: 403, code: 'confirm', detail: 'confirm first that it is you' });
  const answer = { status: 403, contentType: 'application/problem+json', body };
  await page.route(path, (route) => route.fulfill(answer), { times: 1 });
}

test('a token is made after a proof of identity, opens the API, and is withdrawn', async ({ server, admin, page }) => {
  const user = await server.invited(admin, 'Toni');
  await openSignedIn(page, user, '/settings/tokens');
  await expect(page.getByText('No tokens yet')).toBeVisible();
  await page.getByRole('button', { name: 'Create token' }).click();
  await expect(page.getByRole('alert')).toHaveText('Give the token a name.');

  await askOnce(page, '**/api/account/tokens');
  await page.getByLabel('Name').fill('Nightly report');
  const create = page.getByRole('button', { name: 'Create token' });
  await create.click();
  const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await expect(dialog.getByLabel('Password')).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(create).toBeFocused();
  await expect(page.getByRole('alert')).toHaveText('Confirm first that it is you.');

  await askOnce(page, '**/api/account/tokens');
  await create.click();
  await dialog.getByLabel('Password').fill('something else');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByLabel('Password').fill(user.password);
  await page.keyboard.press('Enter');
  const token = await page.getByLabel('The new token').inputValue();
  expect(token).toMatch(/^psr_/);
  await expectAccessible(page);

  const me = () => fetch(`${server.url}/api/auth/me`, { headers: { Authorization: `Bearer ${token}` } });
  expect(await (await me()).json()).toMatchObject({ email: user.email });
  const row = page.getByRole('list', { name: 'API tokens' }).getByRole('listitem');
  await expect(row).toContainText('Nightly report');
  await page.reload();
  await expect(row).toHaveCount(1);
  expect(await page.content()).not.toContain(token);
  await row.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await expect(page.getByText('No tokens yet')).toBeVisible();
  expect((await me()).status).toBe(401);
});

test('a proof that is asked for over another dialog leads back into it', async ({ server, admin, page }) => {
  const user = await server.invited(admin, 'Nina');
  await openSignedIn(page, user, '/settings/security');
  await setUpApp(page);
  const remove = part(page, 'Authenticator app').getByRole('button', { name: 'Remove the authenticator app' });
  await remove.click();
  const question = page.getByRole('dialog', { name: 'Remove the authenticator app' });
  const proof = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await askOnce(page, '**/api/account/factors/totp');
  await question.getByRole('button', { name: 'Remove the authenticator app' }).click();
  await expect(proof.getByLabel('Password')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(proof).toHaveCount(0);
  await expect(question.getByRole('button', { name: 'Remove the authenticator app' })).toBeFocused();
  await expect(question.getByRole('alert')).toHaveText('Confirm first that it is you.');

  await askOnce(page, '**/api/account/factors/totp');
  await page.keyboard.press('Enter');
  await proof.getByLabel('Password').fill(user.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(part(page, 'Authenticator app').getByRole('button', { name: 'Set up' })).toBeVisible();
});

test('a forgotten password is set by the link of a mail, once', async ({ server, admin, page, mailbox, expected }) => {
  expected.push('/api/auth/password/reset/check');
  const user = await server.invited(admin, 'Fred');
  await page.goto('/login');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('E-mail').fill(user.email);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'a link is on its way' })).toBeVisible();
  const link = await mailbox.link(user.email);
  await page.goto(link);
  await expect(page.getByLabel('New password', { exact: true })).toBeVisible();
  await expect(page).toHaveURL('/reset');
  await expectAccessible(page);
  await page.getByLabel('New password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByText('Use 8 characters or more.')).toBeVisible();
  await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  const program = await withToken(server, user);
  // The link is the first proof of the address: what somebody else may have made ends without a question.
  await expect(page.getByRole('note')).toContainText('first proof that the address is yours');
  await expect(page.getByLabel('End API tokens too')).toHaveCount(0);
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByText('The new password is set.')).toBeVisible();
  await expect(server.call(program, 'GET', '/api/auth/me')).rejects.toThrow('401');
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).first().click();
  await signIn(page, user);
  await expect(page.getByRole('alert')).toBeVisible();
  await signIn(page, { ...user, password: NEW_PASSWORD });
  await expect(page.getByRole('button', { name: 'New project' }).first()).toBeVisible();
  await page.goto(link);
  await page.reload(); // an address that differs by its #code only is the same page
  await page.goto('/');
  await page.goto(link);
  await expect(page.getByRole('alert')).toContainText('cannot be used');
});

test('who has proven the address before says what becomes of API tokens', async ({ server, page }) => {
  const made = await server.command('user', 'create', 'grace@example.org', '--name', 'Grace');
  const link = new URL(/http\S+/.exec(made)![0]);
  await page.goto(link.pathname + link.hash);
  await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  await expect(page.getByLabel('End API tokens too')).toBeChecked();
  await expect(page.getByRole('note')).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByText('The new password is set.')).toBeVisible();
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).first().click();
  await signIn(page, { email: 'grace@example.org', password: NEW_PASSWORD });
  await expect(page.getByRole('button', { name: 'New project' }).first()).toBeVisible();
});

test('another name shows at once, another address by the link of a mail', async ({ server, admin, page, mailbox }) => {
  const user = await server.invited(admin, 'Erin');
  await openSignedIn(page, user, '/settings');
  await page.getByRole('textbox', { name: 'Name' }).fill('Erin Evergreen');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('complementary').getByText('Erin Evergreen')).toBeVisible();
  await page.getByLabel('New address').fill('evergreen@example.org');
  await page.getByRole('button', { name: 'Change address' }).click();
  await expect(page.getByText('A link was sent to evergreen@example.org')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Withdraw' }).click();
  await expect(page.getByRole('button', { name: 'Withdraw' })).toHaveCount(0);
  await mailbox.next('evergreen@example.org');
  await page.getByLabel('New address').fill('evergreen@example.org');
  await page.getByRole('button', { name: 'Change address' }).click();
  await page.goto(await mailbox.link('evergreen@example.org'));
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByText('From now on you sign in with evergreen@example.org.')).toBeVisible();
  await page.goto('/settings');
  await expect(page.getByText('You sign in with evergreen@example.org.')).toBeVisible();
});

test('the pages of an account fit a phone, long names and all', async ({ server, admin, browser, baseURL }) => {
  const user = await server.invited(admin, 'Wanda');
  await server.call(user, 'PATCH', '/api/account', { displayName: 'W'.repeat(64) });
  await server.call(user, 'POST', '/api/account/tokens', { name: 'T'.repeat(64), scope: 'read' });
  const context = await browser.newContext({
    baseURL: baseURL!,
    viewport: { width: 390, height: 844 },
    hasTouch: true,
  });
  const page = await context.newPage();
  for (const path of ['/login', '/forgot', '/verify']) {
    await page.goto(path);
    await expect(page.getByRole('main')).toBeVisible();
    await expectNoSidewaysScroll(page);
  }
  await openSignedIn(page, user, '/settings/security');
  await setUpApp(page);
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  for (const [path, heading] of [
    ['/settings', 'Name'],
    ['/settings/tokens', 'New token'],
  ] as const) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: heading, exact: true })).toBeVisible();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
  }
  await context.close();
});
