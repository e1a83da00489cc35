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

// TestThisMachineByAnyName: however an address is written, it is of this machine or not.
func TestThisMachineByAnyName(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "app.LOCALHOST.": true, "127.0.0.1": true, "127.9.9.9": true,
		"[::1]": true, "[::ffff:127.0.0.1]": true, "0.0.0.0": true, "[::]": true, "[::ffff:0.0.0.0]": true, "[::1%25lo]": true,
		"id.example.org": false, "localhost.example.org": false, "10.0.0.1": false, "[2001:db8::1]": false, "notlocalhost": false,
	} {
		if got := Local("https://" + host + ":8443/x"); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}
