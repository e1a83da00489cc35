package provider

import "strings"

// Vouches reports whether a provider that is set up so can still say of somebody that they
// are who they were: identities of another address or tenant sign nobody in.
func (s Settings) Vouches(issuer string) bool {
	switch s.ID {
	case GitHub:
		return issuer == placeOf(s, githubURL)
	case Microsoft:
		tenant, ours := strings.CutPrefix(issuer, placeOf(s, microsoftURL)+"/")
		tenant, isV2 := strings.CutSuffix(tenant, "/v2.0")
		return ours && isV2 && admits(s.Tenant, tenant)
	case Google, Apple, OpenID:
	}
	return issuer == quirksOf(s).issuer
}
