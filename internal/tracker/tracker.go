// Package tracker is the product: an issue tracker on the foundation in base,
// account and notes. Delete this folder, and its lines in app/product.go, to begin
// another app.
package tracker

import (
	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/board"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/importer"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
	"github.com/peisear/peisear/internal/tracker/seed"
)

// Features lists the tracker's slices in the order in which they depend on each
// other.
func Features(d *db.DB, log *live.Log, queue *job.Queue, accounts *account.Service) []feature.Feature {
	projects := project.New(d, log)
	projects.PurgeBy(queue)
	accounts.VetGrants(projects.Vet)
	accounts.Accepted.Subscribe(projects.Join)
	accounts.Leaving.Subscribe(projects.Leave)
	issues := issue.New(d, log, projects)
	comments := comment.New(d, log, projects, issues)
	index := search.New(d, issues, comments)
	projects.OnPurge(index.Purge)
	return []feature.Feature{
		project.Feature(projects),
		issue.Feature(issues),
		comment.Feature(comments),
		board.Feature(board.New(issues)),
		search.Feature(index),
	}
}

// InviteFlags are what the tracker adds to the making of an invite on the command line.
func InviteFlags() *project.InviteFlags { return new(project.InviteFlags) }

// Commands are what the tracker adds to the command line.
func Commands() []feature.Command { return []feature.Command{importer.Command(), seed.Command()} }
