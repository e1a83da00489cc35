package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestEachPartHasItsLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, LogLevels{Default: slog.LevelWarn, Parts: map[string]slog.Level{"web": slog.LevelDebug, "live": slog.LevelError}})
	log.Info("hidden-1")
	log.Warn("shown-1")
	log.With(partKey, "web").WithGroup("g").Debug("shown-2", "a", 1)
	log.With(partKey, "live").Warn("hidden-2")
	log.With("other", 1).Info("hidden-3")
	if text := out.String(); strings.Contains(text, "hidden") || strings.Count(text, "shown") != 2 {
		t.Error(text)
	}
}
