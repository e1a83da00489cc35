// Package e2e_test runs the real binary as an operator does: the scripts in testdata,
// each on both engines, each with a folder, a database and a port of its own.
//
// Beside testscript's commands a script has
//
//	await                              wait until the server that was started answers
//	obeyed STATUS METHOD PATH          call it until it answers so, which may take a moment
//	api STATUS METHOD PATH [JSON]      call it; the body is then what `stdout` looks at
//	signup CODE NAME                   sign up as name@example.org and call as that user from then on
//	login NAME [PASSWORD]              sign in as name@example.org and call as that user from then on
//	code NAME                          set $NAME to the code of the link that the last command printed
//	totp NAME                          set $NAME to the code that an app shows which has just been set up
//	mailed ADDRESS SUBJECT             take the next mail that has come to $MAILBOX
//	[!] same ARCHIVE ARCHIVE           compare what two archives hold
//	spoil FROM TO OLD NEW              write an archive whose sums are right and whose rows are not
//	sql STATEMENT                      run it on the database, as an operator would by hand
//	becomes VALUE QUERY                ask the database until it answers so, which may take a moment
//
// the conditions [sqlite], [postgres] and [root], [real] where PEISEAR_DATA names the folder
// of real issues, which are no part of the repository, and in the environment what Setup
// puts there.
package e2e_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// TestScripts is every script of testdata.
func TestScripts(t *testing.T) {
	bin := build(t)
	basetest.EachURL(t, func(t *testing.T, url string) {
		engine, _, _ := strings.Cut(url, ":")
		testscript.Run(t, testscript.Params{
			Dir:   "testdata",
			Setup: func(env *testscript.Env) error { return setUp(t, env, engine, bin) },
			Condition: func(name string) (bool, error) {
				return name == engine || name == "root" && os.Getuid() == 0 || name == "real" && os.Getenv("PEISEAR_DATA") != "", nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"await":   await,
				"obeyed":  obeyed,
				"api":     api,
				"signup":  signUp,
				"login":   login,
				"code":    code,
				"totp":    totpCode,
				"mailed":  mailed(t),
				"sql":     runSQL,
				"becomes": becomes,
				"same":    same,
				"spoil":   spoil,
			},
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
		})
	})
}

// build makes the binary as it is delivered, but watched by the race detector.
func build(t *testing.T) (dir string) {
	t.Helper()
	if raceEnabled {
		return filepath.Dir(basetest.Build(t, "-race"))
	}
	return filepath.Dir(basetest.Build(t))
}

// mailboxKey is where a script keeps its mail server.
type mailboxKey struct{}

func setUp(t *testing.T, env *testscript.Env, engine, bin string) error {
	t.Helper()
	address := basetest.Address(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	imports, err := filepath.Abs("../internal/tracker/importer/testdata")
	if err != nil {
		return err
	}
	env.Setenv("IMPORTS", imports)
	env.Setenv("PEISEAR_DATA", os.Getenv("PEISEAR_DATA"))
	env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	mailbox := mailtest.Start(t)
	env.Values[mailboxKey{}] = mailbox
	env.Setenv("MAILBOX", mailbox.URL())
	env.Setenv("PORT", port)
	env.Setenv("BIND_ADDR", address)
	env.Setenv("METRICS_ADDR", "off") // the standard address is one, and the scripts are many
	env.Setenv("URL", "http://"+address)
	env.Setenv("DB", "sqlite://"+filepath.Join(env.WorkDir, "data", "app.db"))
	if engine == "postgres" {
		env.Setenv("DB", basetest.URL(t, engine))
		env.Setenv("DATABASE_URL", env.Getenv("DB")) // on SQLite the scripts show what happens without
	}
	return nil
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: await")
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		r, err := http.Get(ts.Getenv("URL") + "/api/health")
		if err == nil {
			ts.Check(r.Body.Close())
			if r.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no answer: %v", err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// patience is how long a server may take to learn what a command has done beside it: a
// second, and more where many tests share two cores.
const patience = 20 * time.Second

func obeyed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: obeyed STATUS METHOD PATH")
	}
	began := time.Now()
	for {
		status, _ := request(ts, args[1], args[2], "")
		if strconv.Itoa(status) == args[0] {
			ts.Logf("obeyed after %s", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > patience {
			ts.Fatalf("%s %s: still %d after %s", args[1], args[2], status, patience)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func api(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: api STATUS METHOD PATH [JSON]")
	}
	call(ts, args[0], args[1], args[2], strings.Join(args[3:], ""))
}

// call prints the body, and ends the script when the status is another.
func call(ts *testscript.TestScript, status, method, path, body string) []byte {
	got, text := request(ts, method, path, body)
	_, err := ts.Stdout().Write(append(bytes.TrimSpace(text), '\n'))
	ts.Check(err)
	if strconv.Itoa(got) != status {
		ts.Fatalf("%s %s: status %d: %s", method, path, got, text)
	}
	return text
}

func request(ts *testscript.TestScript, method, path, body string) (status int, answer []byte) {
	r, err := http.NewRequestWithContext(context.Background(), method, ts.Getenv("URL")+path, strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := ts.Getenv("TOKEN"); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	got, err := http.DefaultClient.Do(r)
	ts.Check(err)
	answer, err = io.ReadAll(got.Body)
	ts.Check(err)
	ts.Check(got.Body.Close())
	return got.StatusCode, answer
}

func signUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signup CODE NAME")
	}
	body := fmt.Sprintf(`{"code":%q,"email":"%[2]s@example.org","password":"correct horse","displayName":%[2]q}`, args[0], args[1])
	enter(ts, "201", "/api/auth/signup/password", body)
}

func login(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: login NAME [PASSWORD]")
	}
	password := append(args, "correct horse")[1]
	enter(ts, "200", "/api/auth/login", fmt.Sprintf(`{"email":"%s@example.org","password":%q}`, args[0], password))
}

// enter begins a session.
func enter(ts *testscript.TestScript, status, path, body string) {
	ts.Setenv("TOKEN", "")
	var answer struct{ AccessToken string }
	ts.Check(json.Unmarshal(call(ts, status, http.MethodPost, path, body), &answer))
	ts.Setenv("TOKEN", answer.AccessToken)
}

func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: code NAME")
	}
	_, value, found := strings.Cut(strings.TrimSpace(ts.ReadFile("stdout")), "code=")
	if !found || strings.ContainsAny(value, " \n") {
		ts.Fatalf("no link was printed")
	}
	ts.Setenv(args[0], value)
}

func totpCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: totp NAME")
	}
	var enrolment struct{ Secret string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &enrolment))
	code, err := totp.GenerateCode(enrolment.Secret, time.Now())
	ts.Check(err)
	ts.Setenv(args[0], code)
}

func mailed(t *testing.T) func(*testscript.TestScript, bool, []string) {
	t.Helper()
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: mailed ADDRESS SUBJECT")
		}
		mailbox := ts.Value(mailboxKey{}).(*mailtest.Server)
		if mailbox.Waiting() == 0 { // commands send before they end
			ts.Fatalf("no mail has come")
		}
		if m := mailbox.Next(t); m.To != args[0] || m.Subject() != args[1] {
			ts.Fatalf("to %s: %s", m.To, m.Subject())
		}
	}
}

func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	pool := database(ts)
	defer pool.Close()
	switch _, err := pool.ExecContext(context.Background(), args[0]); {
	case err == nil && neg:
		ts.Fatalf("the database took it")
	case !neg:
		ts.Check(err)
	}
}

func database(ts *testscript.TestScript) *sql.DB {
	url := ts.Getenv("DB")
	driver := "pgx"
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		driver, url = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	pool, err := sql.Open(driver, url)
	ts.Check(err)
	return pool
}

func becomes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: becomes VALUE QUERY")
	}
	pool := database(ts)
	defer pool.Close()
	for began := time.Now(); ; <-time.After(10 * time.Millisecond) {
		var got string
		err := pool.QueryRowContext(context.Background(), args[1]).Scan(&got)
		if err == nil && got == args[0] {
			return
		}
		if time.Since(began) > patience {
			ts.Fatalf("still %q after %s, %v", got, patience, err)
		}
	}
}
