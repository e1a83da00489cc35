package job_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/metrics"
	"github.com/peisear/peisear/internal/base/trace"
)

// TestAttemptsAreSeen: each is a span, and the queue's figures are there.
func TestAttemptsAreSeen(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		states := map[string][]tracepb.Status_StatusCode{}
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			data := new(tracepb.TracesData)
			if err := proto.Unmarshal(body, data); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, s := range data.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans() {
				states[s.GetName()] = append(states[s.GetName()], s.GetStatus().GetCode())
			}
		}))
		defer collector.Close()
		tracer := trace.New(trace.Collector{Address: collector.URL}, slog.New(slog.DiscardHandler))
		attempts := 0
		q := newQueue(d, quick(), job.Handle(send, func(context.Context, letter) error {
			if attempts++; attempts == 1 {
				return errors.New("not now")
			}
			return nil
		}))
		q.Trace(tracer)
		stop := run(t, q)
		add(t, d, q, "ann", job.Options{})
		settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 1 && s.Undone == 1 })
		all := metrics.New("1")
		all.Add(q.Collectors()...)
		names, err := all.Names()
		for _, name := range []string{"peisear_jobs", "peisear_job_age_seconds", "peisear_jobs_ended_total"} {
			if err != nil || !slices.Contains(names, name) {
				t.Errorf("%s is not among %v, %v", name, names, err)
			}
		}
		stop()
		if err := tracer.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		want := []tracepb.Status_StatusCode{tracepb.Status_STATUS_CODE_ERROR, tracepb.Status_STATUS_CODE_UNSET}
		if got := states["job test.send"]; !slices.Equal(got, want) {
			t.Errorf("%v", states)
		}
	}, job.Migrations)
}
