import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './fixture';

test('issues that are imported arrive on open boards, and once only', async ({ server, admin, pageOf }) => {
  await server.call(admin, 'POST', '/api/projects', { key: 'IMP', name: 'Imported' });
  const page = await pageOf(admin);
  await page.goto('/projects/IMP');
  const open = page.getByRole('region', { name: /^Open/ });
  await expect(open).toContainText('No issues here');

  const file = join(await mkdtemp(join(tmpdir(), 'peisear-import-')), 'issues.csv');
  const rows = Array.from(
    { length: 300 },
    (_, i) => `OLD-${i + 1},"Issue ""${i + 1}"" of before","Line one\nline two, ü",${i % 9}`,
  );
  await writeFile(file, ['issuekey,title,description,storypoint', ...rows].join('\n'));
  expect(await server.command('import', 'csv', '--project', 'IMP', file)).toContain(
    '300 imported, 0 there already, 0 refused',
  );
  await expect(open).toContainText('300');
  await expect(open).toContainText('Issue "1" of before');

  expect(await server.command('import', 'csv', '--project', 'IMP', file)).toContain('0 imported, 300 there already');
  await page.goto('/projects/IMP/list');
  await page.getByRole('searchbox').fill('OLD-7');
  await expect(page.getByText('Issue "7" of before')).toBeVisible();
});

test('what is written offline shows at once and is sent when the network is back', async ({
  server,
  admin,
  pageOf,
  expected,
}) => {
  // On a slow machine the service worker's turn comes while there is no network, too.
  expected.push('ERR_INTERNET_DISCONNECTED', 'when fetching the script');
  await server.call(admin, 'POST', '/api/projects', { key: 'OFF', name: 'Offline' });
  const page = await pageOf(admin);
  await page.goto('/projects/OFF');
  const open = page.getByRole('region', { name: /^Open/ });
  await expect(open).toContainText('No issues here');
  await expect(page.getByRole('button', { name: 'New issue', exact: true })).toBeVisible();
  await page.keyboard.press('c'); // the dialog's code is loaded while there is a network
  await expect(page.getByLabel('Title')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByLabel('Title')).toHaveCount(0);

  await page.context().setOffline(true);
  await page.keyboard.press('c');
  await page.getByLabel('Title').fill('Written in a tunnel');
  await page.getByRole('button', { name: 'Create issue' }).click();
  await expect(open).toContainText('Written in a tunnel');
  expect(await server.call(admin, 'GET', '/api/projects/OFF/issues')).toMatchObject({ items: [] });

  await page.context().setOffline(false);
  await expect(open).toContainText('OFF-1');
  await expect
    .poll(() => server.call(admin, 'GET', '/api/projects/OFF/issues'))
    .toMatchObject({ items: [{ title: 'Written in a tunnel' }] });
});

test('what the server refuses goes back, with a message', async ({ server, admin, pageOf, expected }) => {
  expected.push('/api/issues/NO-1/move');
  await server.call(admin, 'POST', '/api/projects', { key: 'NO', name: 'Refused' });
  await server.call(admin, 'POST', '/api/projects/NO/issues', { title: 'Stays where it is' });
  const page = await pageOf(admin);
  await page.route('**/api/issues/NO-1/move', (route) =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status: 422, title: 'Unprocessable Entity', detail: 'the column is closed today' }),
    }),
  );
  await page.goto('/projects/NO');
  await page.locator('[data-id]').focus();
  for (const key of ['Space', 'ArrowRight', 'Space']) await page.keyboard.press(key);
  await expect(page.getByText('the column is closed today')).toBeVisible();
  await expect(page.getByRole('region', { name: /^Open/ })).toContainText('NO-1');
});

test('tokens are never stored, and a reload stays signed in', async ({ admin, pageOf }) => {
  const page = await pageOf(admin);
  await page.goto('/projects');
  await expect(page.getByRole('button', { name: 'New project' }).first()).toBeVisible();
  for (let reloads = 0; reloads < 3; reloads++) {
    await page.reload();
    await expect(page.getByRole('button', { name: 'New project' }).first()).toBeVisible();
  }
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(stored).not.toContain('eyJ');
});

test('a viewer reads and cannot write, a stranger sees nothing', async ({ server, admin, pageOf }) => {
  const viewer = await server.invited(admin, 'Vera Viewer');
  const stranger = await server.invited(admin, 'Stan Stranger');
  await server.call(admin, 'POST', '/api/projects', { key: 'LOOK', name: 'Looked at' });
  await server.call(admin, 'POST', '/api/projects/LOOK/issues', { title: 'To be read' });
  await server.call(admin, 'POST', '/api/projects/LOOK/members', { email: viewer.email, role: 'viewer' });

  const reading = await pageOf(viewer);
  await reading.goto('/projects/LOOK');
  await expect(reading.locator('[data-key]')).toContainText('To be read');
  await expect(reading.getByRole('button', { name: 'New issue' })).toHaveCount(0);
  await reading.locator('[data-key]').focus();
  for (const key of ['Space', 'ArrowRight', 'Space']) await reading.keyboard.press(key);
  await expect(reading.getByRole('region', { name: /^Open/ })).toContainText('LOOK-1');
  await reading.goto('/issues/LOOK-1');
  await expect(reading.getByLabel('Title')).not.toBeEditable();

  const outside = await pageOf(stranger);
  await outside.goto('/projects/LOOK');
  await expect(outside.getByText('There is no such project here')).toBeVisible();
  await outside.goto('/issues/LOOK-1');
  await expect(outside.getByText('There is no such issue here')).toBeVisible();
});

test('a dialog that does not load says so, and opens at the next key', async ({ server, admin, pageOf, expected }) => {
  expected.push('ERR_FAILED', 'ERR_ABORTED');
  await server.call(admin, 'POST', '/api/projects', { key: 'LOAD', name: 'Loaded later' });
  const page = await pageOf(admin);
  const code = /\/(NewIssue|Palette)-[^/]*\.js$/;
  await page.context().route(code, (route) => route.abort());
  await page.goto('/projects/LOAD');
  await expect(page.getByRole('button', { name: 'New issue', exact: true })).toBeVisible();
  for (const [key, field] of [
    ['c', page.getByLabel('Title')],
    ['/', page.getByRole('combobox')],
  ] as const) {
    await page.keyboard.press(key);
    await expect(page.getByText('This part of the app did not load.')).toBeVisible();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.context().unroute(code);
    await page.keyboard.press(key);
    await expect(field).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.context().route(code, (route) => route.abort());
  }
});
