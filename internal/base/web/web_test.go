package web_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/web"
)

type empty struct{}

// failing serves an operation that returns err, and the log it writes.
func failing(err error) (http.Handler, *bytes.Buffer) {
	log := new(bytes.Buffer)
	api := web.New(slog.New(slog.NewJSONHandler(log, nil)), nil)
	web.Handle(api, web.Op("thing.get", "GET /api/thing", 200),
		func(context.Context, *empty) (*empty, error) {
			if err == nil {
				panic("boom")
			}
			return nil, err
		})
	return api.Handler(), log
}

func TestEveryKindHasAStatus(t *testing.T) {
	t.Parallel()
	for kind, want := range map[errs.Kind]int{
		errs.Internal: 500, errs.Invalid: 422, errs.Unauthorized: 401, errs.Forbidden: 403, errs.NotFound: 404,
		errs.Conflict: 409, errs.TooLarge: 413, errs.RateLimited: 429, errs.Unavailable: 503,
	} {
		h, _ := failing(errs.New(kind, "says why"))
		status, answer := basetest.Do(t, h, "GET", "/api/thing", nil, "")
		if status != want || !strings.Contains(answer, "says why") {
			t.Errorf("kind %d: %d %s", kind, status, answer)
		}
	}
}

// TestForeignTextStaysInTheLog: a driver's text reaches the log and nobody else.
func TestForeignTextStaysInTheLog(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"foreign":  errors.New("pq: relation secret_table"),
		"as cause": errs.From(errors.New("pq: relation secret_table"), errs.Conflict, "already exists"),
		"panic":    nil,
	} {
		h, log := failing(err)
		status, answer := basetest.Do(t, h, "GET", "/api/thing", nil, "")
		if strings.Contains(answer, "secret_table") || strings.Contains(answer, "boom") {
			t.Errorf("%s: the client sees %s", name, answer)
		}
		if status == 500 && !strings.Contains(log.String(), "secret_table") && !strings.Contains(log.String(), "boom") {
			t.Errorf("%s: the log lacks the cause: %s", name, log)
		}
		if status != 500 && status != 409 {
			t.Errorf("%s: status %d", name, status)
		}
	}
}

func TestOneLinePerRequest(t *testing.T) {
	t.Parallel()
	h, log := failing(errs.New(errs.NotFound, "no"))
	basetest.Do(t, h, "GET", "/api/thing", nil, "")
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), `"status":404`) {
		t.Errorf("%d lines: %s", lines, log)
	}
}

func TestHiddenInputIsRefused(t *testing.T) {
	t.Parallel()
	type hidden struct{ empty } //nolint:unused // that huma does not see it is the point
	defer func() {
		if recover() == nil {
			t.Error("registered")
		}
	}()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	web.Handle(api, web.Op("x.get", "GET /api/x", 200),
		func(context.Context, *hidden) (*empty, error) { return nil, nil })
}
