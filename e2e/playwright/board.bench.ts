import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test, type Page, type User } from './fixture';

const DATA = process.env.PEISEAR_DATA ?? resolve(__dirname, '../../../shared/data');
const ROUNDS = 7;

/** Real issues where they are there, else as many made-up ones. */
async function files(): Promise<string[]> {
  const real = ['mesos.csv', 'springxd.csv'].map((name) => join(DATA, name));
  if (real.every((path) => existsSync(path))) return real;
  const rows = Array.from(
    { length: 5206 },
    (_, i) => `MADE-${i},"Issue ${i} that stands for a real one","${'Some text. '.repeat(40)}",${i % 9}`,
  );
  const path = join(await mkdtemp(join(tmpdir(), 'peisear-bench-')), 'made.csv');
  await writeFile(path, ['issuekey,title,description,storypoint', ...rows].join('\n'));
  return [path];
}

function median(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)} ms, ${sorted[0]!.toFixed(0)} to ${sorted.at(-1)!.toFixed(0)}`;
}

type Opened = { first: number; all: number };

/** Milliseconds from the start of the navigation until the first card has been painted, and until all are there. */
async function open(page: Page, path: string): Promise<Opened> {
  await page.goto(path, { waitUntil: 'commit' });
  return page.evaluate(
    () =>
      new Promise<Opened>((opened) => {
        let first = 0;
        const look = () => {
          // What a frame finds is painted at its end.
          if (!first && document.querySelector('[data-key]')) setTimeout(() => (first ||= performance.now()));
          if (first && document.querySelector('[data-id]')) opened({ first, all: performance.now() });
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
  );
}

function report(name: string, rounds: readonly Opened[]): void {
  console.log(`${name}, first card: ${median(rounds.map(({ first }) => first))}`);
  console.log(`${name}, all cards: ${median(rounds.map(({ all }) => all))}`);
}

/** Milliseconds from a key until the frame after it in which the card stands in the column. */
async function drop(page: Page, column: number): Promise<number> {
  return page.evaluate(
    (to) =>
      new Promise<number>((painted) => {
        const id = document.activeElement?.closest<HTMLElement>('[data-id]')?.dataset.id;
        const start = performance.now();
        const look = () => {
          if (!document.querySelectorAll('[data-col]')[to]?.querySelector(`[data-id="${id}"]`))
            requestAnimationFrame(look);
          else setTimeout(() => painted(performance.now() - start));
        };
        document.activeElement?.dispatchEvent(
          new KeyboardEvent('keydown', { key: ' ', bubbles: true, cancelable: true }),
        );
        requestAnimationFrame(look);
      }),
    column,
  );
}

/** Milliseconds from an input in the filter until the frame after it. */
async function keystroke(page: Page, text: string): Promise<number> {
  return page.getByRole('searchbox').evaluate(
    (input: HTMLInputElement, value) =>
      new Promise<number>((painted) => {
        const start = performance.now();
        input.value = value;
        input.dispatchEvent(new InputEvent('input', { bubbles: true }));
        requestAnimationFrame(() => setTimeout(() => painted(performance.now() - start)));
      }),
    text,
  );
}

/** Opens a board cold and warm, moves cards and filters the list. */
async function measure(pageOf: (user: User) => Promise<Page>, user: User, project: string, rounds: number) {
  const cold: Opened[] = [];
  for (let round = 0; round < rounds; round++) {
    const visit = await pageOf(user);
    cold.push(await open(visit, `/projects/${project}`));
    await visit.context().close();
  }
  report('cold', cold);

  const page = await pageOf(user);
  await open(page, `/projects/${project}`);
  await kept(page);
  const warm: Opened[] = [];
  for (let round = 0; round < rounds; round++) warm.push(await open(page, `/projects/${project}`));
  report('warm', warm);

  const moves: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await page.locator('[data-col]').first().locator('[data-id]').first().focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowRight');
    moves.push(await drop(page, 1));
  }
  console.log(`move to paint: ${median(moves)}`);

  await page.goto(`/projects/${project}/list`);
  await expect(page.getByRole('searchbox')).toBeVisible();
  const keystrokes: number[] = [];
  for (const text of ['e', 'ex', 'exe', 'exec', 'execu', 'zz', '']) keystrokes.push(await keystroke(page, text));
  console.log(`filter keystroke to paint: ${median(keystrokes)}`);
  console.log(`nodes on the page: ${await page.evaluate(() => document.querySelectorAll('*').length)}`);
}

/** Waits until the rows that came are kept in the browser, which it writes in the background. */
async function kept(page: Page): Promise<void> {
  let before = -1;
  await expect
    .poll(
      async () => {
        const now = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
        const same = now === before;
        before = now;
        return same;
      },
      { intervals: [2_000], timeout: 120_000 },
    )
    .toBe(true);
}

test('a board of 5,206 issues', async ({ server, admin, pageOf }) => {
  await server.call(admin, 'POST', '/api/projects', { key: 'MESOS', name: 'Apache Mesos' });
  for (const file of await files())
    console.log((await server.command('import', 'csv', '--project', 'MESOS', file)).trim());
  await measure(pageOf, admin, 'MESOS', ROUNDS);
});

test('a project of 200,000 issues', async ({ server, admin, pageOf }) => {
  test.setTimeout(900_000);
  const issues = ['--issues=200000', '--projects=1', '--largest=200000'];
  console.log((await server.command('bench', 'seed', '--as', admin.email, ...issues)).trim().split('\r').at(-1));
  await measure(pageOf, admin, 'SEED1', 3);
});
