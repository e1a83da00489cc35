package app

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/peisear/peisear/internal/base/secret"
)

// Where local mode keeps what it has made up, in the data folder.
const (
	cookieSecretFile = "cookie-secret"
	privateKeyFile   = "jwt-private-key.pem" // the keys of access tokens
)

// Secrets are the keys that the program works with.
type Secrets struct {
	Master secret.Master
	Keys   secret.KeyPair
}

// Secrets returns the operator's keys. Those that are missing, which only local mode
// allows, are made once and kept in the data folder; the warning names their files,
// and is "" when the operator has given all.
func (c Config) Secrets() (s Secrets, warning string, err error) {
	var kept []string
	keep := func(value, name string, fresh func() (string, error)) (string, error) {
		if value != "" {
			return value, nil
		}
		path := filepath.Join(c.DataDir, name)
		kept = append(kept, path)
		text, _, err := secret.Keep(path, fresh)
		if err != nil {
			return "", fmt.Errorf("cannot keep a secret in the data folder: %w", err)
		}
		return text, nil
	}
	text, err := keep(c.CookieSecret, cookieSecretFile, secret.Random)
	if err != nil {
		return s, "", err
	}
	if s.Master, err = secret.NewMaster(text, c.FormerSecrets...); err != nil {
		return s, "", fmt.Errorf("the cookie secret %w", err)
	}
	private, err := keep(c.JWTPrivateKeyPEM, privateKeyFile, func() (string, error) {
		private, _, err := secret.NewPEM()
		return private, err
	})
	if err != nil {
		return s, "", err
	}
	if s.Keys, err = secret.NewKeyPair(private, c.JWTPublicKeyPEM); err != nil {
		return s, "", fmt.Errorf("the keys of access tokens: %w", err)
	}
	if len(kept) > 0 {
		warning = "using secrets that were made up for local use: " + strings.Join(kept, ", ")
	}
	return s, warning, nil
}

// jwtKeyLines makes a key pair and returns the lines that put it into an .env file.
func jwtKeyLines() (string, error) {
	private, public, err := secret.NewPEM()
	if err != nil {
		return "", err
	}
	return keyLines(private, public), nil
}

// keyLines puts keys into the lines of an .env file.
func keyLines(private, public string) string {
	line := func(name, value string) string {
		return fmt.Sprintf("%s=\"%s\"\n", name, strings.ReplaceAll(value, "\n", `\n`))
	}
	return line("JWT_PRIVATE_KEY_PEM", private) + line("JWT_PUBLIC_KEY_PEM", public)
}
