package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account/provider"
)

func appleKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// allProviders is an environment that sets all of them up.
func allProviders(key string) map[string]string {
	return map[string]string{
		"GOOGLE_CLIENT_ID": "g", "GOOGLE_CLIENT_SECRET": "s3cret",
		"GITHUB_CLIENT_ID": "h", "GITHUB_CLIENT_SECRET": "hs", "GITHUB_BASE_URL": "https://github.example.org",
		"MICROSOFT_CLIENT_ID": "m", "MICROSOFT_CLIENT_SECRET": "ms", "MICROSOFT_TENANT": "organizations",
		"APPLE_CLIENT_ID": "a", "APPLE_TEAM_ID": "t", "APPLE_KEY_ID": "k", "APPLE_PRIVATE_KEY_PEM": strings.ReplaceAll(key, "\n", `\n`),
		"OIDC_ISSUER": "https://id.example.org", "OIDC_NAME": "Example ID", "OIDC_CLIENT_ID": "o", "OIDC_CLIENT_SECRET": "os",
	}
}

func TestProvidersOfTheEnvironment(t *testing.T) {
	t.Parallel()
	key := appleKey(t)
	env := allProviders(key)
	env["GOOGLE_CLIENT_SECRET_FILE"], env["GOOGLE_CLIENT_SECRET"] = write(t, "s3cret\n"), ""
	c, err := ReadConfig(from(env), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []provider.Settings{
		{ID: provider.Google, ClientID: "g", Secret: "s3cret"},
		{ID: provider.GitHub, ClientID: "h", Secret: "hs", URL: "https://github.example.org"},
		{ID: provider.Microsoft, ClientID: "m", Secret: "ms", Tenant: "organizations"},
		{ID: provider.Apple, ClientID: "a", TeamID: "t", KeyID: "k", Secret: key},
		{ID: provider.OpenID, ClientID: "o", Secret: "os", Issuer: "https://id.example.org", Name: "Example ID"},
	}
	if diff := cmp.Diff(want, c.providers()); diff != "" {
		t.Error(diff)
	}
	c, err = ReadConfig(from(map[string]string{"GITHUB_BASE_URL": "https://github.example.org"}), "")
	if err != nil || c.providers()[1].Given() || c.providers()[1].URL == "" {
		t.Errorf("an address alone: %v, %+v", err, c.providers())
	}
}

// TestHalfProviders: each of the settings missing, empty or malformed, all problems at
// once and by name.
func TestHalfProviders(t *testing.T) {
	t.Parallel()
	key := appleKey(t)
	without := func(names ...string) map[string]string {
		env := allProviders(key)
		for _, name := range names {
			delete(env, name)
		}
		return env
	}
	with := func(name, value string) map[string]string {
		env := allProviders(key)
		env[name] = value
		return env
	}
	cases := map[string]struct {
		env  map[string]string
		says []string
	}{
		"all halves":              {without("GOOGLE_CLIENT_ID", "GITHUB_CLIENT_SECRET", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET", "APPLE_KEY_ID", "OIDC_ISSUER"), []string{"APPLE_KEY_ID", "GITHUB_CLIENT_SECRET", "GOOGLE_CLIENT_ID", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET", "OIDC_ISSUER"}},
		"a name alone":            {map[string]string{"OIDC_NAME": "x"}, []string{"OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ISSUER"}},
		"an issuer by http":       {with("OIDC_ISSUER", "http://id.example.org"), []string{"OIDC_ISSUER"}},
		"a key that is none":      {with("APPLE_PRIVATE_KEY_PEM", "x"), []string{"APPLE_PRIVATE_KEY_PEM"}},
		"a tenant that is none":   {with("MICROSOFT_TENANT", "a/b"), []string{"MICROSOFT_TENANT"}},
		"an address that is none": {map[string]string{"GITHUB_BASE_URL": "github.example.org"}, []string{"GITHUB_BASE_URL"}},
		"a file that is not there": {func() map[string]string {
			env := without("GOOGLE_CLIENT_SECRET")
			env["GOOGLE_CLIENT_SECRET_FILE"] = "/nowhere/secret"
			return env
		}(), []string{"GOOGLE_CLIENT_SECRET"}},
		"and another thing": {func() map[string]string {
			env := without("GITHUB_CLIENT_ID")
			env["BIND_ADDR"] = "3000"
			return env
		}(), []string{"BIND_ADDR", "GITHUB_CLIENT_ID"}},
	}
	for _, name := range []string{
		"GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET",
		"APPLE_CLIENT_ID", "APPLE_TEAM_ID", "APPLE_KEY_ID", "APPLE_PRIVATE_KEY_PEM", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
	} {
		cases["without "+name] = struct {
			env  map[string]string
			says []string
		}{without(name), []string{name}}
	}
	for name, c := range cases {
		_, err := ReadConfig(from(c.env), "")
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		var named []string
		for line := range strings.SplitSeq(err.Error(), "\n") {
			about, _, _ := strings.Cut(line, ":")
			named = append(named, about)
		}
		if slices.Sort(named); !slices.Equal(named, c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "PRIVATE KEY-----") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: shows a secret: %v", name, err)
		}
	}
}
