// Package feature says what a slice brings to the app: values, no interface.
package feature

import (
	"context"
	"io"
	"io/fs"
	"log/slog"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature is one slice as the composition root sees it. Only Name is required.
type Feature struct {
	Name       string
	Migrations fs.FS                                                      // *.sql, at any depth
	Routes     func(api *web.API)                                         // registers the operations
	Scopes     func(ctx context.Context, userID string) ([]string, error) // the scopes that the user may follow
	Parts      []live.Part                                                // what the slice puts into snapshots
	Jobs       []job.Handler                                              // what the slice does later, or again and again
	Run        func(ctx context.Context, logger *slog.Logger)             // what goes on beside the requests, until ctx ends

	// Derived are tables that the slice makes from others, and that no archive has.
	Derived []archive.Derived

	// Reseal seals anew, under the current secret, what the slice keeps sealed, and
	// returns how many values it changed. Called again, it changes none.
	Reseal func(ctx context.Context, d *db.DB, m secret.Master) (n int, err error)
}

// Command is a word of the command line that a slice brings. Parse is a pointer to a
// struct for kong, whose commands have the method Run(*Host) error.
type Command struct {
	Name  string
	Help  string
	Parse any

	Hidden bool // from the help: who needs it knows it
}

// Host is what a command is run with. It acts beside a server that may be running,
// on the same database.
type Host struct {
	Ctx    context.Context //nolint:containedctx // the command is one call
	Stdout io.Writer
	Stderr io.Writer

	// Open opens the database, which must be at the program's version already: a
	// command never migrates what a server has open. Close what it returns.
	Open func(ctx context.Context) (*db.DB, *live.Log, error)
}
