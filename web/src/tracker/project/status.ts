/** The categories of statuses, a fixed set, and their colours. */
export const CATEGORIES = ['backlog', 'open', 'in_progress', 'done', 'cancelled'] as const;
export type StatusCategory = (typeof CATEGORIES)[number];

const COLORS: ReadonlySet<string> = new Set(['gray', 'amber', 'green', 'violet', 'blue', 'red']);
const USUAL: Record<StatusCategory, string> = {
  backlog: 'gray',
  open: 'gray',
  in_progress: 'amber',
  done: 'green',
  cancelled: 'gray',
};

/** The colour of a status: its own where that is a known name, otherwise its category's. */
export function statusColor(category: StatusCategory, color?: string | null): string {
  return `var(--${color && COLORS.has(color) ? color : USUAL[category]})`;
}
