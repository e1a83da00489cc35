package db

import (
	"context"
	"testing"
)

// BenchmarkMeter is what measuring a read and a write costs.
func BenchmarkMeter(b *testing.B) {
	m := newMeter()
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			_, end := m.read(b.Context(), "db.read")
			end(nil)
		}
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			_, _ = m.write(b.Context(), func(*Tx) error { return nil }, func(_ context.Context, fn func(*Tx) error) (*Tx, error) { return nil, fn(nil) })
		}
	})
}
