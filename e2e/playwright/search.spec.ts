import { expect, expectAccessible, expectNoSidewaysScroll, test, type Page, type Server, type User } from './fixture';

/** Somebody with one project, and something to find there in titles, in a description and in a comment. */
async function harbor(server: Server, admin: User, key: string): Promise<User> {
  const user = await server.invited(admin, 'Hedy Lamarr');
  await server.call(user, 'POST', '/api/projects', { key, name: `Harbor ${key}` });
  for (const [title, description] of [
    ['Lights of the harbour', ''],
    ['Deliver the Ångström lamps', 'The lamps come by <b>ship</b>; the lighthouse keeper signs for them.'],
    ['Paint the pier', 'Grey, in two coats.'],
  ]) {
    await server.call(user, 'POST', `/api/projects/${key}/issues`, { title, description });
  }
  const body = 'The keeper says that the light of the pier went out.';
  await server.call(user, 'POST', `/api/issues/${key}-3/comments`, { body });
  return user;
}

const palette = (page: Page) => page.getByRole('dialog', { name: 'Search or jump to' });
const field = (page: Page) => palette(page).getByRole('combobox');
const group = (page: Page, name: string) => palette(page).getByRole('group', { name });

test('the palette finds titles at once, and texts and comments as they come', async ({ server, admin, pageOf }) => {
  const page = await pageOf(await harbor(server, admin, 'PAL'));
  await page.goto('/projects/PAL');
  await expect(page.getByText('Paint the pier')).toBeVisible();

  await page.keyboard.press('ControlOrMeta+k');
  await expect(field(page)).toBeFocused();
  await expect(group(page, 'Projects')).toContainText('Harbor PAL');
  await expect(group(page, 'Changed last').getByRole('option')).toHaveCount(3);
  await expectAccessible(page);

  await field(page).fill('light');
  await expect(group(page, 'Issues').getByRole('option')).toHaveText([/Lights of the harbour\s*PAL-1/]);
  await expect(group(page, 'In descriptions')).toContainText('the lighthouse keeper signs');
  await expect(group(page, 'In descriptions').locator('mark')).toHaveText(['lighthouse']);
  await expect(group(page, 'In comments').locator('mark')).toHaveText(['light']);
  await expect(palette(page).getByRole('status')).toHaveText('Results: 3');
  await expectAccessible(page);

  // Text of users is text: the tags are there to be read.
  await field(page).fill('angstrom');
  await expect(group(page, 'Issues').locator('mark')).toHaveText(['Ångström']);
  await field(page).fill('"by ship');
  await expect(group(page, 'In descriptions')).toHaveCount(0);
  await field(page).fill('ship');
  await expect(group(page, 'In descriptions')).toContainText('<b>ship</b>');

  await field(page).fill('keeper');
  await expect(group(page, 'In comments')).toBeVisible();
  await expect(field(page)).toHaveAttribute('aria-activedescendant', /-0$/);
  await page.keyboard.press('ArrowDown');
  await expect(palette(page).getByRole('option', { selected: true })).toContainText('The keeper says');
  await page.keyboard.press('Enter');
  await expect(palette(page)).toBeHidden();
  await expect(page).toHaveURL(/\/issues\/PAL-3#comment-/);

  await page.keyboard.press('/');
  await field(page).fill('pal-2');
  await expect(palette(page).getByRole('option', { selected: true })).toContainText('PAL-2');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/issues\/PAL-2$/);
  await expect(page.getByRole('textbox', { name: 'Title' })).toHaveValue('Deliver the Ångström lamps');

  await page.keyboard.press('/');
  await field(page).fill('zzz');
  await expect(palette(page)).toContainText('Nothing found');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(palette(page)).toBeHidden();
});

test('the page of all that was found keeps its words in the address', async ({ server, admin, pageOf }) => {
  const page = await pageOf(await harbor(server, admin, 'SEA'));
  await page.goto('/search');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.getByRole('searchbox').fill('keeper SEA');
  await expect(page.getByText('Nothing found').first()).toBeVisible();
  await page.getByRole('searchbox').fill('keeper pier');
  const found = page.getByRole('list', { name: 'What was found' });
  await expect(found.getByRole('listitem')).toHaveCount(1);
  await expect(page.getByRole('status').filter({ hasText: 'Results: 1' })).toBeVisible();
  await expect(page).toHaveURL('/search?q=keeper+pier');
  await expectAccessible(page);
  await page.reload();
  await found.getByRole('link').click();
  await expect(page).toHaveURL(/\/issues\/SEA-3#comment-/);
  await page.goBack();
  await expect(found.getByRole('listitem')).toHaveCount(1);
});

test('search on a phone, in the dark', async ({ server, admin, pageOf }) => {
  const page = await pageOf(await harbor(server, admin, 'TEL'));
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/projects/TEL');
  await page.getByRole('button', { name: 'Search' }).last().click();
  await field(page).fill('keeper');
  await expect(group(page, 'In descriptions')).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await palette(page).getByRole('option', { name: 'Show all that was found' }).click();
  await expect(page.getByRole('searchbox')).toHaveValue('keeper');
  await expect(page.getByRole('list', { name: 'What was found' })).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
});

test('without a network titles are found, and it is said that no more is', async ({
  server,
  admin,
  pageOf,
  expected,
}) => {
  expected.push('ERR_INTERNET_DISCONNECTED', 'fetching the script');
  const page = await pageOf(await harbor(server, admin, 'FOG'));
  await page.goto('/projects/FOG');
  await expect(page.getByText('Paint the pier')).toBeVisible();
  await page.keyboard.press('/');
  await expect(field(page)).toBeFocused(); // the palette's code has come while there was a network
  await page.context().setOffline(true);
  await field(page).fill('pier');
  await expect(group(page, 'Issues').getByRole('option')).toContainText(['Paint the pier']);
  await expect(palette(page)).toContainText('only titles are searched');
  await expectAccessible(page);
  await page.context().setOffline(false);
  await palette(page).getByRole('button', { name: 'Try again' }).click();
  await expect(group(page, 'In comments')).toBeVisible();
});

test('somebody who was removed finds nothing any more', async ({ server, admin, pageOf, expected }) => {
  expected.push('/api/sync/'); // it is not theirs any more
  const owner = await harbor(server, admin, 'OUT');
  const guest = await server.invited(admin, 'Grace Hopper');
  await server.call(owner, 'POST', '/api/projects/OUT/members', { email: guest.email, role: 'viewer' });
  const page = await pageOf(guest);
  await page.goto('/search?q=keeper');
  await expect(page.getByRole('list', { name: 'What was found' })).toBeVisible();
  await server.call(owner, 'DELETE', `/api/projects/OUT/members/${guest.id}`);
  await page.reload();
  await expect(page.getByText('Nothing found').first()).toBeVisible();
});
