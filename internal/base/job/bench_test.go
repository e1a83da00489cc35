package job_test

import (
	"context"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

// BenchmarkJob is a job from the transaction that asks for it until it is done, one
// after the other.
func BenchmarkJob(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			d := basetest.NewDB(b, engine, job.Migrations)
			done := make(chan struct{})
			q := newQueue(d, job.Standard(), job.Handle(send, func(context.Context, letter) error {
				done <- struct{}{}
				return nil
			}))
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				q.Run(ctx)
			}()
			for b.Loop() {
				_, err := db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) {
					return struct{}{}, job.Add(ctx, q, tx, send, letter{"ann"}, job.Options{})
				})
				if err != nil {
					b.Fatal(err)
				}
				<-done
			}
			cancel()
			<-ended
		})
	}
}
