import { ok, uuid, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { trimmed } from '../../base/ui/blank';
import { fieldErrors, readable } from '../../base/ui/problem';

/** Name and description of a project in a form. What was typed stays whatever the server answers. */
export class ProjectSettings {
  name = $state('');
  description = $state('');
  busy = $state(false);
  saved = $state(false);
  errors = $state.raw<Record<string, string>>({});
  message = $state('');

  readonly #api: Api;
  readonly #key: string;

  constructor(api: Api, project: { key: string; name: string; description: string }) {
    this.#api = api;
    this.#key = project.key;
    this.name = project.name;
    this.description = project.description;
  }

  async save(): Promise<void> {
    this.errors = {};
    this.message = '';
    this.saved = false;
    if (!trimmed(this.name)) {
      this.errors = { name: m.project_name_needed() };
      return;
    }
    this.busy = true;
    try {
      await ok(
        this.#api.PATCH('/api/projects/{key}', {
          params: { path: { key: this.#key }, header: { 'Idempotency-Key': uuid() } },
          body: { name: trimmed(this.name), description: this.description.trim() },
        }),
      );
      this.saved = true;
    } catch (reason) {
      this.errors = fieldErrors(reason);
      if (!this.errors.name && !this.errors.description) this.message = readable(reason);
    } finally {
      this.busy = false;
    }
  }

  /** Throws Problem. */
  async delete(): Promise<void> {
    await ok(
      this.#api.DELETE('/api/projects/{key}', {
        params: { path: { key: this.#key }, header: { 'Idempotency-Key': uuid() } },
      }),
    );
  }
}
