package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// errNoClient: PostgreSQL's own programs are not here, or are older than the server, or
// have no session of their own.
var errNoClient = errors.New("there is no pg_dump of the server's version")

// dump lets pg_dump write the database into a file, and pg_restore read all of that. Not
// through a pooler: pg_dump leaves its settings in a session, and others get that next.
func dump(ctx context.Context, d *db.DB, databaseURL, target string) error {
	if db.Pooled(databaseURL) {
		return errNoClient
	}
	if err := client(ctx, d, "pg_dump"); err != nil {
		return err
	}
	schema, err := scan[string](ctx, d, "SELECT quote_ident(current_schema())")
	if err != nil {
		return err
	}
	args := []string{"--format=custom", "--no-owner", "--no-privileges", "--schema=" + schema, "--file=" + target}
	if err := runTool(ctx, databaseURL, "pg_dump", args...); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	return runTool(ctx, "", "pg_restore", "--file="+os.DevNull, target)
}

// undump lets pg_restore fill the database, in one transaction, with all but the life of
// the change log, so that another one begins.
func undump(ctx context.Context, d *db.DB, databaseURL, from, folder string) error {
	if err := client(ctx, d, "pg_restore"); err != nil {
		return errs.New(errs.Conflict, "this backup was made by pg_dump: install PostgreSQL's client programs, of the server's version or newer (apt install postgresql-client)")
	}
	schema, err := scan[string](ctx, d, "SELECT current_schema()")
	if err != nil {
		return err
	}
	all, chosen := filepath.Join(folder, "all"), filepath.Join(folder, "chosen")
	if err := runTool(ctx, "", "pg_restore", "--list", "--file="+all, from); err != nil {
		return err
	}
	list, err := os.ReadFile(all)
	if err != nil {
		return err
	}
	if list, err = withoutEpoch(list, schema); err != nil {
		return err
	}
	if err := os.WriteFile(chosen, list, 0o600); err != nil {
		return err
	}
	err = runTool(ctx, databaseURL, "pg_restore", "--schema="+schema, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--use-list="+chosen, from)
	if err == nil {
		return nil
	}
	// It may have been ended in its commit: the database knows, once it is alone.
	lasting := context.WithoutCancel(ctx)
	if d.RefuseShared(lasting) != nil {
		return err
	}
	if versions, asked := d.Versions(lasting); asked == nil && len(versions) > 0 {
		return nil
	}
	return err
}

// withoutEpoch takes the rows of log_epoch off the list of what a dump holds.
// Conflict: the dump holds no tables of the schema.
func withoutEpoch(list []byte, schema string) (kept []byte, err error) {
	found := false
	for line := range bytes.Lines(list) {
		found = found || bytes.Contains(line, []byte(" TABLE DATA "+schema+" goose_db_version "))
		if !bytes.Contains(line, []byte(" TABLE DATA "+schema+" log_epoch ")) {
			kept = append(kept, line...)
		}
	}
	if !found {
		return nil, errs.New(errs.Conflict, "the dump has no tables for the schema that DATABASE_URL leads to: was it made with another search_path?")
	}
	return kept, nil
}

// client makes sure that a program is there and knows the server's version.
func client(ctx context.Context, d *db.DB, name string) error {
	out, err := exec.CommandContext(ctx, name, "--version").Output()
	if err != nil {
		return errNoClient
	}
	major, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(string(out)))
	if err != nil {
		return errNoClient
	}
	server, err := scan[int](ctx, d, "SELECT current_setting('server_version_num')::int / 10000")
	if err != nil {
		return err
	}
	if major < server {
		return errNoClient
	}
	return nil
}

func scan[T any](ctx context.Context, d *db.DB, statement string) (T, error) {
	return db.Read(ctx, d, func(ctx context.Context, c db.Conn) (v T, err error) {
		return v, c.QueryRowContext(ctx, statement).Scan(&v)
	})
}

// runTool runs one of PostgreSQL's programs. The password goes with the environment,
// which other users cannot see, unlike arguments.
func runTool(ctx context.Context, databaseURL, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // one of two names
	cmd.Env = os.Environ()
	if databaseURL != "" {
		safe, env, err := connection(databaseURL)
		if err != nil {
			return err
		}
		cmd.Args = append(cmd.Args[:1:1], append([]string{"--dbname=" + safe}, args...)...)
		cmd.Env = append(cmd.Env, env...)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w: %s", name, err, strings.Join(strings.Fields(stderr.String()), " "))
	}
	return nil
}

// connection splits a URL into what libpq takes as one and what goes another way: the
// password, and what only the Go driver knows or what libpq calls options.
func connection(databaseURL string) (safe string, env []string, err error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", nil, errors.New("DATABASE_URL is not a URL")
	}
	parameters := u.Query()
	password := parameters.Get("password")
	if given, ok := u.User.Password(); ok {
		password = given
		u.User = url.User(u.User.Username())
	}
	var options []string
	for name, values := range parameters {
		if libpq(name) {
			continue
		}
		if driver := strings.HasPrefix(name, "pool_") || slices.Contains(driverOnly(), name); !driver {
			options = append(options, "-c "+name+"="+strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(values[0]))
		}
		parameters.Del(name)
	}
	u.RawQuery = parameters.Encode()
	if password != "" {
		env = append(env, "PGPASSWORD="+password)
	}
	if len(options) > 0 {
		slices.Sort(options)
		env = append(env, "PGOPTIONS="+strings.Join(options, " "))
	}
	return u.String(), env, nil
}

func libpq(name string) bool {
	return strings.HasPrefix(name, "ssl") || strings.HasPrefix(name, "keepalives") || strings.HasPrefix(name, "gss") ||
		slices.Contains([]string{
			"host", "hostaddr", "port", "dbname", "user", "passfile", "service", "connect_timeout", "client_encoding", "options",
			"application_name", "tcp_user_timeout", "channel_binding", "require_auth", "requirepeer", "krbsrvname", "target_session_attrs",
			"load_balance_hosts",
		}, name)
}

// driverOnly are parameters of the Go driver; password goes with the environment.
func driverOnly() []string {
	return []string{
		"password", "default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity",
		"min_read_buffer_size", "servicefile", "min_protocol_version", "max_protocol_version",
	}
}
