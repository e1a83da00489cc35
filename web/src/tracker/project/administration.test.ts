import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Me } from '../../base/api';
import { MemoryQueue } from '../../base/persist';
import { Store } from '../../base/store';
import { Engine, type Entity } from '../../base/sync';
import { administration } from './administration';
import { memberships, projects, scopeOf } from './project';
import { silent } from '../../base/testing';
import type { Role } from './roles';

const me: Me = { id: 'ada', email: 'ada@example.org', displayName: 'Ada', role: 'admin' };
let engine: Engine;
let store: Store;

beforeEach(() => {
  engine = new Engine({
    api: {} as never,
    remote: silent,
    queue: new MemoryQueue(),
    actor: me.id,
    entities: [projects, memberships] as unknown as Entity[],
    mutations: [],
    tell: () => undefined,
    onRefused: () => undefined,
  });
  store = new Store(engine);
});
afterEach(() => engine.close());

function joins(roles: Record<string, Role>) {
  const load = (scope: string, entities: Record<string, { id: string }[]>) =>
    engine.replica.load({ scope, epoch: 'e', seq: 1, entities });
  load('user:ada', { membership: Object.entries(roles).map(([id, role]) => ({ id, role })) });
  for (const id of Object.keys(roles)) {
    const row = { id, key: id.toUpperCase(), name: `The ${id}` };
    load(scopeOf(id), { project: [row] });
  }
}

describe('what an invite may lead to', () => {
  it('is every project that the admin maintains, up to their own role', () => {
    joins({ pier: 'owner', dock: 'maintainer', sea: 'member' });
    const offers = administration.offers(store, me);
    expect(offers.map(({ value, label, hint }) => [value, label, hint])).toEqual([
      ['dock', 'The dock', 'DOCK'],
      ['pier', 'The pier', 'PIER'],
    ]);
    expect(offers[0]?.levels.map(({ value }) => value)).toEqual(['member', 'viewer', 'maintainer']);
    expect(offers[1]?.levels.map(({ value }) => value)).toEqual(['member', 'viewer', 'maintainer', 'owner']);
  });

  it('is said in words, where it is ours', () => {
    joins({ pier: 'owner' });
    const grant = administration.grant('pier', 'viewer');
    expect(grant).toEqual({ project: 'pier', role: 'viewer' });
    expect(administration.say(grant, store)).toBe('The pier (Viewer)');
    expect(administration.say({ project: 'elsewhere', role: 'owner' }, store)).toBe('A project you are not in (Owner)');
    for (const other of [null, 'pier', {}, { project: 'pier' }, { project: 'pier', role: 'king' }, { team: 't' }])
      expect(administration.say(other, store)).toBeNull();
  });
});
