package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/backup"
)

// Mode says how much the program may make up.
type Mode string

// The modes. Local makes up what is missing, for one's own machine; Production
// starts with nothing made up.
const (
	Local      Mode = "local"
	Production Mode = "production"
)

// Config is what an operator decides. ReadConfig makes one that is complete and
// fits together, except for the secrets: see Secrets.
type Config struct {
	Mode              Mode
	DatabaseURL       string
	DataDir           string
	BindAddr          string
	PublicURL         string // without a slash at the end
	StaticDir         string // "" for what is built in
	LogLevels         LogLevels
	CookieSecret      string
	FormerSecrets     []string // that CookieSecret replaced
	JWTPrivateKeyPEM  string
	JWTPublicKeyPEM   string
	CookieSecure      bool
	InitialInviteCode string
	Registration      string // "": admins decide in the app
	TrustedProxies    []netip.Prefix
	AccessTokenTTL    time.Duration
	RefreshTokenTTL   time.Duration
	SMTPURL           string // "": no mail is sent
	MailFrom          string
	GeoIPDB           string // "": places are not known
	MetricsAddr       string // noMetrics: they are not served
	CollectorEndpoint string // of traces; "" with TracesEndpoint: there are none
	TracesEndpoint    string
	CollectorHeaders  map[string]string

	// What traces say about this program, and which are sent.
	ServiceName        string
	ResourceAttributes map[string]string
	Sampler            string
	SamplerArg         string

	Providers map[provider.ID]provider.Settings // those of which something is set
	Backup    backup.Plan                       // by schedule; see planned
}

// setting is one line of the operator's manual. A secret may also be given as the
// name of a file, in NAME_FILE.
type setting struct {
	name, standard, doc string
	secret              bool
	set                 func(*Config, string) error // is called unless there is no value
}

func settings() []setting {
	return slices.Concat([]setting{
		{"PEISEAR_MODE", "", "local or production; production where PUBLIC_BASE_URL is not this machine, else local", false, setMode},
		{"DATABASE_URL", "sqlite://data/app.db", "sqlite://path or postgres://user:password@host/name", true, setDatabaseURL},
		{"DATA_DIR", "", "folder for what the program keeps; the SQLite file's, else data", false, setDataDir},
		{"BIND_ADDR", "0.0.0.0:3000", "address:port to listen on", false, setBindAddr},
		{"PUBLIC_BASE_URL", "", "where browsers find the app, https://tracker.example.org; http://localhost:3000 in local mode", false, setPublicURL},
		{"STATIC_DIR", "", "folder with other pages than the built-in ones", false, setStaticDir},
		{"LOG_LEVEL", "info", "debug, info, warn or error, and for a part of the program its own: info,db=debug", false, setLogLevels},
		{"COOKIE_SECRET", "", "32 bytes or more that nobody can guess; made and kept in local mode", true, setCookieSecret},
		{"COOKIE_SECRET_OLD", "", "secrets that COOKIE_SECRET replaced, one a line, while something still needs them", true, setFormerSecrets},
		{"JWT_PRIVATE_KEY_PEM", "", "RSA keys; the first signs (peisear gen-jwt-keys prints a pair); made and kept in local mode", true, setPrivateKey},
		{"JWT_PUBLIC_KEY_PEM", "", "RSA keys that verify; the first private key's must be among them", true, setPublicKey},
		{"COOKIE_SECURE", "0", "1: the refresh cookie is for https only, whatever PUBLIC_BASE_URL says", false, setCookieSecure},
		{"INITIAL_INVITE_CODE", "", "the first admin's invite; made up when missing", true, setInitialInviteCode},
		{"REGISTRATION", "", "invite, or open: anybody may sign up; without it an admin decides in the app, and it is invite at first", false, setRegistration},
		{"TRUSTED_PROXIES", "", "addresses or networks whose X-Forwarded headers are believed, separated by commas", false, setTrustedProxies},
		{"ACCESS_TOKEN_TTL_SECS", "900", "how long an access token is good", false, setAccessTokenTTL},
		{"REFRESH_TOKEN_TTL_SECS", "604800", "how long a session lives without being used", false, setRefreshTokenTTL},
		{"SMTP_URL", "", "the mail server: smtp://user:password@host:port with STARTTLS, or smtps://…; without it no mail is sent", true, setSMTPURL},
		{"MAIL_FROM", "", "the address that mails are from, Peisear <peisear@example.org>; needed with SMTP_URL", false, setMailFrom},
		{"GEOIP_DB", "", "file of places by IP address (.mmdb, as of GeoLite2 City), for the list of sessions", false, setGeoIPDB},
	}, monitorSettings(), backupSettings(), providerSettings())
}

// ReadConfig reads all settings, from the environment or else from the file envFile
// when there is one, and reports every problem at once.
func ReadConfig(getenv func(string) string, envFile string) (Config, error) {
	var c Config
	file, err := readEnvFile(envFile)
	all := []error{err}
	wrong := map[string]bool{}
	for _, s := range settings() {
		value, err := s.value(func(name string) string {
			if value := getenv(name); value != "" {
				return value
			}
			return file[name]
		})
		if err == nil && value != "" {
			err = s.set(&c, value)
		}
		if err != nil {
			wrong[s.name] = true
			all = append(all, fmt.Errorf("%s: %w (%s)", s.name, err, s.doc))
		}
	}
	return c, errors.Join(append(all, c.complete(wrong)...)...)
}

func (s setting) value(lookUp func(string) string) (string, error) {
	value := lookUp(s.name)
	if path := lookUp(s.name + "_FILE"); s.secret && path != "" {
		if value != "" {
			return "", fmt.Errorf("%s_FILE is set too: one of them", s.name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("cannot read the file of %s_FILE: %w", s.name, err)
		}
		if value = strings.TrimSpace(string(text)); value == "" {
			return "", fmt.Errorf("the file of %s_FILE is empty", s.name)
		}
	}
	if value == "" {
		value = s.standard
	}
	return value, nil
}

// complete fills in what follows from other settings, and returns what does not fit
// together, leaving out the settings that are wrong by themselves.
func (c *Config) complete(wrong map[string]bool) (all []error) {
	if c.Mode == "" {
		if c.Mode = Local; c.PublicURL != "" && !isLocal(c.PublicURL) {
			c.Mode = Production
		}
	}
	if c.Mode == Production {
		all = append(all, c.missing(wrong)...)
	}
	if c.PublicURL == "" {
		_, port, _ := net.SplitHostPort(c.BindAddr)
		c.PublicURL = "http://localhost:" + port
	}
	if c.DataDir == "" {
		c.DataDir = "data"
		if path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite://"); ok {
			c.DataDir = filepath.Dir(path)
		}
	}
	if c.RefreshTokenTTL < c.AccessTokenTTL && !wrong["REFRESH_TOKEN_TTL_SECS"] {
		all = append(all, errors.New("REFRESH_TOKEN_TTL_SECS: must not be less than ACCESS_TOKEN_TTL_SECS"))
	}
	if err := c.mismatch(wrong); err != nil {
		all = append(all, err)
	}
	if err := c.halfMail(); err != nil {
		all = append(all, err)
	}
	all = append(all, c.halfBackup(wrong)...)
	return append(all, c.halfProviders(wrong)...)
}

func (c *Config) missing(wrong map[string]bool) (all []error) {
	for _, required := range []struct{ name, value string }{
		{"PUBLIC_BASE_URL", c.PublicURL},
		{"COOKIE_SECRET", c.CookieSecret},
		{"JWT_PRIVATE_KEY_PEM", c.JWTPrivateKeyPEM},
		{"JWT_PUBLIC_KEY_PEM", c.JWTPublicKeyPEM},
	} {
		if required.value == "" && !wrong[required.name] {
			all = append(all, fmt.Errorf("%s: a good value is required in production mode", required.name))
		}
	}
	return all
}

func isLocal(publicURL string) bool {
	u, err := url.Parse(publicURL)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback() || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")
}

// SecureCookie reports whether browsers get the refresh cookie for https only,
// whatever way a request came.
func (c Config) SecureCookie() bool {
	return c.CookieSecure || strings.HasPrefix(c.PublicURL, "https://")
}

// Warnings are what an operator should know at every start.
func (c Config) Warnings() (all []string) {
	if c.Mode == Production && !c.SecureCookie() {
		all = append(all, "PUBLIC_BASE_URL is not https: passwords and sessions can be read on the way")
	}
	if c.Registration == "open" {
		all = append(all, "REGISTRATION is open: whoever reaches the app can sign up")
	}
	if b := c.Backup.Bucket; b != nil && !strings.HasPrefix(b.Endpoint, "https://") && !isLocal(b.Endpoint) {
		all = append(all, "BACKUP_S3_ENDPOINT is not https: backups, with password hashes and secrets, can be read on the way")
	}
	return all
}

// LogLevels says what is logged: from a level on, and from another one on in parts
// of the program.
type LogLevels struct {
	Default slog.Level
	Parts   map[string]slog.Level
}

// Of returns the level of a part.
func (l LogLevels) Of(part string) slog.Level {
	if level, ok := l.Parts[part]; ok {
		return level
	}
	return l.Default
}

func setMode(c *Config, value string) error {
	if c.Mode = Mode(value); c.Mode != Local && c.Mode != Production {
		return fmt.Errorf("%q is no mode", value)
	}
	return nil
}

// setDatabaseURL repeats nothing of the URL: it may hold a password.
func setDatabaseURL(c *Config, value string) error {
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok || rest == "" || scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql" {
		return errors.New("is not such a URL")
	}
	if scheme != "sqlite" {
		if _, err := url.Parse(value); err != nil {
			return errors.New("is not such a URL")
		}
	}
	c.DatabaseURL = value
	return nil
}

func setDataDir(c *Config, value string) error {
	c.DataDir = value
	return nil
}

func setBindAddr(c *Config, value string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%q is not of that form", value)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port", port)
	}
	c.BindAddr = value
	return nil
}

func setPublicURL(c *Config, value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("is not an http or https URL")
	case u.User != nil, u.RawQuery != "", u.Fragment != "", strings.TrimRight(u.Path, "/") != "":
		return errors.New("must have a scheme and a host only")
	}
	c.PublicURL = u.Scheme + "://" + strings.ToLower(u.Host)
	return nil
}

func setStaticDir(c *Config, value string) error {
	info, err := os.Stat(value)
	if err == nil && !info.IsDir() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return fmt.Errorf("%q is not a folder", value)
	}
	c.StaticDir = value
	return nil
}

func setLogLevels(c *Config, value string) error {
	c.LogLevels.Parts = map[string]slog.Level{}
	for item := range strings.SplitSeq(value, ",") {
		part, name, isPart := strings.Cut(strings.TrimSpace(item), "=")
		if !isPart {
			name = part
		}
		var level slog.Level
		if err := level.UnmarshalText([]byte(name)); err != nil || isPart && part == "" {
			return fmt.Errorf("%q is not a level", item)
		}
		if isPart {
			c.LogLevels.Parts[part] = level
		} else {
			c.LogLevels.Default = level
		}
	}
	return nil
}

func setCookieSecure(c *Config, value string) (err error) {
	if c.CookieSecure, err = strconv.ParseBool(value); err != nil {
		return errors.New("is neither 0 nor 1")
	}
	return nil
}

func setInitialInviteCode(c *Config, value string) error {
	if strings.HasPrefix(value, "sha256:") || len(value) > 200 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
		return errors.New("must not begin with sha256: and have at most 200 characters, all printable")
	}
	c.InitialInviteCode = value
	return nil
}

func setRegistration(c *Config, value string) error {
	if value != "invite" && value != "open" {
		return fmt.Errorf("%q is neither invite nor open", value)
	}
	c.Registration = value
	return nil
}

func setTrustedProxies(c *Config, value string) error {
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			ip, ipErr := netip.ParseAddr(item)
			if ipErr != nil {
				return fmt.Errorf("%q is neither an address nor a network", item)
			}
			prefix = netip.PrefixFrom(ip, ip.BitLen())
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix.Masked())
	}
	return nil
}

func setAccessTokenTTL(c *Config, value string) (err error) {
	c.AccessTokenTTL, err = seconds(value, time.Minute, 24*time.Hour)
	return err
}

func setRefreshTokenTTL(c *Config, value string) (err error) {
	c.RefreshTokenTTL, err = seconds(value, time.Minute, 30*24*time.Hour)
	return err
}

func seconds(value string, least, most time.Duration) (time.Duration, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	d := time.Duration(n) * time.Second
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("expected a number of seconds from %.0f to %.0f", least.Seconds(), most.Seconds())
	}
	return d, nil
}
