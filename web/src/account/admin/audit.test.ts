import { describe, expect, it, vi } from 'vitest';
import { bearerFetch, createApi, Session, Vault } from '../../base/api';
import { json, problem, serve } from '../../base/testing';
import { moment } from '../../base/ui/dates';
import { deed, differences, nameOf, other, span, type Entry, type Who } from './audit';
import { Audit } from './audit.svelte';

const ada: Who = { id: 'ada', kind: 'user', name: 'Ada', email: 'ada@example.org' };
const bob: Who = { id: 'bob', kind: 'user', name: 'Bob', email: 'bob@example.org' };
const entry: Entry = {
  at: '2026-11-24T10:00:00Z',
  actor: ada,
  op: 'update',
  entity: 'user',
  entityId: 'bob',
  about: bob,
  before: { role: 'user', disabled: false },
  after: { role: 'admin', disabled: false, email: null },
};

function log(user?: string): Audit {
  const session = new Session(new Vault());
  return new Audit(createApi(session), bearerFetch(session), user);
}

describe('an entry of the audit log', () => {
  it('says who, what and to whom', () => {
    expect([nameOf(entry.actor), deed(entry), other(entry)?.name]).toEqual(['Ada', 'changed: account', 'Bob']);
    expect(other({ ...entry, about: ada })).toBeNull();
    expect(other({ ...entry, about: null })).toBeNull();
  });

  it('names those who have no name, and shows what it has no word for', () => {
    const named = (kind: Who['kind']) => nameOf({ id: 'x', kind, name: '', email: '' });
    expect([named('deleted'), named('operator'), named('program')]).toEqual([
      'A deleted user',
      'The operator',
      'The program',
    ]);
    expect(deed({ ...entry, op: 'delete', entity: 'thing' })).toBe('removed: thing');
  });

  it('shows the fields that differ', () => {
    expect(differences(entry)).toEqual([{ field: 'role', before: 'user', after: 'admin' }]);
    expect(differences({ ...entry, before: null, after: { grants: [{ role: 'member' }], role: 'user' } })).toEqual([
      { field: 'grants', before: null, after: '[{"role":"member"}]' },
      { field: 'role', before: null, after: 'user' },
    ]);
    const usedAt = '2026-11-24T10:00:00.123456Z';
    expect(differences({ ...entry, before: null, after: { usedAt } })[0]?.after).toBe(moment(usedAt));
  });
});

describe('the audit log', () => {
  it('counts the last day in, in the time of the reader', () => {
    const { from, to } = span('2026-11-01', '2026-11-30');
    expect(new Date(from!)).toEqual(new Date(2026, 10, 1));
    expect(new Date(to!)).toEqual(new Date(2026, 11, 1));
    expect(span('', 'nonsense')).toEqual({});
  });

  it('begins anew with every filter, and tells entries of one moment apart', async () => {
    const asked = serve(() => json({ items: [entry, entry], nextCursor: '1-1-1' }));
    const audit = log('bob');
    await audit.pages.first();
    await audit.pages.next();
    await audit.narrow({ actor: 'operator', entity: 'user' });
    await audit.clear();
    expect(asked.map(({ path }) => path)).toEqual([
      '/api/admin/audit?user=bob',
      '/api/admin/audit?user=bob&cursor=1-1-1',
      '/api/admin/audit?actor=operator&user=bob&entity=user',
      '/api/admin/audit',
    ]);
    expect(audit.narrowed).toBe(false);
    expect(new Set(audit.pages.list.map(({ id }) => id)).size).toBe(2);
  });

  it('hands out what fits the filter as a file', async () => {
    const links: { name: string; href: string }[] = [];
    const files: Blob[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      links.push({ name: this.download, href: this.href });
    });
    URL.createObjectURL = (file: Blob) => (files.push(file), 'blob:audit');
    const asked = serve(() => new Response('time,actor\r\n', { headers: { 'Content-Type': 'text/csv' } }));
    const audit = log('bob');
    expect(await audit.export()).toBe(true);
    expect(asked.map(({ path }) => path)).toEqual(['/api/admin/audit.csv?user=bob']);
    expect(links).toEqual([{ name: 'audit.csv', href: 'blob:audit' }]);
    expect(files[0]?.size).toBe('time,actor\r\n'.length);
  });

  it('says why there is no file', async () => {
    serve(() => problem(403, { detail: 'only admins may do this' }));
    const audit = log();
    expect(await audit.export()).toBe(false);
    expect(audit.exporting.message).toBe('Only admins may do this.');
  });
});
