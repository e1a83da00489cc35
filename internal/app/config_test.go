package app

import (
	"bytes"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/backup"
	"github.com/peisear/peisear/internal/base/secret"
)

func from(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func keys(t *testing.T) (private, public string) {
	t.Helper()
	private, public, err := secret.NewPEM()
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// production is an environment that has all it needs.
func production(t *testing.T) map[string]string {
	t.Helper()
	private, public := keys(t)
	return map[string]string{
		"PEISEAR_MODE": "production", "PUBLIC_BASE_URL": "https://tracker.example.org",
		"COOKIE_SECRET": strings.Repeat("s", 32), "JWT_PRIVATE_KEY_PEM": private, "JWT_PUBLIC_KEY_PEM": public,
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := ReadConfig(from(nil), "")
	want := Config{
		Mode: Local, DatabaseURL: "sqlite://data/app.db", DataDir: "data", BindAddr: "0.0.0.0:3000",
		PublicURL: "http://localhost:3000", LogLevels: LogLevels{Default: slog.LevelInfo, Parts: map[string]slog.Level{}},
		AccessTokenTTL: 15 * time.Minute, RefreshTokenTTL: 7 * 24 * time.Hour,
		Backup:      backup.Plan{Every: 24 * time.Hour, Keep: 7},
		MetricsAddr: "127.0.0.1:3001",
	}
	if diff := cmp.Diff(want, c); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, c := range map[string]struct {
		env  map[string]string
		good func(Config) bool
	}{
		"data beside the file":  {map[string]string{"DATABASE_URL": "sqlite:///var/lib/peisear/app.db"}, func(c Config) bool { return c.DataDir == "/var/lib/peisear" }},
		"data with PostgreSQL":  {map[string]string{"DATABASE_URL": "postgres://u:p@h/d"}, func(c Config) bool { return c.DataDir == "data" }},
		"data where told":       {map[string]string{"DATA_DIR": "/srv"}, func(c Config) bool { return c.DataDir == "/srv" }},
		"port in the address":   {map[string]string{"BIND_ADDR": "127.0.0.1:8080"}, func(c Config) bool { return c.PublicURL == "http://localhost:8080" }},
		"address without slash": {map[string]string{"PUBLIC_BASE_URL": "http://LOCALHOST:3000/"}, func(c Config) bool { return c.PublicURL == "http://localhost:3000" && c.Mode == Local }},
		"local name":            {map[string]string{"PUBLIC_BASE_URL": "http://app.localhost:3000"}, func(c Config) bool { return c.Mode == Local }},
		"loopback":              {map[string]string{"PUBLIC_BASE_URL": "https://[::1]:3000"}, func(c Config) bool { return c.Mode == Local && c.SecureCookie() }},
		"local by decision":     {map[string]string{"PUBLIC_BASE_URL": "http://tracker.lan", "PEISEAR_MODE": "local"}, func(c Config) bool { return c.Mode == Local }},
		"levels": {map[string]string{"LOG_LEVEL": "warn,db=debug"}, func(c Config) bool {
			return c.LogLevels.Of("db") == slog.LevelDebug && c.LogLevels.Of("web") == slog.LevelWarn
		}},
		"secure cookie":    {map[string]string{"COOKIE_SECURE": "1"}, Config.SecureCookie},
		"cookie over http": {nil, func(c Config) bool { return !c.SecureCookie() }},
		"open":             {map[string]string{"REGISTRATION": "open"}, func(c Config) bool { return c.Registration == "open" && len(c.Warnings()) == 1 }},
		"pages":            {map[string]string{"STATIC_DIR": folder}, func(c Config) bool { return c.StaticDir == folder }},
		"proxies":          {map[string]string{"TRUSTED_PROXIES": "127.0.0.1, 10.1.2.3/8,::1"}, func(c Config) bool { return len(c.TrustedProxies) == 3 && c.TrustedProxies[1].String() == "10.0.0.0/8" }},
		"lifetimes":        {map[string]string{"ACCESS_TOKEN_TTL_SECS": "60", "REFRESH_TOKEN_TTL_SECS": "3600"}, func(c Config) bool { return c.AccessTokenTTL == time.Minute && c.RefreshTokenTTL == time.Hour }},
	} {
		got, err := ReadConfig(from(c.env), "")
		if err != nil || !c.good(got) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

func TestProductionIsComplete(t *testing.T) {
	t.Parallel()
	good := production(t)
	if c, err := ReadConfig(from(good), ""); err != nil || c.Mode != Production || len(c.Warnings()) != 0 {
		t.Fatalf("%v, %v", err, c.Warnings())
	}
	otherPrivate, otherPublic := keys(t)
	with := func(more map[string]string) map[string]string {
		env := maps.Clone(good)
		maps.Copy(env, more)
		return env
	}
	for name, c := range map[string]struct {
		env  map[string]string
		says []string
	}{
		"nothing":            {map[string]string{"PEISEAR_MODE": "production"}, []string{"PUBLIC_BASE_URL", "COOKIE_SECRET", "JWT_PRIVATE_KEY_PEM", "JWT_PUBLIC_KEY_PEM"}},
		"public address":     {map[string]string{"PUBLIC_BASE_URL": "https://tracker.example.org"}, []string{"COOKIE_SECRET", "JWT_PRIVATE_KEY_PEM", "JWT_PUBLIC_KEY_PEM"}},
		"no address":         {with(map[string]string{"PUBLIC_BASE_URL": ""}), []string{"PUBLIC_BASE_URL"}},
		"no scheme":          {with(map[string]string{"PUBLIC_BASE_URL": "tracker.example.org"}), []string{"PUBLIC_BASE_URL"}},
		"address with path":  {with(map[string]string{"PUBLIC_BASE_URL": "https://example.org/tracker"}), []string{"PUBLIC_BASE_URL"}},
		"no secret":          {with(map[string]string{"COOKIE_SECRET": ""}), []string{"COOKIE_SECRET"}},
		"short secret":       {with(map[string]string{"COOKIE_SECRET": strings.Repeat("s", 31)}), []string{"COOKIE_SECRET"}},
		"no private key":     {with(map[string]string{"JWT_PRIVATE_KEY_PEM": ""}), []string{"JWT_PRIVATE_KEY_PEM"}},
		"no public key":      {with(map[string]string{"JWT_PUBLIC_KEY_PEM": ""}), []string{"JWT_PUBLIC_KEY_PEM"}},
		"malformed private":  {with(map[string]string{"JWT_PRIVATE_KEY_PEM": "x"}), []string{"JWT_PRIVATE_KEY_PEM"}},
		"malformed public":   {with(map[string]string{"JWT_PUBLIC_KEY_PEM": "x"}), []string{"JWT_PUBLIC_KEY_PEM"}},
		"another's private":  {with(map[string]string{"JWT_PRIVATE_KEY_PEM": otherPrivate}), []string{"JWT_PUBLIC_KEY_PEM"}},
		"another's public":   {with(map[string]string{"JWT_PUBLIC_KEY_PEM": otherPublic}), []string{"JWT_PUBLIC_KEY_PEM"}},
		"two things":         {with(map[string]string{"COOKIE_SECRET": "x", "BIND_ADDR": "3000"}), []string{"BIND_ADDR", "COOKIE_SECRET"}},
		"everything":         {map[string]string{"PEISEAR_MODE": "test", "DATABASE_URL": "app.db", "BIND_ADDR": ":x", "LOG_LEVEL": "loud", "COOKIE_SECURE": "maybe", "REGISTRATION": "closed", "TRUSTED_PROXIES": "x", "ACCESS_TOKEN_TTL_SECS": "1", "STATIC_DIR": "/nowhere/at/all", "INITIAL_INVITE_CODE": "sha256:x", "REFRESH_TOKEN_TTL_SECS": "x"}, []string{"ACCESS_TOKEN_TTL_SECS", "BIND_ADDR", "COOKIE_SECURE", "DATABASE_URL", "INITIAL_INVITE_CODE", "LOG_LEVEL", "PEISEAR_MODE", "REFRESH_TOKEN_TTL_SECS", "REGISTRATION", "STATIC_DIR", "TRUSTED_PROXIES"}},
		"sessions too short": {with(map[string]string{"REFRESH_TOKEN_TTL_SECS": "60"}), []string{"REFRESH_TOKEN_TTL_SECS"}},
		"public key alone":   {map[string]string{"JWT_PUBLIC_KEY_PEM": otherPublic}, []string{"JWT_PRIVATE_KEY_PEM"}},
	} {
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
		if slices.Sort(named); name != "everything" {
			slices.Sort(c.says)
		}
		if !slices.Equal(named, c.says) {
			t.Errorf("%s: %v", name, err)
		}
		for _, hidden := range []string{"ssss", "BEGIN", "MII"} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: shows a secret: %v", name, err)
			}
		}
	}
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeysComeInManyForms: with real and escaped line breaks, in an .env file, in
// the environment as docker passes it, and as files.
func TestKeysComeInManyForms(t *testing.T) {
	t.Parallel()
	private, public := keys(t)
	lines := func(quote, newline string) string {
		value := func(pem string) string { return quote + strings.ReplaceAll(pem, "\n", newline) + quote }
		return "JWT_PRIVATE_KEY_PEM=" + value(private) + "\nJWT_PUBLIC_KEY_PEM=" + value(public) + "\n"
	}
	escaped := func(quote string) map[string]string {
		value := func(pem string) string { return quote + strings.ReplaceAll(pem, "\n", `\n`) + quote }
		return map[string]string{"JWT_PRIVATE_KEY_PEM": value(private), "JWT_PUBLIC_KEY_PEM": value(public)}
	}
	for name, c := range map[string]struct {
		file string
		env  map[string]string
	}{
		"escaped in quotes":          {lines(`"`, `\n`), nil},
		"real in quotes":             {lines(`"`, "\n"), nil},
		"real in single quotes":      {lines(`'`, "\n"), nil},
		"escaped in single quotes":   {lines(`'`, `\n`), nil},
		"escaped without quotes":     {lines("", `\n`), nil},
		"after other lines":          {"# ours\n\nexport COOKIE_SECURE=1 # yes\n" + lines(`"`, `\n`), nil},
		"Windows line ends":          {strings.ReplaceAll(lines(`"`, `\n`), "\n", "\r\n"), nil},
		"environment":                {"", map[string]string{"JWT_PRIVATE_KEY_PEM": private, "JWT_PUBLIC_KEY_PEM": public}},
		"environment escaped":        {"", escaped("")},
		"environment quoted":         {"", escaped(`"`)},
		"environment before file":    {"JWT_PRIVATE_KEY_PEM=x\nJWT_PUBLIC_KEY_PEM=x\n", escaped("")},
		"files":                      {"", map[string]string{"JWT_PRIVATE_KEY_PEM_FILE": write(t, private), "JWT_PUBLIC_KEY_PEM_FILE": write(t, public)}},
		"files named in a .env file": {"JWT_PRIVATE_KEY_PEM_FILE=" + write(t, private) + "\nJWT_PUBLIC_KEY_PEM_FILE=" + write(t, public), nil},
	} {
		config, err := ReadConfig(from(c.env), write(t, c.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pair, err := secret.NewKeyPair(config.JWTPrivateKeyPEM, config.JWTPublicKeyPEM)
		if err != nil || len(pair.Verify) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		env  map[string]string
		says string
	}{
		"not NAME=value":  {"A=1\nnonsense\n", nil, "line 2 is not NAME=value"},
		"open quote":      {"A=1\nB=\"x\ny\n", nil, "line 2: the quote is not closed"},
		"no such file":    {"", map[string]string{"COOKIE_SECRET_FILE": "/nowhere/secret"}, "COOKIE_SECRET_FILE"},
		"empty file":      {"", map[string]string{"COOKIE_SECRET_FILE": write(t, "\n")}, "is empty"},
		"value and file":  {"", map[string]string{"COOKIE_SECRET": strings.Repeat("x", 32), "COOKIE_SECRET_FILE": write(t, "y")}, "one of them"},
		"short in a file": {"", map[string]string{"COOKIE_SECRET_FILE": write(t, "y")}, "COOKIE_SECRET: has 1 bytes"},
	} {
		_, err := ReadConfig(from(c.env), write(t, c.file))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnvFile(t *testing.T) {
	t.Parallel()
	got, err := parseEnv(`
# a comment
A=1
 B = two words # and a comment
export C='single "quotes" and \n'
D="a \"quote\", a \\ and a \nbreak" # comment
E=
F="two
lines"
G=a#b
H='#'
`)
	want := map[string]string{
		"A": "1", "B": "two words", "C": `single "quotes" and \n`, "D": "a \"quote\", a \\ and a \nbreak",
		"E": "", "F": "two\nlines", "G": "a#b", "H": "#",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func FuzzEnvFile(f *testing.F) {
	f.Add("A=\"x\\\n# y\nB='")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseEnv(text)
		if err == nil {
			for name := range values {
				if name == "" || strings.ContainsAny(name, "=\n") {
					t.Errorf("name %q", name)
				}
			}
		}
	})
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	c, err := ReadConfig(from(map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data")}), "")
	if err != nil {
		t.Fatal(err)
	}
	first, warning, err := c.Secrets()
	if err != nil || !strings.Contains(warning, "cookie-secret") || !strings.Contains(warning, "jwt-private-key.pem") {
		t.Fatalf("%q, %v", warning, err)
	}
	second, again, err := c.Secrets()
	if err != nil || again != warning || !bytes.Equal(second.Master.Key("x"), first.Master.Key("x")) || !second.Keys.Sign.Equal(first.Keys.Sign) {
		t.Errorf("made again: %q, %v", again, err)
	}
	private(t, c.DataDir)
	given, err := ReadConfig(from(production(t)), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, warning, err := given.Secrets(); err != nil || warning != "" {
		t.Errorf("%q, %v", warning, err)
	}
}

// private checks that nobody else reads the two files that are kept.
func private(t *testing.T, folder string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestSecretsNeedAFolder(t *testing.T) {
	t.Parallel()
	c := Config{DataDir: filepath.Join(write(t, "a file"), "data")}
	if _, _, err := c.Secrets(); err == nil || !strings.Contains(err.Error(), "data folder") {
		t.Error(err)
	}
}

func TestKeyLines(t *testing.T) {
	t.Parallel()
	lines, err := jwtKeyLines()
	if err != nil || strings.Count(lines, "\n") != 2 {
		t.Fatalf("%q, %v", lines, err)
	}
	c, err := ReadConfig(from(nil), write(t, lines))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := secret.NewKeyPair(c.JWTPrivateKeyPEM, c.JWTPublicKeyPEM)
	if err != nil || pair.Sign.N.BitLen() < 2048 {
		t.Errorf("%v", err)
	}
}
