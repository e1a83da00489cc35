import { describe, expect, it } from 'vitest';
import { m } from '../../base/i18n';
import { NewIssue } from './new-issue.svelte';

describe('a new issue', () => {
  it('needs a title and says so, keeping the rest', () => {
    const draft = new NewIssue('open');
    draft.description = 'text';
    expect(draft.finish('p')).toBeNull();
    expect(draft.error).not.toBe('');
    expect(draft.started).toBe(true);
  });

  it('takes a title that shows nothing for none', () => {
    const draft = new NewIssue('open');
    draft.title = '\u200b\u3164';
    expect(draft.finish('p')).toBeNull();
    expect(draft.error).toBe(m.issue_title_needed());
  });

  it('makes one line of the title', () => {
    const draft = new NewIssue('open');
    draft.title = '  two\n lines  ';
    draft.effort = 0.5;
    expect(draft.finish('p')).toMatchObject({ project: 'p', title: 'two lines', statusId: 'open', effort: 0.5 });
  });

  it('counts characters as people do', () => {
    const draft = new NewIssue('open');
    draft.title = '👩'.repeat(200);
    expect(draft.finish('p')).not.toBeNull();
    draft.title = 'x'.repeat(201);
    expect(draft.finish('p')).toBeNull();
  });
});
