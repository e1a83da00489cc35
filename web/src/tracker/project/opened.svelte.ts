import { named, ORG, people, type Person } from '../../account';
import type { Workspace } from '../../base/state';
import { members, memberships, projects, scopeOf, statuses, type Project, type Status } from './project';
import { may, type Role } from './roles';

/** One project by its key, as pages read it. Everything follows the server. */
export class OpenedProject {
  readonly #workspace: Workspace;
  readonly #key: () => string;

  constructor(workspace: Workspace, key: () => string) {
    this.#workspace = workspace;
    this.#key = key;
  }

  /** Undefined while it is loading, and when there is none that one may see: ask loading. */
  readonly project: Project | undefined = $derived.by(() =>
    this.#workspace.store
      .table(projects)
      .all()
      .find(({ key }) => key === this.#key()),
  );

  readonly scope = $derived.by(() => (this.project ? scopeOf(this.project.id) : ''));

  /** Whether the project may still come: some of one's own projects have not been loaded. */
  readonly loading = $derived.by(() => {
    const { store, me } = this.#workspace;
    if (this.project) return false;
    const own = `user:${me.id}`;
    return (
      !store.ready(own) ||
      store
        .table(memberships, own)
        .all()
        .some(({ id }) => !store.ready(scopeOf(id)))
    );
  });

  /** One's own role here. */
  readonly role: Role | null = $derived.by(() => {
    const { store, me } = this.#workspace;
    const id = this.project?.id;
    return (id && store.table(memberships, `user:${me.id}`).get(id)?.role) || null;
  });

  /** Whether one may change issues here. */
  readonly writes = $derived.by(() => may(this.role, 'member'));

  readonly statuses: readonly Status[] = $derived.by(() => {
    return this.#workspace.store.table(statuses, this.scope).rows('all', '');
  });

  /** The members, by name. */
  readonly people: readonly Person[] = $derived.by(() => {
    const { store } = this.#workspace;
    const org = store.table(people, ORG);
    const found = store
      .table(members, this.scope)
      .all()
      .flatMap(({ id }) => org.get(id) ?? []);
    return found.sort((a, b) => a.displayName.localeCompare(b.displayName));
  });

  /** Anybody who has an account or had one, members or not: the author of an old issue may have left. */
  person(id: string | null): Person | null {
    const found = id && this.#workspace.store.table(people, ORG).get(id);
    return found ? named(found) : null;
  }
}
