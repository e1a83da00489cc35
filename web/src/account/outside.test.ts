import { describe, expect, it } from 'vitest';
import { refusalOf, signInAddress, signUpAddress } from './outside';

const name = (id: string) => (id === 'oidc' ? 'Example ID' : 'the provider');
const refusal = (query: string) => refusalOf(new URLSearchParams(query), name);

it('leads to the provider, and says where to go afterwards', () => {
  expect(signInAddress('oidc', null)).toBe('/api/auth/oidc/start');
  expect(signInAddress('oidc', '/p/A?q=1&r')).toBe('/api/auth/oidc/start?then=%2Fp%2FA%3Fq%3D1%26r');
  expect(signInAddress('a/b', null)).toBe('/api/auth/a%2Fb/start');
});

it('takes an invite along', () => {
  expect(signUpAddress('oidc', '')).toBe('/api/auth/oidc/signup/start');
  expect(signUpAddress('oidc', 'A+B')).toBe('/api/auth/oidc/signup/start?code=A%2BB');
});

describe('a way back without a session', () => {
  it('says nothing where nothing was said', () => expect(refusal('next=/p')).toBeNull());

  // Every word that the server has for it: internal/account/oauth/oauth.go and internal/account/provider/provider.go.
  it.each([
    ...['unknown_identity', 'expired', 'disabled', 'no_email', 'email_unverified', 'email_mismatch', 'email_taken'],
    ...['invite_unusable', 'identity_taken', 'too_many', 'other_identity', 'session_ended', 'rate_limited', 'busy'],
    ...['not_configured', 'unknown_provider', 'denied', 'unavailable', 'misconfigured', 'invalid', 'not_fresh'],
  ])('%s has a sentence of its own', (code) => {
    const said = refusal(`error=${code}&provider=oidc`);
    expect(said).toMatch(/^[A-Z].*\.$/u);
    expect(said).not.toBe(refusal('error=internal&provider=oidc'));
  });

  it('names the provider, and does without a name', () => {
    expect(refusal('error=denied&provider=oidc')).toContain('Example ID');
    expect(refusal('error=denied&provider=%3Cb%3E')).toContain('the provider');
    expect(refusal('error=toString&provider=oidc')).toBe(refusal('error=internal&provider=oidc'));
  });
});
