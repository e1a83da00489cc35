import { ok, uuid, type Api } from '../../base/api';
import { Pages } from '../../base/ui/pages.svelte';

export interface Ownerless {
  id: string;
  key: string;
  name: string;
}

/** Projects that nobody active owns: their owners were deleted or disabled. */
export class OwnerlessProjects {
  readonly pages: Pages<Ownerless>;
  /** The one that was just taken over. */
  taken = $state.raw<Ownerless | null>(null);

  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
    this.pages = new Pages(() => (cursor) => {
      const query = { ownerless: true, ...(cursor && { cursor }) };
      return ok(api.GET('/api/admin/projects', { params: { query } }));
    });
  }

  /** Makes the admin an owner. Throws Problem. */
  async takeOver(project: Ownerless): Promise<void> {
    const params = { path: { id: project.id }, header: { 'Idempotency-Key': uuid() } };
    await ok(this.#api.POST('/api/admin/projects/{id}/take-over', { params }));
    this.pages.list = this.pages.list.filter(({ id }) => id !== project.id);
    this.taken = project;
  }
}
