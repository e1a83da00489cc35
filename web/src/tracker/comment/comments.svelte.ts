import { isNetwork, ok, uuid } from '../../base/api';
import type { App, Workspace } from '../../base/state';
import { fill, more, type Part } from '../../base/sync/on-demand';
import { m } from '../../base/i18n';
import { isBlank } from '../../base/ui/blank';
import { may } from '../project';
import { OpenedProject } from '../project/parts';
import { comments, createComment, deleteComment, saveComment, updateComment, type Comment } from './comment';

/** Comments that are read at a time: at first, and with each step back. */
const FIRST = 50;
const STEP = 100;

/** What was said about one issue, as its page reads and changes it. */
export class Thread {
  readonly opened: OpenedProject;
  /** What kept comments from being read. */
  error = $state.raw<unknown>(null);
  reading = $state(false);
  /** For the times on the page. */
  now = $state(Date.now());
  /** The newest comment when they were read: what comes after it is told. */
  #since = $state<string | null>(null);
  #draft = $state('');

  readonly #app: App;
  readonly #workspace: Workspace;
  readonly #key: string;
  readonly #issue: string;

  constructor(app: App, workspace: Workspace, issue: { id: string; key: string }) {
    this.#app = app;
    this.#workspace = workspace;
    this.#key = issue.key;
    this.#issue = issue.id;
    const project = issue.key.split('-')[0] ?? '';
    this.opened = new OpenedProject(workspace, () => project);
    this.#draft = workspace.drafts.get(this.#place) ?? '';
  }

  /** The oldest first. */
  readonly rows: readonly Comment[] = $derived.by(() => this.#table.rows('thread', this.#issue));

  /** Whether there are earlier ones; undefined until they were read. */
  readonly earlier: boolean | undefined = $derived.by(() => {
    this.#table.all(); // it changes with the table
    return more(this.#workspace.store.replica, this.opened.scope, comments, this.#issue);
  });

  /** What a screen reader is told of a comment that came while one reads. */
  readonly said: string = $derived.by(() => {
    const last = this.rows.findLast(({ version }) => version > 0);
    if (!last || this.#since === null || last.id <= this.#since || last.authorId === this.#me) return '';
    return m.comment_arrived({ name: this.author(last) });
  });

  /** What is being written. It stays when the page is left. */
  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    this.#draft = text;
    if (text) this.#workspace.drafts.set(this.#place, text);
    else this.#workspace.drafts.delete(this.#place);
  }

  author({ authorId }: Comment): string {
    return this.opened.person(authorId)?.displayName ?? m.issue_somebody();
  }

  mayEdit({ authorId, version }: Comment): boolean {
    return version > 0 && authorId === this.#me && this.opened.writes;
  }

  mayDelete(row: Comment): boolean {
    return row.version > 0 && (this.mayEdit(row) || may(this.opened.role, 'maintainer'));
  }

  /** Reads the newest, unless they are here. */
  async load(): Promise<void> {
    await this.#read(FIRST, () => undefined);
    this.#since ??= this.rows.findLast(({ version }) => version > 0)?.id ?? '';
  }

  /** Reads those before the first one that is here. */
  loadEarlier(): Promise<void> {
    return this.#read(STEP, () => this.rows.find(({ version }) => version > 0)?.id);
  }

  /** Reads back until a comment is here, or there are no more. */
  async reveal(id: string): Promise<void> {
    while (this.earlier && !this.error && !this.#table.get(id)) await this.loadEarlier();
  }

  /** Sends what was written. When the server does not take it, it is back in its place, unless something else is. */
  send(): void {
    const body = this.draft;
    const { project } = this.opened;
    if (!project || isBlank(body)) return;
    this.draft = '';
    const { done } = this.#workspace.store.mutate(createComment, { project: project.id, issue: this.#issue, body });
    done.catch(() => {
      if (!this.draft) this.draft = body;
    });
  }

  /** Saves an edit. Throws Problem: 409 with the current row when it was changed meanwhile. */
  async edit({ id }: Comment, body: string, version: number): Promise<void> {
    const { project, scope } = this.opened;
    if (!project) return;
    const { store } = this.#workspace;
    const waiting = store.pending().some((pending) => pending.scope === scope);
    if (waiting || !this.#app.online) {
      // Waits in the queue; what is refused later comes back with its text.
      store.mutate(updateComment, { project: project.id, id, body, version });
      return;
    }
    const row = await saveComment(this.#app.api, { id, body, version }, uuid());
    await this.#fill(() => Promise.resolve({ rows: [row], more: this.earlier ?? true }));
  }

  delete({ id }: Comment): void {
    const { project } = this.opened;
    if (project) this.#workspace.store.mutate(deleteComment, { project: project.id, id });
  }

  /** There is a network again: reads what could not be read. */
  retry(): void {
    if (isNetwork(this.error)) void this.load();
  }

  get #table() {
    return this.#workspace.store.table(comments, this.opened.scope);
  }

  get #me(): string {
    return this.#workspace.me.id;
  }

  get #place(): string {
    return `comment ${this.#issue}`;
  }

  #fill(read: () => Promise<Part<Comment>>): Promise<void> {
    return fill(this.#workspace.store.replica, this.opened.scope, comments, this.#issue, read);
  }

  async #read(limit: number, before: () => string | undefined): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    this.error = null;
    try {
      await this.#fill(async () => {
        const cursor = before();
        const query = { sort: '-created' as const, limit, ...(cursor ? { cursor } : {}) };
        const params = { path: { key: this.#key }, query };
        const page = await ok(this.#app.api.GET('/api/issues/{key}/comments', { params }));
        return { rows: page.items, more: page.nextCursor !== null };
      });
    } catch (reason) {
      this.error = reason;
    } finally {
      this.reading = false;
    }
  }
}
