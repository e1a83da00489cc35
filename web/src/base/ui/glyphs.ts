/** The words behind the glyphs of priority and status category: fixed sets, known to the whole app. */
import { m } from '../i18n';

export const PRIORITIES = ['urgent', 'high', 'medium', 'low'] as const;
export type PriorityLevel = (typeof PRIORITIES)[number];

export const CATEGORIES = ['backlog', 'open', 'in_progress', 'done', 'cancelled'] as const;
export type StatusCategory = (typeof CATEGORIES)[number];

export function priorityName(level: PriorityLevel): string {
  switch (level) {
    case 'urgent':
      return m.ui_priority_urgent();
    case 'high':
      return m.ui_priority_high();
    case 'medium':
      return m.ui_priority_medium();
    case 'low':
      return m.ui_priority_low();
  }
}

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
