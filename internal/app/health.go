package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/web"
)

// maxHealth is how long the database may take to say that it is there. Who asks for health
// does not wait as long as who reads.
const maxHealth = 3 * time.Second

// writesWork is what health says of writes as long as they do.
const writesWork = "ok"

type healthOutput struct {
	Body struct {
		Status   string     `json:"status" enum:"ok,degraded" doc:"degraded: it reads, and keeps no changes for now"`
		Database string     `json:"database" enum:"sqlite,postgres"`
		Writes   string     `json:"writes" doc:"ok, or what stands in their way: no space, disk error, read only, locked, unreachable"`
		Since    *time.Time `json:"since,omitempty" doc:"of what stands in their way"`
	}
}

var errDatabaseSilent = errs.Later(errs.Unavailable, 5*time.Second, "the database does not answer")

// health is for monitors: /api/health asks the database, /health says that the process
// answers. A server that reads but keeps no changes is worth its place behind a load
// balancer, and starting it again would mend nothing: it answers 200, and says so.
func (a *App) health() {
	web.Handle(a.api, web.Op("health.get", "GET /api/health", http.StatusOK),
		func(ctx context.Context, _ *struct{}) (*healthOutput, error) {
			asking, enough := context.WithTimeout(ctx, maxHealth)
			defer enough()
			_, err := db.Read(asking, a.db, func(ctx context.Context, c db.Conn) (one int, err error) {
				return one, c.QueryRowContext(ctx, "SELECT 1").Scan(&one)
			})
			if err != nil {
				return nil, errors.Join(errDatabaseSilent, err)
			}
			out := new(healthOutput)
			out.Body.Status, out.Body.Database, out.Body.Writes = "ok", a.db.Engine(), writesWork
			if h := a.db.Health(ctx); h.Trouble != "" {
				out.Body.Status, out.Body.Writes, out.Body.Since = "degraded", string(h.Trouble), &h.Since
			}
			return out, nil
		})
	a.api.Stream("health.text", "GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // the client has gone
	})
}

// logHealth is the one line for all requests that meet the same trouble.
func logHealth(ctx context.Context, logger *slog.Logger, h db.Health) {
	if h.Trouble == "" {
		logger.InfoContext(ctx, "changes are kept again")
		return
	}
	logger.ErrorContext(ctx, "changes are not kept for now", "why", string(h.Trouble))
}
