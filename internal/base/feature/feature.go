// Package feature says what a slice brings to the app: values, no interface.
package feature

import (
	"context"
	"io/fs"

	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature is one slice as the composition root sees it. Only Name is required.
type Feature struct {
	Name       string
	Migrations fs.FS                                                      // *.sql, at any depth
	Routes     func(api *web.API)                                         // registers the operations
	Scopes     func(ctx context.Context, userID string) ([]string, error) // the scopes that the user may follow
	Parts      []live.Part                                                // what the slice puts into snapshots
}
