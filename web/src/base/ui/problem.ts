/** Refusals of the server (RFC 9457) in words for people. */
import { m } from '../i18n';

interface Problem {
  status?: number;
  title?: string;
  detail?: string;
  errors?: readonly { location?: string; message?: string }[] | null;
}

function asProblem(reason: unknown): Problem | null {
  return typeof reason === 'object' && reason !== null && 'status' in reason ? (reason as Problem) : null;
}

/** One sentence: the server's own words where it gave some. */
export function readable(reason: unknown): string {
  const problem = asProblem(reason);
  if (!problem) return reason instanceof TypeError ? m.ui_no_connection() : m.ui_went_wrong();
  const first = problem.errors?.find((error) => error.message)?.message;
  return first ?? problem.detail ?? problem.title ?? m.ui_went_wrong();
}

/** Messages by the name of the field they are about: "body.email" speaks of email. */
export function fieldErrors(reason: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { location, message } of asProblem(reason)?.errors ?? []) {
    const field = location?.replace(/^(body|query|path)\./u, '');
    if (field && message) found[field] ??= message;
  }
  return found;
}
