package search_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/search"
)

// BenchmarkFind is a search among so many issues, of 50 words each in which some are
// common and most are rare: PEISEAR_BENCH_ISSUES, 10,000 by default.
func BenchmarkFind(b *testing.B) {
	for _, engine := range basetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			w := newWorld(b, newDB(b, engine))
			seed(b, w, benchIssues(b))
			for _, text := range []string{"w0x", "w5x w9x", "w10000x", "w1", "w0x w15000", `"w0x w1x"`, "nowhere", "MESOS-77"} {
				b.Run(strings.ReplaceAll(text, " ", "+"), func(b *testing.B) {
					var page search.Page
					for b.Loop() {
						var err error
						if page, err = w.Find(b.Context(), w.viewer, search.Query{Text: text, Limit: 20}); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(page.Found), "found")
				})
			}
		})
	}
}

// BenchmarkLongTexts is the page that costs most: 200 issues of 100,000 characters, which
// have none of 64 words but in their last line, or nothing but them.
func BenchmarkLongTexts(b *testing.B) {
	var query strings.Builder
	for i := range 64 {
		fmt.Fprintf(&query, "%c%c ", 'k'+i%8, 'k'+i/8)
	}
	for name, text := range map[string]string{
		"latin": strings.Repeat("filler ", 14_000), "cyrillic": strings.Repeat("лучший ", 14_000),
		"han": strings.Repeat("字", 15_000), "matches": strings.Repeat(query.String(), 500),
	} {
		for _, engine := range basetest.Engines() {
			b.Run(name+"/"+engine, func(b *testing.B) {
				w := newWorld(b, newDB(b, engine))
				sources := make([]issue.Source, search.MaxPage)
				for i := range sources {
					sources[i] = issue.Source{Alias: fmt.Sprint("OLD-", i), Draft: issue.Draft{Title: "long", Description: text + query.String()}}
				}
				w.bring(b, sources)
				if err := w.CatchUp(b.Context()); err != nil {
					b.Fatal(err)
				}
				before, n := ownCPU(b), 0
				for b.Loop() {
					page, err := w.Find(b.Context(), w.viewer, search.Query{Text: query.String(), Limit: search.MaxPage})
					if err != nil || len(page.Hits) != search.MaxPage {
						b.Fatal(len(page.Hits), err)
					}
					n++
				}
				b.ReportMetric(float64((ownCPU(b)-before).Milliseconds())/float64(n), "cpu-ms/op")
			})
		}
	}
}

// BenchmarkIndex is what a text costs in the index, when many come together.
func BenchmarkIndex(b *testing.B) {
	for _, engine := range basetest.Engines() {
		b.Run(engine, func(b *testing.B) { seed(b, newWorld(b, newDB(b, engine)), benchIssues(b)) })
	}
}

func benchIssues(b *testing.B) int {
	b.Helper()
	text := os.Getenv("PEISEAR_BENCH_ISSUES")
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// batch is how many issues are imported before the index follows.
const batch = 200

// seed imports issues and says what the index has cost.
func seed(b *testing.B, w world, n int) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var spent time.Duration
	for i := 0; i < n; i += batch {
		sources := make([]issue.Source, min(batch, n-i))
		for j := range sources {
			sources[j] = issue.Source{Alias: fmt.Sprint("OLD-", i+j), Draft: issue.Draft{Title: prose(r, 8), Description: prose(r, 42)}}
		}
		w.bring(b, sources)
		before := ownCPU(b)
		if err := w.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		spent += ownCPU(b) - before
		if (i+batch)%50_000 == 0 {
			b.Logf("%d issues: %v of CPU each so far", i+batch, spent/time.Duration(i+batch))
		}
	}
	b.Logf("%d issues, %v of CPU each for the index, in this process", n, spent/time.Duration(n))
}

// prose is n words of 20,000, the first ones often.
func prose(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		f := r.Float64()
		fmt.Fprintf(&b, "w%dx ", int(20_000*f*f*f))
	}
	return b.String()
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
