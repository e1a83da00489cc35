package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/web"
)

// TestDownload: a file comes whole, or the client learns that it did not.
func TestDownload(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	api := web.New(slog.New(slog.NewTextHandler(&lines, nil)), nil)
	serve := func(id, path string, write func(w io.Writer) error) {
		op := web.Op(id, "GET "+path, http.StatusOK)
		web.Downloads(&op, "text/csv", "a file")
		web.Handle(api, op, func(context.Context, *struct{}) (*web.Download, error) {
			return web.NewDownload("text/csv; charset=utf-8", "file.csv", write), nil
		})
	}
	serve("test.whole", "/api/whole", func(w io.Writer) error {
		_, err := io.WriteString(w, "a,b\n")
		return err
	})
	serve("test.part", "/api/part", func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Repeat("a,b\n", 10_000))
		return errors.Join(err, errors.New("the database has gone"))
	})
	server := httptest.NewServer(api.Handler())
	defer server.Close()
	get := func(path string) (*http.Response, string, error) {
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return answer, string(text), err
	}
	answer, text, err := get("/api/whole")
	if err != nil || text != "a,b\n" || answer.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		answer.Header.Get("Content-Disposition") != `attachment; filename="file.csv"` {
		t.Errorf("%q %v, %v", text, answer.Header, err)
	}
	if _, text, err = get("/api/part"); err == nil {
		t.Errorf("%d bytes came as if they were all", len(text))
	}
	server.Close()
	if !strings.Contains(lines.String(), "the database has gone") || strings.Contains(lines.String(), "stack") {
		t.Error(lines.String())
	}
}
