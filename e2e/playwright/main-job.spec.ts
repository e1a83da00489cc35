import { resolve } from 'node:path';
import { expect, expectAccessible, expectNoSidewaysScroll, test, type Page } from './fixture';

/** The README's picture; made anew with SCREENSHOT=1, so that a run of the tests leaves the checkout as it was. */
const SCREENSHOT = process.env.SCREENSHOT
  ? resolve(__dirname, '../../docs/images/board.png')
  : resolve(__dirname, 'results/board.png');

const column = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) });
const card = (page: Page, title: string) => page.locator('[data-id]').filter({ hasText: title });

/** Drags a card into a column with the mouse, as a hand does it: in many small steps. */
async function drag(page: Page, title: string, to: string): Promise<void> {
  const from = (await card(page, title).boundingBox())!;
  const target = (await column(page, to).locator('[data-list]').boundingBox())!;
  await page.mouse.move(from.x + 60, from.y + 40);
  await page.mouse.down();
  await page.mouse.move(from.x + 80, from.y + 60, { steps: 4 });
  await page.mouse.move(target.x + 80, target.y + 40, { steps: 12 });
  await page.mouse.up();
}

test('the main job: sign up, make a project, work its board', async ({ page, server, admin, expected }) => {
  expected.push('/api/auth/signup/password'); // the password that is too short
  const { url } = await server.invite(admin, { role: 'user' });
  await page.goto(new URL(url).pathname + new URL(url).search);
  await page.getByLabel('Name').fill('Grace Hopper');
  await page.getByLabel('E-mail').fill('grace@example.org');
  await page.getByLabel('Password').fill('seven77');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByLabel('E-mail')).toHaveValue('grace@example.org'); // refused, and the input is kept
  await page.getByLabel('Password').fill('eight888');
  await page.getByRole('button', { name: 'Create account' }).click();

  await expect(page).toHaveURL('/projects');
  await page.getByRole('button', { name: 'New project' }).first().click();
  await page.getByLabel('Name').fill('Apache Mesos');
  await page.getByLabel('Key').fill('GRACE');
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page).toHaveURL('/projects/GRACE');
  for (const name of ['Open', 'In Progress', 'Done']) await expect(column(page, name)).toContainText('No issues here');

  await page.keyboard.press('c');
  await page.getByLabel('Title').fill('Cache executors on the agent');
  await page.getByRole('button', { name: 'Create issue' }).click();
  await expect(column(page, 'Open')).toContainText('GRACE-1');
  await page.keyboard.press('c');
  await page.getByLabel('Title').fill('Report terminations to frameworks');
  await page.keyboard.press('Control+Enter');
  await expect(column(page, 'Open')).toContainText('GRACE-2');

  const moved = page.waitForResponse('**/api/issues/GRACE-1/move');
  await drag(page, 'Cache executors', 'Done');
  await expect(column(page, 'Done')).toContainText('GRACE-1');
  expect((await moved).status()).toBe(200);

  const movedByKey = page.waitForResponse('**/api/issues/GRACE-2/move');
  await card(page, 'Report terminations').focus();
  for (const key of ['Space', 'ArrowRight', 'Space']) await page.keyboard.press(key);
  await expect(page.getByText('GRACE-2 moved to In Progress, position 1.')).toBeAttached();
  await expect(column(page, 'In Progress')).toContainText('GRACE-2');
  await expect(card(page, 'Report terminations')).toBeFocused();
  expect((await movedByKey).status()).toBe(200);
  await expectAccessible(page);

  await page.reload();
  await expect(column(page, 'Done')).toContainText('GRACE-1');
  await expect(column(page, 'In Progress')).toContainText('GRACE-2');

  await page.getByRole('link', { name: 'List' }).first().click();
  await expect(page).toHaveURL('/projects/GRACE/list');
  await expect(page.getByText('Cache executors on the agent')).toBeVisible();
  await expectAccessible(page);
});

test('an issue is edited, and deleted by its name', async ({ server, admin, pageOf }) => {
  await server.call(admin, 'POST', '/api/projects', { key: 'EDIT', name: 'Editing' });
  await server.call(admin, 'POST', '/api/projects/EDIT/issues', { title: 'Before' });
  const page = await pageOf(admin);
  await page.goto('/issues/EDIT-1');
  const title = page.getByLabel('Title');
  await expect(title).toHaveValue('Before');
  await title.fill('After');
  await title.press('Enter');

  await page.getByRole('button', { name: 'Add a description' }).click();
  await page.getByRole('textbox', { name: 'Description' }).fill('Some **bold** text <img src=x onerror=alert(1)>');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('strong', { hasText: 'bold' })).toBeVisible();
  await expect(page.locator('main img')).toHaveCount(0);

  await page.getByRole('button', { name: /^Priority/ }).click();
  await page.getByRole('option', { name: 'High' }).click();
  await page.getByRole('button', { name: /^Assignee/ }).click();
  await page.getByRole('option', { name: admin.displayName }).click();
  await page.getByRole('button', { name: /^Effort/ }).click();
  await page.getByRole('option', { name: '5', exact: true }).click();
  const get = () => server.call<Record<string, unknown>>(admin, 'GET', '/api/issues/EDIT-1');
  await expect.poll(get).toMatchObject({ title: 'After', priority: 'high', assigneeId: admin.id, effort: 5 });
  await expectAccessible(page);

  const deleted = page.waitForResponse((answer) => answer.request().method() === 'DELETE');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await expect(page.getByRole('dialog')).toContainText('EDIT-1');
  await expect(page.getByRole('dialog')).toContainText('After');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete EDIT-1' }).click();
  await expect(page).toHaveURL('/projects/EDIT');
  expect((await deleted).status()).toBe(204);
  expect(await server.call(admin, 'GET', '/api/projects/EDIT/issues')).toMatchObject({ items: [] });
});

test('another browser sees a card move without reloading', async ({ server, admin, pageOf }) => {
  const second = await server.invited(admin, 'Barbara Liskov');
  await server.call(admin, 'POST', '/api/projects', { key: 'LIVE', name: 'Live' });
  await server.call(admin, 'POST', '/api/projects/LIVE/members', { email: second.email, role: 'member' });
  await server.call(admin, 'POST', '/api/projects/LIVE/issues', { title: 'Seen by two' });
  const [one, two] = [await pageOf(admin), await pageOf(second)];
  await Promise.all([one.goto('/projects/LIVE'), two.goto('/projects/LIVE')]);
  await expect(card(one, 'Seen by two')).toBeVisible();
  await expect(card(two, 'Seen by two')).toBeVisible();
  await drag(one, 'Seen by two', 'Done');
  await expect(column(two, 'Done')).toContainText('LIVE-1', { timeout: 1_000 });

  await server.call(admin, 'DELETE', `/api/projects/LIVE/members/${second.id}`);
  await expect(card(two, 'Seen by two')).toHaveCount(0);
});

test('text of users is never markup', async ({ server, admin, pageOf }) => {
  const attacks = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)//'",
    '<svg onload=alert(1)>',
    '[x](javascript:alert(1))',
    '{{constructor.constructor("alert(1)")()}}',
    '</title><iframe src="javascript:alert(1)">',
  ];
  await server.call(admin, 'POST', '/api/projects', { key: 'XSS', name: attacks[0], description: attacks[1] });
  for (const text of attacks) {
    await server.call(admin, 'POST', '/api/projects/XSS/issues', { title: text, description: text });
    await server.call(admin, 'POST', '/api/notes', { title: text, body: text });
  }
  const page = await pageOf(admin);
  for (const view of ['/projects', '/projects/XSS', '/projects/XSS/list', '/projects/XSS/settings', '/notes']) {
    await page.goto(view);
    await expect(page.locator('main')).toContainText(/script|img|alert|XSS/);
    await expect(page.locator('main script, main iframe, main img, main svg[onload]')).toHaveCount(0);
  }
  for (let number = 1; number <= attacks.length; number++) {
    await page.goto(`/issues/XSS-${number}`);
    await expect(page.getByLabel('Title')).toHaveValue(attacks[number - 1]!);
    await expect(page.locator('main script, main iframe, main img, main a[href^="javascript"]')).toHaveCount(0);
  }
});

test.describe('at every width', () => {
  const LONG = 'W'.repeat(64);
  for (const width of [320, 390, 768, 1280]) {
    test(`nothing scrolls sideways in ${width} px`, async ({ server, admin, pageOf }) => {
      const key = `W${width}`;
      const description = `${LONG}\n\n    ${LONG.repeat(4)}`;
      await server.call(admin, 'POST', '/api/projects', { key, name: LONG, description: LONG });
      await server.call(admin, 'POST', `/api/projects/${key}/issues`, { title: LONG, description });
      const { id } = await server.call<{ id: string }>(admin, 'POST', '/api/notes', { title: LONG, body: LONG });
      const page = await pageOf(admin);
      await page.setViewportSize({ width, height: 800 });
      const project = `/projects/${key}`;
      for (const view of [
        '/projects',
        project,
        `${project}/list`,
        `${project}/members`,
        `${project}/settings`,
        `/issues/${key}-1`,
        '/notes',
        `/notes/${id}`,
        '/invites',
      ]) {
        await page.goto(view);
        await expect(page.locator('main')).toContainText(view === '/invites' ? 'nvite' : /W{8}|Members|Ada/);
        await expectNoSidewaysScroll(page);
      }
    });
  }
});

test('the screenshot of the README', async ({ server, admin, pageOf }) => {
  const owner = await server.invited(admin, 'Mika Laine'); // who sees nothing of the other tests
  const mate = await server.invited(admin, 'Ravi Shah');
  await server.call(owner, 'POST', '/api/projects', { key: 'HRB', name: 'Harbor' });
  await server.call(owner, 'POST', '/api/projects/HRB/members', { email: mate.email, role: 'member' });
  const statuses = await server.call<{ items: { id: string }[] }>(owner, 'GET', '/api/projects/HRB/statuses');
  const titles = [
    'Keep the scroll position when returning from an issue',
    'Show why an invite link no longer works',
    'Search ignores diacritics in titles',
    'Move cards with the keyboard and announce the result',
    'Document the reverse proxy set-up for Caddy and nginx',
    'A refresh token that was copied ends the whole session',
    'Import the issues of the old tracker',
    'Back the database up while it is in use',
    'Dark theme: more contrast for quiet text',
  ];
  const priorities = ['medium', 'high', 'low', 'urgent'];
  for (const [i, title] of titles.entries()) {
    await server.call(owner, 'POST', '/api/projects/HRB/issues', {
      title,
      statusId: statuses.items[i % 3]!.id,
      priority: priorities[i % 4],
      effort: [1, 2, 3, 5, 8][i % 5],
      assigneeId: i % 4 === 3 ? null : [owner.id, mate.id][i % 2],
    });
  }
  const page = await pageOf(owner);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto('/projects/HRB');
  await expect(page.locator('[data-id]')).toHaveCount(titles.length);
  await page.screenshot({ path: SCREENSHOT, animations: 'disabled' });
});
