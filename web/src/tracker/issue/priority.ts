/** The priorities, a fixed set, and their names. */
import { m } from '../../base/i18n';

export const PRIORITIES = ['urgent', 'high', 'medium', 'low'] as const;
export type PriorityLevel = (typeof PRIORITIES)[number];

export function priorityName(level: PriorityLevel): string {
  switch (level) {
    case 'urgent':
      return m.issue_priority_urgent();
    case 'high':
      return m.issue_priority_high();
    case 'medium':
      return m.issue_priority_medium();
    case 'low':
      return m.issue_priority_low();
  }
}
