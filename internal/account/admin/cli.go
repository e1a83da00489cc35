package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
)

// Desk is where the operator's commands work, beside a server that may be running: it
// obeys within a second. They act as account.Operator.
type Desk struct {
	Ctx    context.Context //nolint:containedctx // the command is one call
	Stdin  io.Reader
	Stdout io.Writer // for what a script takes further
	Stderr io.Writer // for what a person reads

	// Open opens the foundation on the database, which must be at the program's version.
	Open func(ctx context.Context) (Office, error)
}

// Office is the foundation on an open database.
type Office struct {
	Accounts *account.Service
	Factors  Factors
	DB       *db.DB
	Log      *live.Log
}

// Factors are the second factors of users; package factor keeps them.
type Factors interface {
	// Reset takes all from a user. NotFound: they have none.
	Reset(ctx context.Context, by account.Actor, userID string) error
}

// Promises are flags that a product adds to the making of an invite: a pointer to a
// struct for kong.
type Promises interface {
	// Grants returns what the flags promise, nil for nothing.
	Grants(ctx context.Context, d *db.DB, log *live.Log) ([]any, error)
}

// Commands are peisear user and peisear invite.
func Commands(promises ...Promises) []feature.Command {
	invite := new(inviteCommand)
	for _, p := range promises {
		invite.Create.Plugins = append(invite.Create.Plugins, p)
	}
	return []feature.Command{
		{Name: "user", Help: "See and manage users.", Parse: new(userCommand)},
		{Name: "invite", Help: "See and make invites.", Parse: invite},
	}
}

// at opens the office for a command and says its errors in plain words.
func (d *Desk) at(do func(ctx context.Context, o Office) error) (err error) {
	o, err := d.Open(d.Ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.DB.Close()) }()
	defer o.Accounts.Deliver(d.Ctx)
	return errs.Plain(do(d.Ctx, o))
}

// tell says to a person what was done.
func (d *Desk) tell(format string, args ...any) error {
	_, err := fmt.Fprintf(d.Stderr, format+"\n", args...)
	return err
}

// give prints what can be had this once.
func (d *Desk) give(link string) error {
	_, err := fmt.Fprintln(d.Stdout, link)
	return err
}

// table prints rows under a head.
func (d *Desk) table(head string, rows [][]string) error {
	w := tabwriter.NewWriter(d.Stdout, 0, 0, 2, ' ', 0)
	lines := []string{strings.ReplaceAll(head, " ", "\t")}
	for _, row := range rows {
		lines = append(lines, strings.Join(row, "\t"))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// find returns the user with an address, and says so when there is none.
func find(ctx context.Context, o Office, email string) (account.Profile, error) {
	p, err := o.Accounts.Find(ctx, email)
	if errs.Is(err, errs.NotFound) {
		err = fmt.Errorf("nobody has an account with the address %s", email)
	}
	return p, err
}

// maxPasswordInput bounds what is read for a password, in bytes.
const maxPasswordInput = 4 << 10

// password reads the first line of standard input.
func (d *Desk) password() (string, error) {
	text, err := io.ReadAll(io.LimitReader(d.Stdin, maxPasswordInput))
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); err == nil && line == "" {
		err = errors.New("there is no password on standard input")
	}
	return line, err
}

// moment is a time as a table shows it.
func moment(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.Format("2006-01-02 15:04")
}
