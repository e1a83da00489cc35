// What people say about an issue: in two browsers, with a thin network, and where many have said much.
import { expect, expectAccessible, expectNoSidewaysScroll, test, type Page, type Server, type User } from './fixture';

const comments = (page: Page) => page.getByRole('region', { name: 'Comments' });
const comment = (page: Page, text: string) => comments(page).getByRole('listitem').filter({ hasText: text }).last();
const composer = (page: Page) => comments(page).getByRole('textbox', { name: 'Comment', exact: true });

/** Chooses from the menu of a comment. */
async function choose(page: Page, text: string, action: string): Promise<void> {
  await comment(page, text)
    .getByRole('button', { name: /^Actions for/ })
    .click();
  await page.getByRole('menuitem', { name: action }).click();
}

async function issue(server: Server, owner: User, key: string, said: string[] = []): Promise<void> {
  await server.call(owner, 'POST', '/api/projects', { key, name: `Project ${key}` });
  await server.call(owner, 'POST', `/api/projects/${key}/issues`, { title: 'Talked about' });
  for (const body of said) await server.call(owner, 'POST', `/api/issues/${key}-1/comments`, { body });
}

test('a comment is written, read in another browser, edited and deleted', async ({ server, admin, pageOf }) => {
  const rosa = await server.invited(admin, 'Rosa Second');
  await issue(server, admin, 'TALK');
  await server.call(admin, 'POST', '/api/projects/TALK/members', { email: rosa.email, role: 'member' });
  const [mine, theirs] = [await pageOf(admin), await pageOf(rosa)];
  for (const page of [mine, theirs]) {
    await page.goto('/issues/TALK-1');
    await expect(comments(page)).toContainText('Nobody has commented yet.');
  }
  await expectAccessible(mine);

  await composer(mine).fill('Is it **this** one?');
  await composer(mine).press('ControlOrMeta+Enter');
  await expect(comment(mine, 'Is it this one?').locator('strong')).toHaveText('this');
  await expect(composer(mine)).toHaveValue('');
  await expect(comment(theirs, 'Is it this one?')).toContainText(admin.displayName);
  await expect(comments(theirs).getByRole('status')).toHaveText(`${admin.displayName} has commented.`);
  await composer(theirs).fill('It is.');
  await comments(theirs).getByRole('button', { name: 'Comment', exact: true }).click();
  await expect(comment(mine, 'It is.')).toContainText('Rosa Second');
  await expect(comment(mine, 'It is.').locator('time')).toHaveAttribute('title', /\d{4}/);

  await choose(mine, 'Is it this one?', 'Edit');
  const editor = mine.getByRole('textbox', { name: 'Edit your comment' });
  await expect(editor).toBeFocused();
  await editor.fill('Is it that one?');
  await editor.press('ControlOrMeta+Enter');
  await expect(comment(theirs, 'Is it that one?')).toContainText('edited');
  await expectAccessible(mine);
  await mine.reload();
  await expect(comment(mine, 'Is it that one?')).toContainText('edited');

  // A member may not touch what others wrote; an owner may remove it.
  await comment(theirs, 'Is it that one?')
    .getByRole('button', { name: /^Actions for/ })
    .click();
  await expect(theirs.getByRole('menuitem')).toHaveText(['Copy link']);
  await theirs.keyboard.press('Escape');
  await choose(mine, 'It is.', 'Delete');
  const question = mine.getByRole('dialog', { name: 'Delete comment' });
  await expect(question).toContainText('Rosa Second');
  await expectAccessible(mine);
  await question.getByRole('button', { name: 'Delete comment' }).click();
  for (const page of [mine, theirs]) await expect(comments(page)).not.toContainText('It is.');
  await expect(comments(theirs).getByRole('listitem')).toHaveCount(1);
});

test('two edits of one comment meet: both texts are shown', async ({ server, admin, pageOf, expected }) => {
  expected.push('/api/comments/');
  await issue(server, admin, 'MEET', ['As it was']);
  const [here, there] = [await pageOf(admin), await pageOf(admin)];
  const editor = (page: Page) => page.getByRole('textbox', { name: 'Edit your comment' });
  for (const page of [here, there]) {
    await page.goto('/issues/MEET-1');
    await choose(page, 'As it was', 'Edit');
    await expect(editor(page)).toBeFocused();
  }
  await editor(there).fill('From there');
  await editor(there).press('ControlOrMeta+Enter');
  // It shows at once; it has to be the server's before the other comes.
  await expect
    .poll(() => server.call(admin, 'GET', '/api/issues/MEET-1/comments'))
    .toMatchObject({ items: [{ body: 'From there' }] });
  await expect(comment(there, 'From there')).toBeVisible();
  await editor(here).fill('From here');
  await comments(here).getByRole('button', { name: 'Save' }).click();
  await expect(here.getByRole('group', { name: 'As it is now' })).toHaveText('From there');
  await expect(here.getByRole('group', { name: 'Yours' })).toHaveText('From here');
  await expectAccessible(here);
  await here.getByRole('button', { name: 'Replace it with mine' }).click();
  await expect(comment(here, 'From here')).toBeVisible();
  await expect(comment(there, 'From here')).toBeVisible();
});

test('what is said without a network waits, and is sent later', async ({ server, admin, pageOf, expected }) => {
  expected.push('ERR_INTERNET_DISCONNECTED');
  await issue(server, admin, 'TUNNEL', ['Before']);
  const page = await pageOf(admin);
  await page.goto('/issues/TUNNEL-1');
  await expect(comment(page, 'Before')).toBeVisible();
  await page.evaluate(() => navigator.serviceWorker.ready); // it would miss its script
  await page.context().setOffline(true);
  await expect(page.getByText('No connection to the server')).toBeVisible();
  await composer(page).fill('In the tunnel');
  await composer(page).press('ControlOrMeta+Enter');
  await expect(comment(page, 'In the tunnel')).toContainText('Not sent yet');
  expect(await server.call(admin, 'GET', '/api/issues/TUNNEL-1/comments')).toMatchObject({
    items: [{ body: 'Before' }],
  });
  await page.context().setOffline(false);
  await expect(comment(page, 'In the tunnel')).not.toContainText('Not sent yet');
  await expect
    .poll(() => server.call(admin, 'GET', '/api/issues/TUNNEL-1/comments'))
    .toMatchObject({ items: [{ body: 'Before' }, { body: 'In the tunnel' }] });
});

test('what the server does not take is back where it was written', async ({ server, admin, pageOf, expected }) => {
  expected.push('/comments');
  await issue(server, admin, 'BACK');
  const page = await pageOf(admin);
  await page.route('**/api/issues/BACK-1/comments', (route) =>
    route.request().method() === 'GET'
      ? route.continue()
      : route.fulfill({
          status: 422,
          contentType: 'application/problem+json',
          body: JSON.stringify({ status: 422, title: 'Unprocessable Entity', detail: 'nobody talks today' }),
        }),
  );
  await page.goto('/issues/BACK-1');
  await composer(page).fill('Anybody?');
  await composer(page).press('ControlOrMeta+Enter');
  await expect(page.getByText('nobody talks today')).toBeVisible();
  await expect(composer(page)).toHaveValue('Anybody?');
  await expect(comments(page).getByRole('listitem')).toHaveCount(0);

  // What was begun is there again after another page.
  await page.getByRole('link', { name: 'Project BACK' }).first().click();
  await page.getByText('Talked about').click();
  await expect(composer(page)).toHaveValue('Anybody?');
});

test('a long talk opens at its end, and a link leads into it', async ({ server, admin, pageOf }) => {
  await issue(server, admin, 'LONG');
  const said: { id: string }[] = [];
  for (let n = 1; n <= 210; n++)
    said.push(await server.call(admin, 'POST', '/api/issues/LONG-1/comments', { body: `Comment number ${n}.` }));
  const page = await pageOf(admin);
  await page.goto('/issues/LONG-1');
  await expect(comments(page).getByRole('listitem')).toHaveCount(50);
  await expect(comment(page, 'Comment number 210.')).toBeVisible();
  await comments(page).getByRole('button', { name: 'Show earlier comments' }).click();
  await expect(comments(page).getByRole('listitem')).toHaveCount(150);
  await comments(page).getByRole('button', { name: 'Show earlier comments' }).click();
  await expect(comments(page).getByRole('listitem')).toHaveCount(210);
  await expect(comments(page).getByRole('listitem').first()).toContainText('Comment number 1.');
  await expect(comments(page).getByRole('button', { name: 'Show earlier comments' })).toHaveCount(0);

  await page.goto('/projects');
  await page.goto(`/issues/LONG-1#comment-${said[99]!.id}`);
  await expect(comment(page, 'Comment number 100.')).toBeInViewport();
  await expect(comment(page, 'Comment number 100.')).toBeFocused();
});

test('a viewer reads what was said and says nothing', async ({ server, admin, pageOf }) => {
  const vera = await server.invited(admin, 'Vera Viewer');
  await issue(server, admin, 'HUSH', ['Said']);
  await server.call(admin, 'POST', '/api/projects/HUSH/members', { email: vera.email, role: 'viewer' });
  const page = await pageOf(vera);
  await page.goto('/issues/HUSH-1');
  await comment(page, 'Said')
    .getByRole('button', { name: /^Actions for/ })
    .click();
  await expect(page.getByRole('menuitem')).toHaveText(['Copy link']);
  await expect(composer(page)).toHaveCount(0);
});

test('comments are at home on a phone and in the dark', async ({ server, admin, pageOf }) => {
  const word = 'W'.repeat(64);
  const code = ['```', `const line = '${word}${word}';`, '```'].join('\n');
  const ada = await server.invited(admin, 'Ada Lovelace');
  await issue(server, admin, 'SMALL', [`${word} and *more*`, code]);
  await server.call(admin, 'POST', '/api/projects/SMALL/members', { email: ada.email, role: 'member' });
  await server.call(ada, 'POST', '/api/issues/SMALL-1/comments', { body: '- one\n- two\n\n> quoted' });
  const page = await pageOf(ada);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto('/issues/SMALL-1');
      await expect(comment(page, 'quoted')).toBeVisible();
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
    }
  }
});
