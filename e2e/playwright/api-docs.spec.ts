import { expect, expectAccessible, expectNoSidewaysScroll, test } from './fixture';

test('the description of the API is one page that loads nothing', async ({ page, server }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto('/api/docs');
  await expect(page.getByRole('heading', { name: 'Peisear API' })).toBeVisible();
  await page.getByRole('link', { name: 'token.create', exact: true }).click();
  const operation = page.getByRole('article', { name: 'POST /api/account/tokens signed in' });
  await expect(operation).toBeInViewport();
  await expect(operation).toContainText('logScopes');
  await page.waitForLoadState('networkidle');
  expect(asked).toEqual([`${server.url}/api/docs`]);
  await expectAccessible(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 800 });
  await expectNoSidewaysScroll(page);
});
