package basetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// poolerScript runs PgBouncer with the settings in $1/pooler.ini until our end of its
// standard input closes.
const poolerScript = `
pgbouncer "$1/pooler.ini" >"$1/pooler.log" 2>&1 &
read -r _
kill $!
wait
`

// poolerSettings are those of PgBouncer in transaction mode, between sockets in one folder:
// every transaction may meet another session of the server, with what others left there.
const poolerSettings = `[databases]
* = host=%[1]s port=5432 user=postgres
[pgbouncer]
unix_socket_dir = %[1]s
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = %[2]d
max_client_conn = 300
server_round_robin = 1
`

// Pooled starts a PgBouncer before the server, which has so many sessions for all together,
// and returns the URL of a database through it. It ends with the test.
func (s *Server) Pooled(t *testing.T, database string, sessions int) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, "pooler.ini"), fmt.Appendf(nil, poolerSettings, s.Dir, sessions), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", poolerScript, "sh", s.Dir)
	cmd.Dir = s.Dir
	err := asOrdinaryUser(cmd, s.Dir)
	if err == nil {
		err = asOrdinaryUser(cmd, filepath.Join(s.Dir, "pooler.ini"))
	}
	if err != nil {
		t.Fatal(err)
	}
	life, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(life.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	url := fmt.Sprintf("postgres://postgres@/%s?host=%s&port=6432", database, s.Dir)
	for deadline := time.Now().Add(serverPatience); ; <-time.After(20 * time.Millisecond) {
		if err = tryAt(t.Context(), url+"&default_query_exec_mode=exec", "SELECT 1"); err == nil {
			return url
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "pooler.log"))
			t.Fatalf("PgBouncer, which apt-get install pgbouncer brings: %v\n%s", err, log)
		}
	}
}
