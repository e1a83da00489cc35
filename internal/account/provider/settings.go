package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Settings are what an operator has registered at a provider.
type Settings struct {
	ID       ID
	ClientID string
	Secret   string // the client's; for Apple the private key, PEM
	Tenant   string // Microsoft's; "" for common
	TeamID   string // Apple's
	KeyID    string // Apple's
	Issuer   string // of OpenID
	Name     string // what people call OpenID's; "" for Single sign-on
	URL      string // where the provider is, "" for where everybody finds it
}

// Field is one of the settings, by the name that it has in the API.
type Field string

// The fields.
const (
	ClientID Field = "clientId"
	Secret   Field = "clientSecret"
	Tenant   Field = "tenant"
	TeamID   Field = "teamId"
	KeyID    Field = "keyId"
	Issuer   Field = "issuer"
	Name     Field = "name"
	URL      Field = "url"
)

// Problem is what is wrong with one of the settings.
type Problem struct {
	Field   Field
	Message string // goes on after the field's name: "is missing"
}

// maxSetting bounds every setting, in bytes; a private key is the longest.
const maxSetting = 8 << 10

// Title is what people call the provider.
func (s Settings) Title() string {
	switch s.ID {
	case Google:
		return "Google"
	case GitHub:
		return "GitHub"
	case Microsoft:
		return "Microsoft"
	case Apple:
		return "Apple"
	case OpenID:
	}
	if s.Name != "" {
		return s.Name
	}
	return "Single sign-on"
}

// Fields returns the settings that the provider has, and whether it cannot do without.
func (id ID) Fields() map[Field]bool {
	all := map[Field]bool{ClientID: true, Secret: true, URL: false}
	switch id {
	case Microsoft:
		all[Tenant] = false
	case Apple:
		all[TeamID], all[KeyID] = true, true
	case OpenID:
		delete(all, URL) // the issuer is one
		all[Issuer], all[Name] = true, false
	case Google, GitHub:
	}
	return all
}

// Get returns one of the settings.
func (s Settings) Get(f Field) string { return *s.field(f) }

// Set changes one of the settings.
func (s *Settings) Set(f Field, value string) { *s.field(f) = value }

func (s *Settings) field(f Field) *string {
	switch f {
	case ClientID:
		return &s.ClientID
	case Secret:
		return &s.Secret
	case Tenant:
		return &s.Tenant
	case TeamID:
		return &s.TeamID
	case KeyID:
		return &s.KeyID
	case Issuer:
		return &s.Issuer
	case Name:
		return &s.Name
	case URL:
		return &s.URL
	}
	panic("provider: no such field: " + string(f))
}

// Given reports whether any of the provider's own settings is there: URL alone is
// nothing to sign in with.
func (s Settings) Given() bool {
	s.ID, s.URL = "", ""
	return s != Settings{}
}

// Problems returns what keeps the settings from being used, in the order in which a
// form asks for them; none for settings that are complete.
func (s Settings) Problems() (all []Problem) {
	fields := s.ID.Fields()
	for _, f := range []Field{Issuer, URL, Tenant, ClientID, TeamID, KeyID, Secret, Name} {
		value, message := s.Get(f), ""
		switch required, has := fields[f]; {
		case value == "" && required:
			message = "is missing"
		case value == "":
		case !has:
			message = "is no setting of " + s.Title()
		default:
			message = s.problem(f, value)
		}
		if message != "" {
			all = append(all, Problem{f, message})
		}
	}
	return all
}

func (s Settings) problem(f Field, value string) string {
	var err error
	switch {
	case len(value) > maxSetting || !utf8.ValidString(value):
		return "is too long, or no text"
	case f == Secret && s.ID == Apple:
		_, err = parseAppleKey(value)
	case strings.ContainsFunc(value, unicode.IsControl):
		return "must be one line"
	case f == Issuer || f == URL:
		err = checkBase(value)
	case f == Tenant && !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`).MatchString(value):
		return "is neither a tenant's id nor its domain, nor common, organizations or consumers"
	case f == Name && utf8.RuneCountInString(value) > 40:
		return "has more than 40 characters"
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// checkBase is for the addresses that an operator gives.
func checkBase(raw string) error {
	if err := checkAddress(raw); err != nil {
		return err
	}
	if u, _ := url.Parse(raw); u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(raw, "#") {
		return errors.New("must have no question mark and no fragment")
	}
	return nil
}

// checkAddress lets a provider be asked by https only: its keys and our secret go
// that way. On this machine there is nobody in between.
func checkAddress(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.Opaque != "", u.Scheme != "https" && u.Scheme != "http":
		return errors.New("is not an https address")
	case u.User != nil:
		return errors.New("must not hold a user name or password")
	case u.Scheme == "http" && !onThisMachine(u.Hostname()):
		return errors.New("must begin with https://; plain http is for this machine only")
	}
	return nil
}

// Local reports whether an address is of this machine.
func Local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && onThisMachine(u.Hostname())
}

// onThisMachine knows its names in all ways of writing them. The address of nobody in
// particular leads here too.
func onThisMachine(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// parseAppleKey reads the .p8 file that Apple gives once.
func parseAppleKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("is not a private key in PEM: paste the whole .p8 file")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("is not a P-256 key in PKCS #8: take the .p8 file as Apple gives it")
	}
	return key, nil
}
