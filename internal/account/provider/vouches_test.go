package provider_test

import (
	"testing"

	"github.com/peisear/peisear/internal/account/provider"
)

// TestVouches: whoever a provider knew under another address or tenant, it knows no more.
func TestVouches(t *testing.T) {
	t.Parallel()
	const one, other, personal = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", "9188040d-6c67-4c5b-b112-36a304b66dad"
	microsoft := func(tenant string) string { return "https://login.microsoftonline.com/" + tenant + "/v2.0" }
	for name, c := range map[string]struct {
		set    provider.Settings
		issuer string
		want   bool
	}{
		"google":                         {provider.Settings{ID: provider.Google}, "https://accounts.google.com", true},
		"google elsewhere":               {provider.Settings{ID: provider.Google, URL: "https://google.example/"}, "https://accounts.google.com", false},
		"google, as it is set up":        {provider.Settings{ID: provider.Google, URL: "https://google.example/"}, "https://google.example", true},
		"apple":                          {provider.Settings{ID: provider.Apple}, "https://appleid.apple.com", true},
		"github":                         {provider.Settings{ID: provider.GitHub}, "https://github.com", true},
		"github of an enterprise":        {provider.Settings{ID: provider.GitHub, URL: "https://git.example"}, "https://github.com", false},
		"openid":                         {provider.Settings{ID: provider.OpenID, Issuer: "https://id.example"}, "https://id.example", true},
		"a former openid":                {provider.Settings{ID: provider.OpenID, Issuer: "https://id.example"}, "https://former.example", false},
		"any tenant":                     {provider.Settings{ID: provider.Microsoft}, microsoft(one), true},
		"anybody":                        {provider.Settings{ID: provider.Microsoft, Tenant: "common"}, microsoft(personal), true},
		"an organization":                {provider.Settings{ID: provider.Microsoft, Tenant: "organizations"}, microsoft(one), true},
		"organizations, and a person":    {provider.Settings{ID: provider.Microsoft, Tenant: "organizations"}, microsoft(personal), false},
		"people":                         {provider.Settings{ID: provider.Microsoft, Tenant: "consumers"}, microsoft(personal), true},
		"people, and an organization":    {provider.Settings{ID: provider.Microsoft, Tenant: "consumers"}, microsoft(one), false},
		"the tenant":                     {provider.Settings{ID: provider.Microsoft, Tenant: one}, microsoft(one), true},
		"another tenant":                 {provider.Settings{ID: provider.Microsoft, Tenant: one}, microsoft(other), false},
		"a domain may be any":            {provider.Settings{ID: provider.Microsoft, Tenant: "example.org"}, microsoft(other), true},
		"a domain is no person":          {provider.Settings{ID: provider.Microsoft, Tenant: "example.org"}, microsoft(personal), false},
		"microsoft elsewhere":            {provider.Settings{ID: provider.Microsoft, URL: "https://login.example"}, microsoft(one), false},
		"what is no tenant of microsoft": {provider.Settings{ID: provider.Microsoft}, "https://login.microsoftonline.com/x/v2.0", false},
	} {
		if got := c.set.Vouches(c.issuer); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
