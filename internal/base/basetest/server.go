package basetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// serverScript serves $1/data on a unix socket in $1 until our end of its standard input
// closes, and then stops at once, as after a crash. What was acknowledged stays, also
// without fsync: the machine goes on.
const serverScript = `
"$2/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c max_connections=100 -c fsync=off -c shared_buffers=32MB >>"$1/log" 2>&1 &
read -r _
kill -QUIT $!
wait
`

// Server is a PostgreSQL that a test may lose. It goes with the test.
type Server struct {
	Dir string // of its socket

	programs string
	life     io.Closer
	cmd      *exec.Cmd
}

// NewServer starts an empty server.
func NewServer(t *testing.T) *Server {
	t.Helper()
	s := emptyServer(t)
	s.run(t, "initdb", "-D", filepath.Join(s.Dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	s.Start(t)
	return s
}

// NewStandby starts a server that follows another and acknowledges what it has: no commit
// is answered that it would lose.
func NewStandby(t *testing.T, primary *Server) *Server {
	t.Helper()
	s := emptyServer(t)
	s.run(t, "pg_basebackup", "-h", primary.Dir, "-U", "postgres", "-D", filepath.Join(s.Dir, "data"), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync")
	s.Start(t)
	primary.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Exec(t, "SELECT pg_reload_conf()")
	return s
}

func emptyServer(t *testing.T) *Server {
	t.Helper()
	programs, err := serverPrograms()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "pg") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir, programs: programs}
	t.Cleanup(func() {
		s.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run runs one of the server's programs to its end.
func (s *Server) run(t *testing.T, program string, args ...string) {
	t.Helper()
	path := filepath.Join(s.programs, program)
	if _, err := os.Stat(path); err != nil { // not all programs are linked to where the server's are
		if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program); len(found) > 0 {
			path = slices.Max(found)
		}
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = s.Dir
	if err := asOrdinaryUser(cmd, s.Dir); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// URL is that of a database of the server.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@/%s?host=%s", database, s.Dir)
}

// Start serves, and returns when it answers.
func (s *Server) Start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("sh", "-c", serverScript, "sh", s.Dir, s.programs)
	s.cmd.Dir = s.Dir
	err := asOrdinaryUser(s.cmd, s.Dir)
	if err == nil {
		s.life, err = s.cmd.StdinPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(serverPatience); ; <-time.After(20 * time.Millisecond) {
		if err = s.try(t.Context(), "SELECT 1"); err == nil {
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			t.Fatalf("%v\n%s", err, log)
		}
	}
}

// Stop stops at once, with connections and transactions as they are.
func (s *Server) Stop(t *testing.T) {
	t.Helper()
	if s.life == nil {
		return
	}
	if err := errors.Join(s.life.Close(), s.cmd.Wait()); err != nil {
		t.Error(err)
	}
	s.life = nil
}

// Exec runs a statement as an operator would.
func (s *Server) Exec(t *testing.T, statement string) {
	t.Helper()
	if err := s.try(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// Promote makes a standby the primary.
func (s *Server) Promote(t *testing.T) {
	t.Helper()
	s.Exec(t, "SELECT pg_promote()")
}

func (s *Server) try(ctx context.Context, statement string) error {
	return tryAt(ctx, s.URL("postgres"), statement)
}

func tryAt(ctx context.Context, url, statement string) error {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, statement)
	return errors.Join(err, pool.Close())
}
