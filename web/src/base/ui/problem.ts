/** Refusals of the server in words for people. */
import { isNetwork, Problem } from '../api';
import { m } from '../i18n';

/** The server's messages begin in lower case and have no full stop. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/u.test(begun) ? begun : `${begun}.`;
}

/** One sentence: the server's own words where it gave some. */
export function readable(reason: unknown): string {
  if (reason instanceof Problem) return sentence(reason.errors[0]?.message || reason.message || m.ui_went_wrong());
  return isNetwork(reason) ? m.ui_no_connection() : m.ui_went_wrong();
}

/** Messages by the name of the field they are about: "body.email" speaks of email. */
export function fieldErrors(reason: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  if (!(reason instanceof Problem)) return found;
  for (const { location, message } of reason.errors) {
    const field = location.replace(/^(body|query|path)\./u, '');
    if (field && message) found[field] ??= sentence(message);
  }
  return found;
}
