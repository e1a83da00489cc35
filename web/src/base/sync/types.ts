import type { Api } from '../api';

/** A row as the server sends it; immutable: a change makes another object. */
export interface Row {
  readonly id: string;
  readonly version?: number;
}

/** A list of ids per group, kept in order. */
export interface Index<R> {
  /** The group that a row stands in; null leaves it out. */
  group(row: R): string | null;
  /** Compared as bytes, as the server does; equal ones stand by id. */
  sort(row: R): string;
}

/** What the engine must know of a kind of row. Features declare these as values. */
export interface Entity<R extends Row = Row> {
  readonly name: string;
  /** Raise it when the fields of the row change: caches are then built anew. */
  readonly schema: number;
  readonly indexes?: Readonly<Record<string, Index<R>>>;
  /** Fields too large to hold for every row; they live in the details, loaded one by one. */
  readonly detail?: readonly string[];
  readonly onDemand?: OnDemand;
}

/**
 * Says that rows are read by group when they are looked at, such as what was said about one other row. Snapshots have
 * none of them; what happens is followed in the groups that were read, and they are not kept over reloads.
 */
export interface OnDemand {
  /** The index whose groups are read. */
  readonly index: string;
  /** The entity whose ids are the groups: with such a row its group goes. */
  readonly of: string;
}

export interface Change {
  entity: string;
  id: string;
  op: 'create' | 'update' | 'delete';
  /** The new values of the fields that changed. */
  patch: Record<string, unknown>;
}

/** One transaction of the server in one scope. */
export interface Entry {
  scope: string;
  seq: number;
  /** The id of the mutation that made it. */
  tx: string;
  at: string;
  actor: string;
  changes: Change[];
}

/** Everything in a scope at one moment, or as much of it as one answer holds. */
export interface Snapshot {
  scope: string;
  epoch: string;
  seq: number;
  /** There is more: the place where it goes on. */
  next?: string;
  entities: Record<string, readonly Row[]>;
}

/** Reads what is shown: the server's rows with the pending mutations over them. */
export interface Reader {
  get<R extends Row>(entity: Entity<R>, id: string): R | undefined;
  all<R extends Row>(entity: Entity<R>): readonly R[];
  group<R extends Row>(entity: Entity<R>, index: string, group: string): readonly string[];
}

/** Reads what the server confirmed; what is only shown is not among it. */
export interface Confirmed {
  get<R extends Row>(entity: Entity<R>, id: string): R | undefined;
}

/** Reads and changes what is shown, within the mutation's scope. */
export interface Draft extends Reader {
  put<R extends Row>(entity: Entity<R>, row: R): void;
  patch<R extends Row>(entity: Entity<R>, id: string, patch: Partial<R>): void;
  remove<R extends Row>(entity: Entity<R>, id: string): void;
}

/** What a mutation knows beyond its arguments. */
export interface Context {
  /** The mutation's id, which is the temporary id of a row that it creates. */
  tx: string;
  actor: string;
  /** When the user did it, RFC 3339. */
  at: string;
}

/** What the server answered, in plain values: it travels between tabs. */
export interface Answer {
  /** Whole rows as the server has them now. */
  rows?: { entity: string; row: Row }[];
  gone?: { entity: string; id: string }[];
  /** What the caller gets. */
  value?: unknown;
}

export interface Call<A = unknown> {
  mutation: Mutation<A>;
  args: A;
}

/**
 * A named change. It shows at once (apply), is sent in its turn (send) and may be taken back (inverse).
 * Arguments are plain values: they are stored, travel between tabs and are replayed over newer rows.
 */
export interface Mutation<A, Out = unknown> {
  /** As the server's operation id, like "issue.move". */
  readonly name: string;
  /** The scope that it changes; mutations of one scope are sent one after the other. */
  scope(args: A, actor: string): string;
  /** Shows it before the server answers. May run many times. */
  apply?(draft: Draft, args: A, context: Context): void;
  /** Sends it. Out says what value the answer carries. */
  send(api: Api, args: A, context: Context, known: Confirmed): Promise<Answer & { value?: Out }>;
  /** What brings back what was, read before apply; null when nothing can. */
  inverse?(read: Reader, args: A): Call<never> | null;
  /** What the user wrote, handed back to them when the server refuses. */
  text?(args: A): string;
  /** The kind of row that it makes, so that its temporary id can give way to the server's. */
  readonly creates?: string;
}

/** A mutation that the server has not answered yet, as it is stored. */
export interface Pending extends Context {
  name: string;
  scope: string;
  args: unknown;
  /** The tab where it was made. */
  tab: string;
}

/** A mutation that the server refused. */
export interface Refusal {
  pending: Pending;
  status: number;
  message: string;
  /** What the user wrote, if anything. */
  text: string;
}
