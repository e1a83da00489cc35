package app

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// partKey is the attribute by which a logger tells its part of the program: web,
// live or account. LOG_LEVEL may give each its own level.
const partKey = "part"

// partHandler lets records pass from the level of their logger's part on.
type partHandler struct {
	slog.Handler
	levels LogLevels
	part   string
}

// newLogger writes one JSON line per record.
func newLogger(w io.Writer, levels LogLevels) *slog.Logger {
	lowest := levels.Default
	for _, level := range levels.Parts {
		lowest = min(lowest, level)
	}
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: lowest})
	return slog.New(&partHandler{Handler: lines, levels: levels})
}

// Enabled reports whether the part logs at the level.
func (h *partHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.levels.Of(h.part)
}

// WithAttrs notes the part, when it is among the attributes.
func (h *partHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	part := h.part
	if i := slices.IndexFunc(attrs, func(a slog.Attr) bool { return a.Key == partKey }); i >= 0 {
		part = attrs[i].Value.String()
	}
	return &partHandler{Handler: h.Handler.WithAttrs(attrs), levels: h.levels, part: part}
}

// WithGroup keeps the part.
func (h *partHandler) WithGroup(name string) slog.Handler {
	return &partHandler{Handler: h.Handler.WithGroup(name), levels: h.levels, part: h.part}
}
