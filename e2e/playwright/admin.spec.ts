// What admins do about accounts, and what those whom it concerns see of it.
import { readFile } from 'node:fs/promises';
import { expect, expectAccessible, expectNoSidewaysScroll, test, type Page, type Server, type User } from './fixture';

const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });
const dialog = (page: Page) => page.getByRole('dialog');

/** Opens the menu of a user and chooses from it. */
async function choose(page: Page, user: User, what: string): Promise<void> {
  await page.getByRole('button', { name: `What to do with ${user.displayName}`, exact: true }).click();
  await page.getByRole('menuitem', { name: what, exact: true }).click();
}

/** The rows of a CSV file, as RFC 4180 has them. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  for (const line of text.match(/(?:"(?:[^"]|"")*"|[^"\n])+/gu) ?? []) {
    const cells = [...line.replace(/\r$/u, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gu)];
    rows.push(cells.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? ''));
  }
  return rows;
}

async function signIn(page: Page, server: Server, user: User): Promise<void> {
  await page.goto(`${server.url}/login`);
  await page.getByLabel('E-mail').fill(user.email);
  await page.getByLabel('Password').fill(user.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('link', { name: 'Administration' })).toBeVisible();
}

test('an invite leads into a project', async ({ server, admin, page, pageOf }) => {
  await server.call(admin, 'POST', '/api/projects', { key: 'HRB', name: 'Harbor' });
  const invites = await pageOf(admin);
  await invites.goto('/invites');
  await invites.getByLabel('E-mail').fill('nina@example.org');
  await invites.getByRole('button', { name: 'Add a project' }).click();
  await invites.getByRole('option', { name: /Harbor/ }).click();
  await invites.getByRole('button', { name: 'Create invite' }).click();
  const link = await invites.getByLabel('Sign-up link').inputValue();
  await expect(row(invites, 'nina@example.org')).toContainText('Harbor (Member)');
  await expectAccessible(invites);

  await page.goto(link);
  await expect(page.getByLabel('E-mail')).toHaveValue('nina@example.org');
  await page.getByLabel('Name').fill('Nina New');
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('link', { name: /Harbor/ }).first()).toBeVisible();

  await invites.reload();
  await expect(row(invites, 'nina@example.org')).toContainText('Used');
});

test('a link of an invite is replaced, and an invite withdrawn', async ({ server, admin, page, pageOf, expected }) => {
  expected.push('422');
  const { url } = await server.invite(admin, { email: 'otto@example.org' });
  const invites = await pageOf(admin);
  await invites.goto('/admin/invites');
  await invites.getByRole('button', { name: 'New link for otto@example.org' }).click();
  await dialog(invites).getByRole('button', { name: 'New link' }).click();
  const link = await invites.getByLabel('Sign-up link').inputValue();
  expect(link).not.toBe(url);
  await page.goto(url);
  await expect(page.getByText('This invite cannot be used')).toBeVisible();
  await page.goto(link);
  await expect(page.getByLabel('E-mail')).toHaveValue('otto@example.org');
  await row(invites, 'otto@example.org').getByRole('button', { name: 'Withdraw' }).click();
  await dialog(invites).getByRole('button', { name: 'Withdraw' }).click();
  await expect(row(invites, 'otto@example.org')).toContainText('Withdrawn');
  await expect(invites.getByLabel('Sign-up link')).toHaveCount(0);
});

test('who is disabled is out by the stream alone, and in again when enabled', async ({
  server,
  admin,
  pageOf,
  expected,
}) => {
  expected.push('401', '/api/sync/'); // the second is refused below
  const dora = await server.invited(admin, 'Dora Disabled');
  const theirs = await pageOf(dora);
  const stream = theirs.waitForResponse('**/api/live');
  await theirs.goto('/projects');
  await expect(theirs.getByRole('button', { name: 'New project' }).first()).toBeVisible();
  expect((await stream).status()).toBe(200);
  const users = await pageOf(admin);
  await users.goto('/admin/users');
  await users.getByRole('searchbox').fill('dora');
  await expect(row(users, 'Ada Lovelace')).toHaveCount(0);
  await choose(users, dora, 'Disable');
  await expect(dialog(users)).toContainText('Dora Disabled is signed out everywhere');
  await expectAccessible(users);
  // Nothing that the page asks for tells it: only the end of its stream can. How soon that is, the tests of the server
  // hold.
  await theirs.route('**/api/sync/**', (route) => route.abort());
  await dialog(users).getByRole('button', { name: 'Disable' }).click();
  await expect(dialog(users)).toHaveCount(0);
  await expect(theirs).toHaveURL(/\/login/);
  await expect(row(users, 'Dora Disabled')).toContainText('Disabled');
  await choose(users, dora, 'Enable');
  await dialog(users).getByRole('button', { name: 'Enable' }).click();
  await expect(dialog(users)).toHaveCount(0);
  await server.call(undefined, 'POST', '/api/auth/login', { email: dora.email, password: dora.password });
});

test('roles, a link for a new password, deletion with an heir, and the log of all that', async ({
  server,
  admin,
  pageOf,
  expected,
}) => {
  expected.push('409', '401');
  const hans = await server.invited(admin, 'Hans Handover');
  await server.call(hans, 'POST', '/api/projects', { key: 'HANS', name: 'Handed over' });
  const page = await pageOf(admin);
  await page.goto('/admin');
  await choose(page, hans, 'Make administrator');
  await dialog(page).getByRole('button', { name: 'Make administrator' }).click();
  await expect(row(page, 'Hans Handover')).toContainText('Administrator');

  await choose(page, hans, 'Password link');
  await dialog(page).getByRole('button', { name: 'Make the link' }).click();
  await expect(dialog(page).getByLabel('Password link', { exact: true })).toHaveValue(/\/reset#code=/);
  await expectAccessible(page);
  await dialog(page).getByRole('button', { name: 'Close' }).last().click();

  await choose(page, hans, 'Delete');
  await dialog(page).getByRole('button', { name: 'Delete Hans Handover' }).click();
  await expect(dialog(page)).toContainText('HANS');
  await expectAccessible(page);
  await dialog(page).getByLabel('Hand it over').check();
  await dialog(page)
    .getByRole('button', { name: /^Who takes over/ })
    .click();
  await page.getByRole('option', { name: 'Ada Lovelace' }).click();
  await dialog(page).getByRole('button', { name: 'Delete Hans Handover' }).click();
  await expect(row(page, 'Hans Handover')).toHaveCount(0);
  await page.goto('/projects');
  await expect(page.getByRole('link', { name: /Handed over/ }).first()).toBeVisible();

  await page.goto('/admin/audit');
  const log = page.getByRole('list', { name: 'Audit log' });
  await expect(log.getByRole('listitem').filter({ hasText: 'removed: account' }).first()).toContainText(
    'Ada Lovelace removed: account',
  );
  await expect(log.getByRole('listitem').filter({ hasText: 'A deleted user' }).first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: /^What/ }).click();
  await page.getByRole('option', { name: 'ownership' }).click();
  await expect(log).toContainText('HANS');
  await expect(log).not.toContainText('removed: account');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('audit.csv');
  const [head, ...rows] = parse(await readFile(await download.path(), 'utf8'));
  expect(head?.slice(0, 6)).toEqual(['time', 'actor', 'actor_name', 'actor_email', 'operation', 'entity']);
  expect(rows.length).toBeGreaterThan(0);
  for (const cells of rows) expect(cells).toHaveLength(head!.length);
  expect(new Set(rows.map((cells) => cells[5]))).toEqual(new Set(['ownership']));
});

test('a project whose only owner is disabled is taken over', async ({ server, admin, pageOf }) => {
  const olga = await server.invited(admin, 'Olga Owner');
  await server.call(olga, 'POST', '/api/projects', { key: 'LEFT', name: 'Left alone' });
  await server.call(admin, 'PATCH', `/api/admin/users/${olga.id}`, { disabled: true });
  const page = await pageOf(admin);
  await page.goto('/admin/projects');
  await row(page, 'Left alone').getByRole('button', { name: 'Take over' }).click();
  await dialog(page).getByRole('button', { name: 'Take over Left alone' }).click();
  await page.getByRole('link', { name: 'Open it' }).click();
  await expect(page).toHaveURL(/\/projects\/LEFT$/);
});

test('registration is opened, providers set up, and the only admin stays one', async ({
  page,
  browser,
  expected,
  another,
}) => {
  expected.push('409');
  const own = await another();
  const ada = await own.firstAdmin();
  await signIn(page, own, ada);
  await page.goto(`${own.url}/admin/users`);
  await choose(page, ada, 'Make user');
  await dialog(page).getByRole('button', { name: 'Make user' }).click();
  await expect(dialog(page)).toContainText('This is the only admin');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();

  await page.goto(`${own.url}/admin/settings`);
  await page.getByLabel('Anybody').check();
  await expect(page.getByText('Saved')).toBeVisible();
  await expect(page.getByText('This server sends no mail')).toBeVisible();
  const guest = await browser.newPage();
  await guest.goto(`${own.url}/register`);
  await guest.getByLabel('Name').fill('Gus Guest');
  await guest.getByLabel('E-mail').fill('gus@example.org');
  await guest.getByLabel('Password').fill('correct horse');
  await guest.getByRole('button', { name: 'Create account' }).click();
  await expect(guest.getByRole('button', { name: 'New project' }).first()).toBeVisible();
  await guest.context().close();

  await page.getByRole('button', { name: 'Set up GitHub' }).click();
  await expect(dialog(page).getByLabel('Redirect address for GitHub')).toHaveValue(
    /^http:.*\/api\/auth\/github\/callback$/,
  );
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await expect(dialog(page).getByText('This is needed.')).toHaveCount(2);
  await expectAccessible(page);
  await dialog(page).getByLabel('Client ID').fill('an-id');
  await dialog(page).getByLabel('Client secret').fill('a-secret');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await expect(row(page, 'GitHub')).toContainText('Set up here');
  await page.getByRole('button', { name: 'Set up GitHub' }).click();
  await expect(dialog(page).getByLabel('Client ID')).toHaveValue('an-id');
  await expect(dialog(page).getByLabel('Client secret')).toHaveValue('');
});

test('who is no admin finds nothing to administer', async ({ server, admin, pageOf }) => {
  const page = await pageOf(await server.invited(admin, 'Ulla User'));
  await page.goto('/admin/users');
  await expect(page.getByText('This is for administrators')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Administration' })).toHaveCount(0);
  await expectAccessible(page);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`every page fits a phone and everybody: ${scheme}`, async ({ server, admin, pageOf }) => {
    for (const letter of 'xyzvw') await server.invited(admin, `Long ${letter.repeat(64)}`); // more than fit
    const page = await pageOf(admin);
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      for (const path of ['users', 'invites', 'projects', 'audit', 'settings']) {
        await page.goto(`/admin/${path}`);
        await expect(page.getByRole('heading', { name: 'Administration' })).toBeVisible();
        await expect(page.getByRole('main').getByRole('status', { name: 'Loading' })).toHaveCount(0);
        await expectNoSidewaysScroll(page);
        const tall = await page.evaluate(() => document.documentElement.scrollHeight);
        expect(tall, `what is in ${path} scrolls, and the window does not`).toBe(844);
        await expectAccessible(page);
      }
    }
  });
}
