package app

import (
	"fmt"
	"strings"

	"github.com/peisear/peisear/internal/account/provider"
)

// providerSettings are the lines of the manual about signing in somewhere else.
func providerSettings() []setting {
	return []setting{
		{"GOOGLE_CLIENT_ID", "", "the app as Google knows it; set up, people can sign in with Google", false, setProvider(provider.Google, provider.ClientID)},
		{"GOOGLE_CLIENT_SECRET", "", "the secret that belongs to it", true, setProvider(provider.Google, provider.Secret)},
		{"GOOGLE_BASE_URL", "", "another address than Google's, for tests", false, setProvider(provider.Google, provider.URL)},
		{"GITHUB_CLIENT_ID", "", "the app as GitHub knows it; set up, people can sign in with GitHub", false, setProvider(provider.GitHub, provider.ClientID)},
		{"GITHUB_CLIENT_SECRET", "", "the secret that belongs to it", true, setProvider(provider.GitHub, provider.Secret)},
		{"GITHUB_BASE_URL", "", "where GitHub Enterprise Server is, https://github.example.org", false, setProvider(provider.GitHub, provider.URL)},
		{"MICROSOFT_CLIENT_ID", "", "the app as Microsoft knows it; set up, people can sign in with Microsoft", false, setProvider(provider.Microsoft, provider.ClientID)},
		{"MICROSOFT_CLIENT_SECRET", "", "the secret that belongs to it", true, setProvider(provider.Microsoft, provider.Secret)},
		{"MICROSOFT_TENANT", "", "a tenant's id or domain, organizations, consumers, or common for all of them, which it is when missing", false, setProvider(provider.Microsoft, provider.Tenant)},
		{"MICROSOFT_BASE_URL", "", "another cloud of Microsoft's, https://login.microsoftonline.us", false, setProvider(provider.Microsoft, provider.URL)},
		{"APPLE_CLIENT_ID", "", "the Services ID as Apple knows it; set up, people can sign in with Apple", false, setProvider(provider.Apple, provider.ClientID)},
		{"APPLE_TEAM_ID", "", "the team that it belongs to", false, setProvider(provider.Apple, provider.TeamID)},
		{"APPLE_KEY_ID", "", "the key's id", false, setProvider(provider.Apple, provider.KeyID)},
		{"APPLE_PRIVATE_KEY_PEM", "", "the key itself, as the .p8 file has it", true, setAppleKey},
		{"APPLE_BASE_URL", "", "another address than Apple's, for tests", false, setProvider(provider.Apple, provider.URL)},
		{"OIDC_ISSUER", "", "any other provider of OpenID Connect, https://id.example.org; peisear doctor oidc looks at it", false, setProvider(provider.OpenID, provider.Issuer)},
		{"OIDC_NAME", "", "what people call it; Single sign-on when missing", false, setProvider(provider.OpenID, provider.Name)},
		{"OIDC_CLIENT_ID", "", "the app as that provider knows it", false, setProvider(provider.OpenID, provider.ClientID)},
		{"OIDC_CLIENT_SECRET", "", "the secret that belongs to it", true, setProvider(provider.OpenID, provider.Secret)},
	}
}

func setProvider(id provider.ID, field provider.Field) func(*Config, string) error {
	return func(c *Config, value string) error {
		if c.Providers == nil {
			c.Providers = map[provider.ID]provider.Settings{}
		}
		set := c.Providers[id]
		set.ID = id
		set.Set(field, value)
		c.Providers[id] = set
		return nil
	}
}

func setAppleKey(c *Config, value string) error {
	return setProvider(provider.Apple, provider.Secret)(c, unescape(value))
}

// envName is the name of a provider's setting.
func envName(id provider.ID, field provider.Field) string {
	name := map[provider.Field]string{
		provider.ClientID: "CLIENT_ID", provider.Secret: "CLIENT_SECRET", provider.Tenant: "TENANT", provider.TeamID: "TEAM_ID",
		provider.KeyID: "KEY_ID", provider.Issuer: "ISSUER", provider.Name: "NAME", provider.URL: "BASE_URL",
	}[field]
	if id == provider.Apple && field == provider.Secret {
		name = "PRIVATE_KEY_PEM"
	}
	return strings.ToUpper(string(id)) + "_" + name
}

// halfProviders returns what keeps a provider that is there in part from being used.
func (c *Config) halfProviders(wrong map[string]bool) (all []error) {
	for _, id := range provider.All() {
		set, ok := c.Providers[id]
		if !ok {
			continue
		}
		for _, p := range set.Problems() {
			name := envName(id, p.Field)
			switch {
			case wrong[name], !set.Given() && p.Field != provider.URL:
			case set.Get(p.Field) == "":
				all = append(all, fmt.Errorf("%s: is missing, while other settings of %s are there: give all that it needs, or none", name, set.Title()))
			default:
				all = append(all, fmt.Errorf("%s: %s", name, p.Message))
			}
		}
	}
	return all
}

// providers are what the operator has set of each.
func (c Config) providers() (all []provider.Settings) {
	for _, id := range provider.All() {
		set := c.Providers[id]
		set.ID = id
		all = append(all, set)
	}
	return all
}
