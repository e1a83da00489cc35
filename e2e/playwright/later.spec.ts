import { expect, test, type Page, type Server, type User } from './fixture';

/** A project with ten issues: enough that choosing a parent is searching. */
async function dock(server: Server, admin: User, key: string): Promise<void> {
  await server.call(admin, 'POST', '/api/projects', { key, name: `Dock ${key}` });
  for (let n = 1; n <= 10; n++)
    await server.call(admin, 'POST', `/api/projects/${key}/issues`, { title: `Berth ${n}` });
}

/** Holds back a part of the app until it is let go. */
async function holdBack(page: Page, part: string): Promise<{ asked: Promise<void>; letGo: () => void }> {
  let letGo = () => undefined as void;
  let ask = () => undefined as void;
  const let_ = new Promise<void>((resolve) => (letGo = resolve));
  const asked = new Promise<void>((resolve) => (ask = resolve));
  await page.route(new RegExp(`/assets/${part}-[^/]*\\.js$`), async (route) => {
    ask();
    await let_;
    await route.continue();
  });
  return { asked, letGo: () => letGo() };
}

const dialog = (page: Page) => page.getByRole('dialog', { name: /New issue/ });

for (const [way, ask] of [
  ['the key', (page: Page) => page.keyboard.press('c')],
  ['the button', (page: Page) => page.getByRole('button', { name: 'New issue' }).click()],
] as const) {
  test(`what is typed after ${way} is the title of the new issue`, async ({ server, admin, pageOf }) => {
    await dock(server, admin, 'DOCK');
    const page = await pageOf(admin);
    const { asked, letGo } = await holdBack(page, 'NewIssue');
    await page.goto('/issues/DOCK-1');
    await asked; // at idle: nobody has reached for it yet
    await expect(page.getByRole('textbox', { name: 'Title' })).toHaveValue('Berth 1');
    await ask(page);
    await page.keyboard.type('Scrub ');
    letGo();
    await expect(dialog(page)).toBeVisible();
    await page.keyboard.type('the deck');
    await expect(dialog(page).getByRole('textbox', { name: 'Title' })).toHaveValue('Scrub the deck');
  });
}

test('what is typed while a list comes looks for an entry of it', async ({ server, admin, pageOf }) => {
  await dock(server, admin, 'LIST');
  const page = await pageOf(admin);
  const { asked, letGo } = await holdBack(page, 'PickerList');
  await page.goto('/issues/LIST-1');
  await asked;
  await page.getByRole('button', { name: /^Parent/ }).click();
  await page.keyboard.type('LIST-7');
  letGo();
  await expect(page.getByRole('combobox', { name: 'Parent' })).toHaveValue('LIST-7');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: /^Parent/ })).toContainText('LIST-7 Berth 7');
});

test('a tab leads as soon as it can fetch what it takes', async ({ server, admin, pageOf, expected }) => {
  expected.push('leading');
  await dock(server, admin, 'LEAD');
  const page = await pageOf(admin);
  let turned = 0;
  await page.route(/\/assets\/leading-[^/]*\.js$/, (route) => (turned++ ? route.continue() : route.abort()));
  await page.goto('/issues/LEAD-1');
  await page.getByRole('textbox', { name: 'Title' }).fill('Berth one');
  await page.keyboard.press('Enter');
  await expect
    .poll(async () => ((await server.call(admin, 'GET', '/api/issues/LEAD-1')) as { title: string }).title)
    .toBe('Berth one');
  expect(turned).toBeGreaterThan(1);
});

test('what comes later is there without a network', async ({ server, admin, pageOf, expected }) => {
  expected.push('ERR_INTERNET_DISCONNECTED');
  await dock(server, admin, 'KEEP');
  const page = await pageOf(admin);
  await page.goto('/issues/KEEP-1');
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
  await expect.poll(() => page.evaluate(() => !!navigator.serviceWorker.controller)).toBe(true);
  await page.context().setOffline(true);
  await page.reload();
  await page.getByRole('button', { name: /^Parent/ }).click();
  await page.keyboard.type('KEEP-7');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: /^Parent/ })).toContainText('KEEP-7');
  await page.keyboard.press('c');
  await expect(dialog(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete issue' }).click();
  await expect(page.getByRole('dialog')).toContainText('KEEP-1');
});
