import { ok, uuid, type Api } from '../../base/api';
import type { Role } from './roles';

export interface Person {
  userId: string;
  email: string;
  displayName: string;
  role: Role;
}

/** The people of one project as the server lists them, with their addresses. */
export class Members {
  list = $state.raw<readonly Person[]>([]);
  loading = $state(true);
  error = $state.raw<unknown>(null);

  readonly #api: Api;
  readonly #key: string;

  constructor(api: Api, key: string) {
    this.#api = api;
    this.#key = key;
  }

  /** Reads all pages. */
  async load(): Promise<void> {
    this.error = null;
    try {
      const people: Person[] = [];
      let cursor: string | undefined;
      do {
        const query = cursor ? { limit: 200, cursor } : { limit: 200 };
        const page = await ok(
          this.#api.GET('/api/projects/{key}/members', { params: { path: { key: this.#key }, query } }),
        );
        people.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      this.list = people.sort((a, b) => a.displayName.localeCompare(b.displayName));
    } catch (reason) {
      this.error = reason;
    } finally {
      this.loading = false;
    }
  }

  async add(email: string, role: Role): Promise<Person> {
    const person = await ok(
      this.#api.POST('/api/projects/{key}/members', {
        params: { path: { key: this.#key }, header: { 'Idempotency-Key': uuid() } },
        body: { email, role },
      }),
    );
    await this.load();
    return person;
  }

  async change(userId: string, role: Role): Promise<void> {
    await ok(
      this.#api.PATCH('/api/projects/{key}/members/{userId}', {
        params: { path: { key: this.#key, userId }, header: { 'Idempotency-Key': uuid() } },
        body: { role },
      }),
    );
    this.list = this.list.map((person) => (person.userId === userId ? { ...person, role } : person));
  }

  async remove(userId: string): Promise<void> {
    await ok(
      this.#api.DELETE('/api/projects/{key}/members/{userId}', {
        params: { path: { key: this.#key, userId }, header: { 'Idempotency-Key': uuid() } },
      }),
    );
    this.list = this.list.filter((person) => person.userId !== userId);
  }
}
