/** Signing in by an identity provider: the way there, and what it means when it leads back without a session. */
import { m } from '../base/i18n';

/** Where signing in with a provider begins; the browser leaves the app. */
export function signInAddress(provider: string, then: string | null): string {
  const query = then ? `?${new URLSearchParams({ then })}` : '';
  return `/api/auth/${encodeURIComponent(provider)}/start${query}`;
}

/** Where signing up with a provider begins. Without an invite, where registration is open. */
export function signUpAddress(provider: string, code: string): string {
  const query = code ? `?${new URLSearchParams({ code })}` : '';
  return `/api/auth/${encodeURIComponent(provider)}/signup/start${query}`;
}

/** A word of the server in a sentence of ours; null when there is none. */
export function refusalOf(search: URLSearchParams, name: (provider: string) => string): string | null {
  const code = search.get('error');
  if (!code) return null;
  const provider = name(search.get('provider') ?? '');
  const say = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return say ? say({ provider }) : m.account_outside_other({ provider });
}

const WORDS: Record<string, (about: { provider: string }) => string> = {
  unknown_identity: m.account_outside_unknown,
  denied: m.account_outside_denied,
  expired: m.account_outside_expired,
  disabled: m.account_outside_disabled,
  no_email: m.account_outside_no_email,
  email_unverified: m.account_outside_unverified,
  email_mismatch: m.account_outside_mismatch,
  email_taken: m.account_outside_email_taken,
  invite_unusable: m.account_outside_invite,
  identity_taken: m.account_outside_taken,
  too_many: m.account_outside_too_many,
  other_identity: m.account_outside_other_identity,
  session_ended: m.account_outside_session,
  rate_limited: m.account_outside_rate,
  busy: m.account_outside_busy,
  not_configured: m.account_outside_not_configured,
  unknown_provider: m.account_outside_not_configured,
  unavailable: m.account_outside_silent,
  misconfigured: m.account_outside_misconfigured,
  invalid: m.account_outside_unproven,
  not_fresh: m.account_outside_not_fresh,
};
