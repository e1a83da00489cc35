// What somebody may do changes while they are here: the page follows by itself.
import { expect, test, type Page, type Server, type User } from './fixture';

/** An admin makes somebody an admin, or a user. */
function make(server: Server, admin: User, user: User, role: 'admin' | 'user'): Promise<unknown> {
  return server.call(admin, 'PATCH', `/api/admin/users/${user.id}`, { role });
}

const people = (page: Page) => page.getByRole('list', { name: 'Users' });
const link = (page: Page) => page.getByRole('link', { name: 'Administration' });
const outside = (page: Page) => page.getByText('This is for administrators');

test('administration comes and goes with the role, without a reload', async ({ server, admin, pageOf, expected }) => {
  expected.push('401', '403'); // of the token that counts no more
  const eve = await server.invited(admin, 'Eve Elected');
  const page = await pageOf(eve);
  const other = await page.context().newPage();
  for (const tab of [page, other]) {
    await tab.goto('/admin/users');
    await expect(outside(tab)).toBeVisible();
    await expect(link(tab)).toHaveCount(0);
  }
  await make(server, admin, eve, 'admin');
  for (const tab of [page, other]) {
    await expect(people(tab)).toContainText('Eve Elected');
    await expect(link(tab)).toBeVisible();
  }
  await make(server, admin, eve, 'user');
  for (const tab of [page, other]) {
    await expect(outside(tab)).toBeVisible();
    await expect(link(tab)).toHaveCount(0);
    await expect(people(tab)).toHaveCount(0);
  }
  await other.goto('/admin/audit');
  await make(server, admin, eve, 'admin');
  await expect(other.getByRole('list', { name: 'Audit log' })).toContainText('Eve Elected');
});

test('an admin who steps down is outside at once', async ({ server, admin, pageOf, expected }) => {
  expected.push('401', '403');
  const eve = await server.invited(admin, 'Emma Emerita');
  await make(server, admin, eve, 'admin');
  const page = await pageOf(eve);
  await page.goto('/admin/users');
  await page.getByRole('searchbox').fill('Emma');
  await expect(people(page)).not.toContainText('Ada Lovelace'); // what was looked for is there
  await page.getByRole('button', { name: 'What to do with Emma Emerita' }).click();
  await page.getByRole('menuitem', { name: 'Make user' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make user' }).click();
  await expect(outside(page)).toBeVisible();
  await expect(link(page)).toHaveCount(0);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('who is signed in already goes where the way in would have led', async ({ admin, pageOf }) => {
  const page = await pageOf(admin);
  for (const [address, place] of [
    ['/login?then=/settings', '/settings'],
    ['/login?next=/settings/tokens', '/settings/tokens'],
    ['/login?then=//example.org/', '/projects'],
    ['/login#factor=x&methods=totp&then=%2Fsettings', '/settings'],
    ['/login', '/projects'],
  ] as const) {
    await page.goto(address);
    await expect(page).toHaveURL(place);
  }
});
