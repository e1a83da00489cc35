// Package basetest is what tests share: databases on both engines and HTTP
// scenarios as values. There are no mocks here, because there are none inside the
// house.
//
// A package whose tests touch SQL begins with
//
//	func TestMain(m *testing.M) { basetest.Main(m) }
//
//	func TestCreate(t *testing.T) {
//		basetest.EachEngine(t, func(t *testing.T, d *db.DB) { … }, notes.Migrations)
//	}
package basetest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/peisear/peisear/internal/base/db"
)

// enginesEnv narrows the engines down, say to "sqlite" where there is no
// PostgreSQL. By default a missing server is an error: a test that did not run
// proves nothing.
const enginesEnv = "PEISEAR_TEST_ENGINES"

// Main runs a package's tests, stops the PostgreSQL cluster if one of them started
// it, and fails when a goroutine is left behind.
func Main(m *testing.M) {
	code := m.Run()
	shared.stop()
	if code == 0 {
		if err := left(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// endPatience is how long goroutines that are about to end may take for it.
const endPatience = 15 * time.Second

// left is an error when a goroutine stays. A look takes half a second, which on a busy
// machine those that are about to end may need, too.
func left() (err error) {
	for deadline := time.Now().Add(endPatience); ; {
		if err = goleak.Find(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// EachEngine runs a test on every engine, in parallel, each on an empty database
// with the given migrations.
func EachEngine(t *testing.T, test func(t *testing.T, d *db.DB), migrations ...fs.FS) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { test(t, open(t, url, migrations)) })
}

// Engines are those that tests run on: for a benchmark, or a fuzz target that compares
// them.
func Engines() []string {
	named := os.Getenv(enginesEnv)
	if named == "" {
		named = "sqlite,postgres"
	}
	return strings.Split(named, ",")
}

// EachURL runs a test on every engine, in parallel, each with the URL of an empty
// database.
func EachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Parallel()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, URL(t, engine))
		})
	}
}

// NewDB returns an empty database, "sqlite" or "postgres", with the migrations
// applied. It is closed with the test.
func NewDB(t testing.TB, engine string, migrations ...fs.FS) *db.DB {
	t.Helper()
	return open(t, URL(t, engine), migrations)
}

func open(t testing.TB, url string, migrations []fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context(), migrations...); err != nil {
		t.Fatal(err)
	}
	return d
}

// URL returns the URL of a new, empty database of an engine.
func URL(t testing.TB, engine string) string {
	t.Helper()
	if engine == "sqlite" {
		return "sqlite://" + filepath.Join(t.TempDir(), "app.db")
	}
	return postgresURL(t, "")
}

// ForeignOrderURL returns the URL of a new, empty PostgreSQL database whose own order
// of texts is that of a language, as most installations have it.
func ForeignOrderURL(t testing.TB) string {
	t.Helper()
	if !slices.Contains(Engines(), "postgres") {
		t.Skipf("%s leaves PostgreSQL out", enginesEnv)
	}
	return postgresURL(t, "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
}

func postgresURL(t testing.TB, options string) string {
	t.Helper()
	err := shared.startOnce()
	var url string
	if err == nil {
		url, err = shared.newDatabase(t.Context(), options)
	}
	if err != nil {
		t.Fatalf("PostgreSQL: %v\nInstall its server programs (apt install postgresql), or set %s=sqlite to leave it out.", err, enginesEnv)
	}
	return url
}
