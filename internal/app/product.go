package app

import (
	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/admin"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/notes"
	"github.com/peisear/peisear/internal/tracker"
)

// product lists the features in the order in which they depend on each other.
// A new feature is one line here.
func product(d *db.DB, log *live.Log, queue *job.Queue, accounts *account.Service) []feature.Feature {
	own := notes.New(d, log)
	accounts.Leaving.Subscribe(own.Leave)
	features := []feature.Feature{notes.Feature(own)}
	return append(features, tracker.Features(d, log, queue, accounts)...)
}

// commands are what the slices add to the command line.
func commands() []feature.Command {
	return append(admin.Commands(tracker.InviteFlags()), tracker.Commands()...)
}
