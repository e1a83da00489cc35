// Package projecttest lets the tests of other slices wait for nothing that a deleted
// project leaves.
package projecttest

import (
	"context"
	"errors"
	"testing"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/tracker/project"
)

// Purge removes what deleted projects have left, at once.
func Purge(t testing.TB, d *db.DB, projects *project.Service) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(context.WithoutCancel(t.Context()), "UPDATE project SET deleted_at = 1 WHERE deleted_at IS NOT NULL")
		return struct{}{}, err
	})
	if err := errors.Join(err, projects.Purge(t.Context())); err != nil {
		t.Fatal(err)
	}
}
