package project

import (
	"context"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
)

// InviteFlags are what projects add to the making of an invite on the command line.
type InviteFlags struct {
	Project []string `placeholder:"KEY:ROLE" help:"Makes the new user a member: owner, maintainer, member or viewer of the project. Can be given several times."`
}

// Grants returns what the flags promise.
func (f *InviteFlags) Grants(ctx context.Context, d *db.DB, log *live.Log) ([]any, error) {
	return New(d, log).Promise(ctx, f.Project)
}
