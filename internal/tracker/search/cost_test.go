package search_test

import (
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
)

// BenchmarkIndex is what a text costs in the index, when a hundred come together.
func BenchmarkIndex(b *testing.B) {
	for _, engine := range basetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			w := newWorld(b, newDB(b, engine))
			seed(b, w, 20_000)
		})
	}
}
