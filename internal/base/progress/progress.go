// Package progress shows on a command line how far something has come.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	width = 30
	every = 100 * time.Millisecond
)

// Bar shows progress: redrawn in place on a terminal, and as one last line elsewhere.
type Bar struct {
	w           io.Writer
	what        string
	done, total int64
	terminal    bool
	drawn       time.Time
}

// New returns a bar; what is counted stands behind the figures.
func New(w io.Writer, total int64, what string) *Bar {
	b := &Bar{w: w, total: total, what: what}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		b.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return b
}

// Set says how many are done.
func (b *Bar) Set(done int64) {
	b.done = done
	if b.terminal && time.Since(b.drawn) >= every {
		b.drawn = time.Now()
		b.draw("\r")
	}
}

// Of is Set, of a total that is known only now.
func (b *Bar) Of(done, total int64) {
	b.total = total
	b.Set(done)
}

// End draws the bar for the last time, if anything was done.
func (b *Bar) End() {
	if b.done == 0 {
		return
	}
	if b.terminal {
		_, _ = io.WriteString(b.w, "\r")
	}
	b.draw("")
	_, _ = io.WriteString(b.w, "\n")
}

func (b *Bar) draw(before string) {
	full := width
	if b.total > 0 {
		full = int(min(width, width*b.done/b.total))
	}
	_, _ = fmt.Fprintf(b.w, "%s[%s%s] %d of %d %s", before, strings.Repeat("#", full), strings.Repeat(".", width-full), b.done, b.total, b.what)
}
