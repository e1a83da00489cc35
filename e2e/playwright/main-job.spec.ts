// The main job as a person does it: in from the invite, a project, its board, an issue from birth to deletion.
import { resolve } from 'node:path';
import { expect, expectAccessible, expectNoSidewaysScroll, test, type Page, type Server, type User } from './fixture';

const PICTURE = resolve(__dirname, '../../docs/images/board.png');

const column = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) });
const card = (page: Page, key: string) => page.locator(`[data-key="${key}"]`);
/** A card that can be moved: it is shown before that, from the first part of a board. */
const movable = (page: Page, key: string) => card(page, key).and(page.locator('[data-id]'));

/** Drags a card with the mouse into the middle of a column. */
async function drag(page: Page, key: string, to: string): Promise<void> {
  await expect(movable(page, key)).toBeVisible();
  const from = (await card(page, key).boundingBox())!;
  const target = (await column(page, to).boundingBox())!;
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(from.x + from.width / 2 + 20, from.y + from.height / 2 + 10, { steps: 4 });
  await page.mouse.move(target.x + target.width / 2, target.y + 100, { steps: 12 });
  await page.mouse.up();
}

async function project(server: Server, owner: User, key: string, name: string, titles: string[] = []): Promise<void> {
  await server.call(owner, 'POST', '/api/projects', { key, name });
  for (const title of titles) await server.call(owner, 'POST', `/api/projects/${key}/issues`, { title });
}

test('the main job: sign up, make a project, work its board', async ({ server, admin, page }) => {
  const { code } = await server.invite(admin);
  await page.goto(`/signup?code=${code}`);
  await expect(page.getByLabel('Name')).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('Name').fill('Grace Hopper');
  await page.getByLabel('E-mail').fill('grace@example.org');
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('Use 8 characters or more.')).toBeVisible();
  await expect(page.getByLabel('Name')).toHaveValue('Grace Hopper');
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Create account' }).click();

  await page.getByRole('button', { name: 'New project' }).first().click();
  await page.getByLabel('Name').fill('Apache Mesos');
  await page.getByLabel('Key').fill('MESOS');
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page).toHaveURL(/\/projects\/MESOS$/);
  for (const name of ['Open', 'In Progress', 'Done']) await expect(column(page, name)).toContainText('No issues here');
  await expectAccessible(page);

  await expect(page.getByRole('button', { name: 'New issue', exact: true })).toBeVisible();
  for (const title of ['Cache executors', 'Report terminations']) {
    await page.keyboard.press('c');
    await page.getByLabel('Title').fill(title);
    await page.getByRole('button', { name: 'Create issue' }).click();
    await expect(column(page, 'Open').getByText(title)).toBeVisible();
  }
  await expect(card(page, 'MESOS-2')).toBeVisible();

  await drag(page, 'MESOS-1', 'Done');
  await expect(column(page, 'Done').locator('[data-key="MESOS-1"]')).toBeVisible();
  await movable(page, 'MESOS-2').focus();
  for (const key of ['Space', 'ArrowRight', 'Space']) await page.keyboard.press(key);
  await expect(column(page, 'In Progress').locator('[data-key="MESOS-2"]')).toBeVisible();
  await expect(page.locator('[data-said]')).toContainText('moved to In Progress');
  await expectAccessible(page);
  await page.reload();
  await expect(column(page, 'Done').locator('[data-key="MESOS-1"]')).toBeVisible();
  await expect(column(page, 'In Progress').locator('[data-key="MESOS-2"]')).toBeVisible();

  await page.getByRole('link', { name: 'List' }).last().click();
  await expect(page).toHaveURL(/\/projects\/MESOS\/list$/);
  await expect(page.getByRole('link', { name: /Cache executors/ })).toBeVisible();
  await expectAccessible(page);
});

test('an issue is edited, and deleted by its name', async ({ server, admin, pageOf }) => {
  const grace = await server.invited(admin, 'Grace Hopper');
  await project(server, grace, 'EDIT', 'Edited', ['Cache executors', 'Report terminations']);
  const page = await pageOf(grace);
  await page.goto('/projects/EDIT/list');
  await page.getByRole('link', { name: /Cache executors/ }).click();
  await expect(page).toHaveURL(/\/issues\/EDIT-1$/);
  await edit(page);
  await remove(page);
});

/** Changes everything that the page of EDIT-1 lets one change. */
async function edit(page: Page): Promise<void> {
  const title = page.getByLabel('Title');
  await title.fill('Cache executors on the agent');
  await title.press('Enter');
  await page.getByRole('button', { name: 'Add a description' }).click();
  await page.getByLabel('Description').getByRole('textbox').fill('Be **smarter** about it.');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('strong', { hasText: 'smarter' })).toBeVisible();
  for (const [label, choice] of [
    ['Priority', 'Urgent'],
    ['Assignee', 'Grace Hopper'],
    ['Effort', '5'],
  ] as const) {
    await page.getByRole('button', { name: `${label}:` }).click();
    await page.getByRole('option', { name: choice, exact: true }).click();
    await expect(page.getByRole('button', { name: new RegExp(`^${label}: ${choice}`) })).toBeVisible();
  }
  await expectAccessible(page);
  await page.reload();
  await expect(title).toHaveValue('Cache executors on the agent');
  await expect(page.locator('strong', { hasText: 'smarter' })).toBeVisible();
  for (const said of ['Priority: Urgent', 'Assignee: Grace Hopper', 'Effort: 5'])
    await expect(page.getByRole('button', { name: said })).toBeVisible();
}

/** Deletes EDIT-1, after a question that names it. */
async function remove(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete issue' }).click();
  const question = page.getByRole('dialog', { name: 'Delete issue' });
  await expect(question).toContainText('EDIT-1 “Cache executors on the agent”');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(page).toHaveURL(/\/issues\/EDIT-1$/);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete issue' }).click();
  await question.getByRole('button', { name: 'Delete EDIT-1' }).click();
  await expect(page).toHaveURL(/\/projects\/EDIT$/);
  await expect(card(page, 'EDIT-2')).toBeVisible();
  await expect(card(page, 'EDIT-1')).toHaveCount(0);
}

test('a second browser sees a card move by the stream alone', async ({ server, admin, pageOf, expected }) => {
  expected.push('/api/sync/'); // refused below
  const guest = await server.invited(admin, 'Rosa Second');
  await project(server, admin, 'LIVE', 'Live', ['Moves']);
  await server.call(admin, 'POST', '/api/projects/LIVE/members', { email: guest.email, role: 'member' });
  const [mine, theirs] = [await pageOf(admin), await pageOf(guest)];
  const stream = theirs.waitForResponse('**/api/live');
  for (const page of [mine, theirs]) {
    await page.goto('/projects/LIVE');
    await expect(movable(page, 'LIVE-1')).toBeVisible();
  }
  expect((await stream).status()).toBe(200);
  // Until its stream stands, a page is told by a delta: one change more, and it has come as far as the log.
  await server.call(admin, 'PATCH', '/api/issues/LIVE-1', { title: 'Is about to move' });
  await expect(card(theirs, 'LIVE-1')).toContainText('Is about to move');
  // From now on nothing but the stream can tell it. How soon it does, the tests of the server hold.
  await theirs.route('**/api/sync/**', (route) => route.abort());
  await drag(mine, 'LIVE-1', 'Done');
  await expect(column(theirs, 'Done').locator('[data-key="LIVE-1"]')).toBeVisible();
});

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "'-alert(1)-'",
  '[link](javascript:alert(1))',
  '<a href="javascript:alert(1)">x</a>',
  '![x](x"onerror="alert(1))',
  '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
  '<form action="javascript:alert(1)"><button>x</button></form>',
  '<style>*{display:none}</style>',
  '{{constructor.constructor("alert(1)")()}}',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
];

test('text of users is never markup', async ({ server, admin, pageOf, expected }) => {
  const { length } = HOSTILE;
  const hostile = await server.invited(admin, '<img src=x onerror=alert(1)>');
  await server.call(hostile, 'POST', '/api/projects', { key: 'XSS', name: HOSTILE[0], description: HOSTILE[1] });
  for (const text of HOSTILE) {
    await server.call(hostile, 'POST', '/api/projects/XSS/issues', { title: text, description: HOSTILE.join('\n\n') });
    await server.call(hostile, 'POST', '/api/notes', { title: text, body: text });
    await server.call(hostile, 'POST', '/api/issues/XSS-1/comments', { body: text });
  }
  // Pictures of other hosts, and of none, are refused by the policy: that they were asked for is not what is tested.
  expected.push('img-src', '/issues/x');
  const page = await pageOf(hostile);
  for (const path of ['/projects', '/projects/XSS', '/projects/XSS/list', '/projects/XSS/settings', '/notes']) {
    await page.goto(path);
    await expect(page.getByText(path === '/projects/XSS/list' ? HOSTILE[1]! : HOSTILE[0]!).first()).toBeVisible();
    await expectInert(page);
  }
  for (let number = 1; number <= length; number++) {
    await page.goto(`/issues/XSS-${number}`);
    await expect(page.getByLabel('Title')).toHaveValue(HOSTILE[number - 1]!);
    await expect(page.getByLabel('Description').getByText('constructor')).toBeVisible();
    if (number === 1) await expect(page.getByLabel('Comments').getByRole('listitem')).toHaveCount(length);
    await expectInert(page);
  }
});

/** Nothing on the page runs a script or leads to one. That none ran, the page fixture tells: it collects dialogs. */
async function expectInert(page: Page): Promise<void> {
  const active = await page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter(
        (element) =>
          ['IFRAME', 'OBJECT', 'EMBED'].includes(element.tagName) ||
          [...element.attributes].some(
            ({ name, value }) => name.startsWith('on') || /^\s*javascript:/i.test(value.replace(/[\s\0]/g, '')),
          ) ||
          (element.tagName === 'SCRIPT' && element.textContent?.includes('alert')),
      )
      .map((element) => element.outerHTML),
  );
  expect(active).toEqual([]);
}

test('nothing scrolls sideways', async ({ server, admin, pageOf }) => {
  const word = 'W'.repeat(64);
  await project(server, admin, 'WIDE', word, [word, `${word} ${word}`]);
  await server.call(admin, 'PATCH', '/api/issues/WIDE-1', { description: `${word}\n\n\`${word}\``, version: 1 });
  await server.call(admin, 'POST', '/api/notes', { title: word, body: word });
  const page = await pageOf(admin);
  for (const width of [320, 390, 768, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    for (const path of [
      '/projects',
      '/projects/WIDE',
      '/projects/WIDE/list',
      '/projects/WIDE/members',
      '/issues/WIDE-1',
      '/notes',
      '/invites',
    ]) {
      await page.goto(path);
      await expect(page.getByRole('heading').first()).toBeVisible();
      await expectNoSidewaysScroll(page);
    }
    await page.goto('/projects/WIDE');
    await expect(card(page, 'WIDE-1')).toBeVisible();
    await expectNoSidewaysScroll(page);
  }
});

test('an admin invites, and withdraws an invite', async ({ admin, pageOf }) => {
  const page = await pageOf(admin);
  await page.goto('/invites');
  await page.getByLabel('E-mail').fill('alan@example.org');
  await page.getByRole('button', { name: 'Create invite' }).click();
  await expect(page.getByLabel('Sign-up link')).toHaveValue(/\/signup\?code=/);
  await expectAccessible(page);
  // By its name: the first admin's invite is on this page, too.
  const invite = page.getByRole('listitem').filter({ hasText: 'alan@example.org' });
  await invite.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await expect(invite).toContainText('Withdrawn');
});

test('the picture in the README', async ({ server, admin, pageOf }) => {
  const people = [await server.invited(admin, 'Mika Laine'), await server.invited(admin, 'Ruth Sol')] as const;
  const [mika, ruth] = people;
  await project(server, mika, 'HRB', 'Harbor');
  await server.call(mika, 'POST', '/api/projects/HRB/members', { email: ruth.email, role: 'member' });
  const { items: statuses } = await server.call<{ items: { id: string; name: string }[] }>(
    mika,
    'GET',
    '/api/projects/HRB/statuses',
  );
  const issues = [
    ['Keep the scroll position when returning from an issue', 'medium', mika, 1],
    ['Show why an invite link no longer works', 'high', ruth, 2],
    ['Search ignores diacritics in titles', 'low', mika, 3],
    ['Move cards with the keyboard and announce the result', 'urgent', null, 5],
    ['Document the reverse proxy set-up for Caddy and nginx', 'medium', mika, 8],
    ['A refresh token that was copied ends the whole session', 'high', ruth, 1],
    ['Import the issues of the old tracker', 'low', mika, 2],
    ['Back the database up while it is in use', 'urgent', null, 3],
    ['Dark theme: more contrast for quiet text', 'medium', mika, 5],
  ] as const;
  for (const [at, [title, priority, who, effort]] of issues.entries())
    await server.call(mika, 'POST', '/api/projects/HRB/issues', {
      title,
      priority,
      effort,
      assigneeId: who?.id ?? null,
      statusId: statuses[at % 3]!.id,
    });
  const page = await pageOf(mika);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.goto('/projects/HRB');
  await expect(page.locator('[data-key]')).toHaveCount(issues.length);
  await page.evaluate(() => document.fonts.ready);
  if (process.env.SCREENSHOT) await page.screenshot({ path: PICTURE });
  await expectAccessible(page);
});
