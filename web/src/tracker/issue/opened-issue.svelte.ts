import { ok, uuid } from '../../base/api';
import type { App, Workspace } from '../../base/state';
import { OpenedProject } from '../project/parts';
import { deleteIssue, fetchIssue, issues, updateIssue, type Fields, type Issue } from './issue';
import type { Text } from './text-edit.svelte';

/** One issue by its key, as its page reads and changes it. */
export class OpenedIssue {
  readonly opened: OpenedProject;
  /** What kept the description from being read. */
  error = $state.raw<unknown>(null);

  readonly #app: App;
  readonly #workspace: Workspace;
  readonly #key: string;

  constructor(app: App, workspace: Workspace, key: string) {
    this.#app = app;
    this.#workspace = workspace;
    this.#key = key.toUpperCase();
    const project = this.#key.split('-')[0] ?? '';
    this.opened = new OpenedProject(workspace, () => project);
  }

  readonly row: Issue | undefined = $derived.by(() => {
    const key = this.#key;
    return this.#table.all().find((row) => row.key === key);
  });

  /** Whether it may still come. */
  get loading(): boolean {
    return this.opened.loading || (this.opened.scope !== '' && !this.#workspace.store.ready(this.opened.scope));
  }

  /** Undefined until it was read. */
  readonly description: string | undefined = $derived.by(() => {
    if (!this.row) return undefined;
    const kept = this.row.description ?? this.#workspace.store.detail(issues, this.row.id)?.description;
    return typeof kept === 'string' ? kept : undefined;
  });

  readonly parts: readonly Issue[] = $derived.by(() => {
    if (!this.row) return [];
    return this.#table.rows('parts', this.row.id);
  });

  readonly parent: Issue | undefined = $derived.by(() =>
    this.row?.parentId ? this.#table.get(this.row.parentId) : undefined,
  );

  get #table() {
    return this.#workspace.store.table(issues, this.opened.scope);
  }

  /** The issues that can be above this one: neither itself nor anything below it. */
  candidates(): readonly Issue[] {
    const self = this.row?.id;
    const below = (row: Issue | undefined, depth = 0): boolean =>
      row !== undefined && depth < 50 && (row.id === self || below(this.#table.get(row.parentId ?? ''), depth + 1));
    return this.#table
      .all()
      .filter((row) => !below(row))
      .sort((a, b) => b.number - a.number);
  }

  /** Reads the description, unless it is here. */
  async load(): Promise<void> {
    this.error = null;
    try {
      const read = await fetchIssue(this.#app.api, this.#key);
      this.#keep(this.#overtaken(read) ? await fetchIssue(this.#app.api, this.#key) : read);
    } catch (reason) {
      this.error = reason;
    }
  }

  update(patch: Partial<Fields>): void {
    const { row, opened } = this;
    if (row && opened.project)
      this.#workspace.store.mutate(updateIssue, { project: opened.project.id, id: row.id, patch });
  }

  /** Saves the description. Throws Problem: 409 with the current row when it was changed meanwhile. */
  async describe({ text: description, version }: Text): Promise<void> {
    const { row, opened } = this;
    if (!row || !opened.project) return;
    if (!this.#app.online) {
      // Waits in the queue; what is refused later comes back with its text.
      this.#workspace.store.mutate(updateIssue, {
        project: opened.project.id,
        id: row.id,
        patch: { description },
        version,
      });
      return;
    }
    const params = { path: { key: row.key }, header: { 'Idempotency-Key': uuid() } };
    const saved = await ok(this.#app.api.PATCH('/api/issues/{key}', { params, body: { description, version } }));
    if (!this.#overtaken(saved)) this.#keep(saved);
  }

  /**
   * Whether the stream has brought a newer version while an answer was on its way. Its text beside that version would
   * replace what somebody else wrote, without a question.
   */
  #overtaken({ version }: { version: number }): boolean {
    return version < (this.row?.version ?? 0);
  }

  #keep({ id, description }: { id: string; description: string }): void {
    this.#workspace.store.setDetail(issues, id, { description });
  }

  delete(): void {
    const { row, opened } = this;
    if (row && opened.project) this.#workspace.store.mutate(deleteIssue, { project: opened.project.id, id: row.id });
  }
}
