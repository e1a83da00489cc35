package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/peisear/peisear/internal/base/secret"
)

func setCookieSecret(c *Config, value string) error {
	c.CookieSecret = value
	_, err := secret.NewMaster(value)
	return err
}

// setPrivateKey keeps a value that is not good, so that it is not reported as
// missing too.
func setPrivateKey(c *Config, value string) error {
	c.JWTPrivateKeyPEM = unescape(value)
	_, err := secret.ParsePrivate(c.JWTPrivateKeyPEM)
	return err
}

func setPublicKey(c *Config, value string) error {
	c.JWTPublicKeyPEM = unescape(value)
	_, err := secret.ParsePublic(c.JWTPublicKeyPEM)
	return err
}

// unescape takes a PEM value as it comes from a file, and as it comes from
// `docker run --env-file`, which keeps quotes and \n as they are written.
func unescape(value string) string {
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(value, quote); ok {
			value = strings.TrimSuffix(inner, quote)
		}
	}
	return strings.ReplaceAll(value, `\n`, "\n")
}

// mismatch returns what does not fit together of the keys of access tokens.
func (c *Config) mismatch(wrong map[string]bool) error {
	switch {
	case c.JWTPublicKeyPEM == "" || wrong["JWT_PRIVATE_KEY_PEM"] || wrong["JWT_PUBLIC_KEY_PEM"]:
		return nil
	case c.JWTPrivateKeyPEM == "" && c.Mode == Local:
		return errors.New("JWT_PRIVATE_KEY_PEM: is missing while JWT_PUBLIC_KEY_PEM is set: give both or none")
	case c.JWTPrivateKeyPEM == "":
		return nil // reported as missing
	}
	if _, err := secret.NewKeyPair(c.JWTPrivateKeyPEM, c.JWTPublicKeyPEM); err != nil {
		return fmt.Errorf("JWT_PUBLIC_KEY_PEM: %w", err)
	}
	return nil
}
