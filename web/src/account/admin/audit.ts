/** The audit trail in words: who did what to whom, and what was changed. */
import { m } from '../../base/i18n';
import { moment } from '../../base/ui/dates';
import type { Option } from '../../base/ui/options';

export interface Who {
  id: string;
  kind: 'user' | 'deleted' | 'operator' | 'program';
  /** "" for whoever is no user, or no more. */
  name: string;
  email: string;
}

export interface Entry {
  at: string;
  actor: Who;
  op: 'create' | 'update' | 'delete';
  entity: string;
  entityId: string;
  /** Whom it concerns; null when it is nobody's. */
  about: Who | null;
  before: unknown;
  after: unknown;
}

/** A field that was changed; null where there was or is nothing. */
export interface Difference {
  field: string;
  before: string | null;
  after: string | null;
}

const KINDS: Record<string, () => string> = {
  user: m.account_audit_user,
  invite: m.account_audit_invite,
  password: m.account_audit_password,
  email: m.account_audit_email,
  session: m.account_audit_session,
  factor: m.account_audit_factor,
  identity: m.account_audit_identity,
  token: m.account_audit_token,
  ownership: m.account_audit_ownership,
  setting: m.account_audit_setting,
  provider: m.account_audit_provider,
};

/** What the trail can be narrowed down to. */
export function kinds(): Option<string | null>[] {
  return Object.entries(KINDS).map(([value, label]) => ({ value, label: label() }));
}

export function nameOf({ kind, name, id }: Who): string {
  switch (kind) {
    case 'user':
      return name || id;
    case 'deleted':
      return m.account_audit_deleted_user();
    case 'operator':
      return m.account_audit_operator();
    case 'program':
      return m.account_audit_program();
  }
}

/** "created", "changed" or "removed", and what. */
export function deed({ op, entity }: Entry): string {
  const kind = KINDS[entity]?.() ?? entity;
  switch (op) {
    case 'create':
      return m.account_audit_created({ kind });
    case 'update':
      return m.account_audit_changed({ kind });
    case 'delete':
      return m.account_audit_removed({ kind });
  }
}

/** The one whom it was done to, where that is not who did it. */
export function other({ actor, about }: Entry): Who | null {
  return about && about.id !== actor.id ? about : null;
}

/** A time as the server writes it. */
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/u;

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function said(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'string' && MOMENT.test(value)) return moment(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The fields that differ, in the order of their names. */
export function differences({ before, after }: Entry): Difference[] {
  const [was, is] = [fields(before), fields(after)];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .sort()
    .map((field) => ({ field, before: said(was[field]), after: said(is[field]) }))
    .filter((one) => one.before !== one.after);
}

/** Plain days of the reader as moments; the last day counts as a whole. */
export function span(from: string, to: string): { from?: string; to?: string } {
  const start = (day: string, later: number) => {
    const date = new Date(`${day}T00:00:00`);
    date.setDate(date.getDate() + later);
    return Number.isNaN(date.valueOf()) ? undefined : date.toISOString();
  };
  const [begin, end] = [from ? start(from, 0) : undefined, to ? start(to, 1) : undefined];
  return { ...(begin && { from: begin }), ...(end && { to: end }) };
}
