import { afterEach, describe, expect, it } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { json, problem, serve } from '../../base/testing';
import { OwnerlessProjects } from './ownerless.svelte';

const harbor = { id: 'h', key: 'HRB', name: 'Harbor' };
const light = { id: 'l', key: 'LGT', name: 'Lighthouse' };
let owned = false;
afterEach(() => (owned = false));

function setUp() {
  const asked = serve(({ method, path }) => {
    if (method === 'POST') return owned ? problem(409, { detail: 'somebody owns this project' }) : json(harbor);
    return json(
      path.includes('cursor') ? { items: [light], nextCursor: null } : { items: [harbor], nextCursor: 'HRB' },
    );
  });
  return { asked, projects: new OwnerlessProjects(createApi(new Session(new Vault()))) };
}

describe('projects without an owner', () => {
  it('are listed page by page, and leave the list when they are taken over', async () => {
    const { asked, projects } = setUp();
    await projects.pages.first();
    await projects.pages.next();
    await projects.takeOver(harbor);
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/admin/projects?ownerless=true',
      'GET /api/admin/projects?ownerless=true&cursor=HRB',
      'POST /api/admin/projects/h/take-over',
    ]);
    expect([projects.pages.list, projects.taken]).toEqual([[light], harbor]);
  });

  it('stay when somebody owns them again', async () => {
    const { projects } = setUp();
    await projects.pages.first();
    owned = true;
    await expect(projects.takeOver(harbor)).rejects.toThrow('somebody owns');
    expect([projects.pages.list, projects.taken]).toEqual([[harbor], null]);
  });
});
