/** Projects: the kinds of rows in their scopes, and what is asked of the server about them. */
import { ok, uuid, type Api } from '../../base/api';
import type { Entity } from '../../base/sync';
import type { Role } from './roles';
import type { StatusCategory } from './status';

export interface Project {
  readonly id: string;
  /** Capital letters and digits, as in MESOS. */
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
}

export interface Status {
  readonly id: string;
  readonly name: string;
  readonly category: StatusCategory;
  readonly color: string;
  readonly rank: string;
}

/** Who is in a project; id is the user's. */
export interface Member {
  readonly id: string;
  readonly role: Role;
}

/** Where the signed-in person is a member; id is the project's. Lives in their own scope. */
export type Membership = Member;

export const projects: Entity<Project> = { name: 'project', schema: 1 };
export const statuses: Entity<Status> = {
  name: 'status',
  schema: 1,
  indexes: { all: { group: () => '', sort: ({ rank }) => rank } },
};
export const members: Entity<Member> = { name: 'member', schema: 1 };
export const memberships: Entity<Membership> = { name: 'membership', schema: 1 };

export function scopeOf(projectId: string): string {
  return `project:${projectId}`;
}

export interface NewProject {
  key: string;
  name: string;
  description: string;
}

/** Makes a project. Needs the server: nobody else may have the key. Throws Problem. */
export function createProject(api: Api, body: NewProject): Promise<Project> {
  return ok(api.POST('/api/projects', { params: { header: { 'Idempotency-Key': uuid() } }, body }));
}
