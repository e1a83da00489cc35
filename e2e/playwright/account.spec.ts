// Who gets in: the way from /register, with the invite that most servers ask for and without.
import { expect, expectAccessible, test, type Page } from './fixture';

/** Fills the form: seven characters are refused and everything typed stays, eight make the account. */
async function register(page: Page, name: string, email: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill('1234567');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('Use 8 characters or more.')).toBeVisible();
  for (const [label, value] of [
    ['Name', name],
    ['E-mail', email],
    ['Password', '1234567'],
  ] as const)
    await expect(page.getByLabel(label)).toHaveValue(value);
  await page.getByLabel('Password').fill('wxq7 nub');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('button', { name: 'New project' }).first()).toBeVisible();
}

test('an account by invite: the code comes first', async ({ server, admin, page }) => {
  const { code } = await server.invite(admin);
  await page.goto('/login');
  await expect(page.getByText('Have an invite?')).toBeVisible();
  await page.goto('/register');
  await expect(page.getByLabel('Invite code')).toBeVisible();
  await expect(page.getByLabel('Password')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Go on without a code' })).toHaveCount(0);
  await expectAccessible(page);
  await page.getByLabel('Invite code').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
  await register(page, 'Ida Invited', 'ida@example.org');
});

test('an account where registration is open: no code is asked for, and one is taken', async ({ page, another }) => {
  const open = await another({ REGISTRATION: 'open' });
  await page.goto(`${open.url}/login`);
  await expect(page.getByText('No account yet?')).toBeVisible();
  const { code } = await open.invite(await open.firstAdmin(), { email: 'bea@example.org' });
  await page.goto(`${open.url}/signup?code=${code}`);
  await expect(page.getByLabel('E-mail')).toHaveValue('bea@example.org');
  await page.goto(`${open.url}/login`);
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByRole('button', { name: 'I have an invite code' }).click();
  await expect(page.getByLabel('Invite code')).toBeVisible();
  await expectAccessible(page);
  await page.goto(`${open.url}/register`);
  await expect(page.getByLabel('Password')).toBeVisible();
  await expectAccessible(page);
  await register(page, 'Olga Open', 'olga@example.org');
});
