package provider

import (
	"strings"
	"testing"
)

// TestOthersDoNotSendUsHere: a provider elsewhere names no address of this machine.
func TestOthersDoNotSendUsHere(t *testing.T) {
	t.Parallel()
	good := metadata{Authorization: "https://id.example.org/a", Token: "https://id.example.org/t", JWKS: "https://id.example.org/k"}
	for name, change := range map[string]func(*metadata){
		"authorization_endpoint": func(m *metadata) { m.Authorization = "https://localhost/a" },
		"token_endpoint":         func(m *metadata) { m.Token = "http://127.0.0.1:9200/_all" },
		"jwks_uri":               func(m *metadata) { m.JWKS = "http://[::1]:80/" },
		"userinfo_endpoint":      func(m *metadata) { m.UserInfo = "https://app.localhost" },
	} {
		m := good
		change(&m)
		if err := m.usable(false); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if err := m.usable(true); err != nil {
			t.Errorf("%s of a provider on this machine: %v", name, err)
		}
	}
	if err := good.usable(false); err != nil {
		t.Error(err)
	}
}
