import { m } from '../../base/i18n';
import { trimmed } from '../../base/ui/blank';
import { TITLE_MAX, type Create } from './issue';
import type { PriorityLevel } from './priority';

/** An issue being written. */
export class NewIssue {
  title = $state('');
  description = $state('');
  statusId = $state('');
  priority = $state<PriorityLevel>('medium');
  assigneeId = $state<string | null>(null);
  effort = $state<number | null>(null);
  error = $state('');

  constructor(statusId: string) {
    this.statusId = statusId;
  }

  /** Whether leaving would lose something. */
  get started(): boolean {
    return this.title.trim() !== '' || this.description.trim() !== '';
  }

  /** What to create; null, with the error set, when the title is missing or too long. */
  finish(project: string): Create | null {
    const title = trimmed(this.title).replace(/\s+/gu, ' ');
    this.error =
      title === ''
        ? m.issue_title_needed()
        : [...title].length > TITLE_MAX
          ? m.issue_title_long({ max: TITLE_MAX })
          : '';
    if (this.error) return null;
    const { description, statusId, priority, assigneeId, effort } = this;
    return { project, title, description, statusId, priority, assigneeId, effort };
  }
}
