import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApi, Session, Vault } from '../base/api';
import { MemoryQueue } from '../base/persist';
import { Store } from '../base/store';
import { Engine } from '../base/sync';
import { emptyBrowser, json, offline, problem, serve, silent, type Handler } from '../base/testing';
import { createNote, deleteNote, excerpt, newestFirst, notes, updateNote, type Note } from './note';
import { Notes } from './notes.svelte';

const note = (id: string, fields: Partial<Note> = {}): Note => ({
  ...{ id, title: `Note ${id}`, body: '', version: 1 },
  ...{ createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' },
  ...fields,
});

let engine: Engine;
let store: Store;
let session: Session;
let refused: string[];
let went: string[];
let list: Notes;

function go(path: string): void {
  went.push(path);
  history.replaceState(null, '', path);
}

beforeEach(async () => {
  await emptyBrowser();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  refused = [];
  went = [];
  session = new Session(new Vault());
  engine = new Engine({
    api: createApi(session),
    remote: silent,
    queue: new MemoryQueue(),
    actor: 'ada',
    entities: [notes as never],
    mutations: [createNote as never, updateNote as never, deleteNote as never],
    tell: () => undefined,
    onRefused: ({ text }) => refused.push(text),
  });
  engine.replica.load({ scope: 'user:ada', epoch: 'e', seq: 1, entities: { note: [note('1'), note('2')] } });
  store = new Store(engine);
  list = new Notes(store, go);
  engine.outbox.lead(new AbortController().signal);
});
afterEach(() => {
  engine.close();
  session.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const rest = () => vi.advanceTimersByTimeAsync(1_000);
/** Answers every mutation as the server does. */
const server: Handler = ({ method, path, body }) => {
  if (method === 'DELETE') return new Response(null, { status: 204 });
  const id = path.split('/')[3] ?? 'real';
  return json(note(id, { version: 2, ...(body as object) }), method === 'POST' ? 201 : 200);
};

describe('the editor', () => {
  test('shows what is typed at once, and saves it in one go when the typing pauses', async () => {
    const asked = serve(server);
    const editor = list.open('1')!;
    for (const title of ['B', 'Br', 'Bread ']) editor.title = title;
    editor.body = 'Flour';
    expect([editor.title, editor.body]).toEqual(['Bread ', 'Flour']);
    expect(asked).toEqual([]);
    await rest();
    expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['PATCH', '/api/notes/1', { title: 'Bread', body: 'Flour' }],
    ]);
    expect(asked[0]!.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/u);
    expect(editor.note).toMatchObject({ title: 'Bread', version: 2 });
  });

  test('saves nothing without a title, or without a change', async () => {
    const asked = serve(server);
    const editor = list.open('1')!;
    editor.title = '   ';
    await rest();
    expect(editor.titleMissing).toBe(true);
    expect(editor.title).toBe('   ');
    editor.title = 'Note 1';
    await rest();
    expect(asked).toEqual([]);
  });

  test('keeps what was written while the network is away', async () => {
    const asked = serve(offline);
    const editor = list.open('1')!;
    editor.body = 'Flour';
    await rest();
    expect(editor.note?.body).toBe('Flour');
    expect(refused).toEqual([]);
    serve(server);
    engine.outbox.wake();
    await rest();
    expect(asked.length).toBeGreaterThan(0);
    expect(store.pending()).toEqual([]);
  });

  test('goes back to what the server has when it refuses, and hands the text back', async () => {
    serve(() => problem(422, { detail: 'too long' }));
    const editor = list.open('1')!;
    editor.body = 'x';
    await rest();
    expect(editor.note?.body).toBe('');
    expect(refused).toEqual(['x']);
  });
});

test('a new note is there at once, and its address follows the server', async () => {
  serve(server);
  list.create('New note');
  const [temporary] = went;
  const editor = list.open(temporary!.split('/')[2])!;
  expect(editor.note).toMatchObject({ title: 'New note', version: 0 });
  await rest();
  expect(went).toEqual([temporary, '/notes/real']);
  expect(list.open('real')).toBe(editor);
  expect(editor.note).toMatchObject({ id: 'real', version: 2 });
});

test('a note that the server does not take is not left open', async () => {
  serve(() => problem(403));
  list.create('New note');
  await rest();
  expect(went.at(-1)).toBe('/notes');
  expect(store.table(notes).all()).toHaveLength(2);
});

test('a deleted note is gone at once and stays gone', async () => {
  const asked = serve(server);
  const editor = list.open('1')!;
  editor.body = 'never saved';
  editor.delete();
  expect(editor.note).toBeUndefined();
  await rest();
  expect(asked.map(({ method, path }) => [method, path])).toEqual([['DELETE', '/api/notes/1']]);
  expect(list.list.map(({ id }) => id)).toEqual(['2']);
});

describe('pure functions', () => {
  test('the latest change stands first', () => {
    const all = [note('old'), note('new', { updatedAt: '2026-02-01T00:00:00Z' })];
    expect(newestFirst(all).map(({ id }) => id)).toEqual(['new', 'old']);
    expect(all[0]!.id).toBe('old');
  });

  test.each([
    ['# Title\n\n- one\n- two', 'Title one two'],
    ['', ''],
    ['<script>alert(1)</script>', '<scriptalert(1)</script'],
    ['x'.repeat(5_000), 'x'.repeat(120)],
  ])('an excerpt of %j', (body, expected) => expect(excerpt(body)).toBe(expected));
});
