package trace

import (
	"net/http"
	"strings"
	"testing"
)

const (
	goodTrace = "0af7651916cd43dd8448eb211c80319c"
	goodSpan  = "b7ad6b7169203331"
)

func header(traceparent string) http.Header {
	return http.Header{"Traceparent": {traceparent}, "Tracestate": {"a=b"}}
}

func TestCaller(t *testing.T) {
	t.Parallel()
	for text, sampled := range map[string]bool{
		"00-" + goodTrace + "-" + goodSpan + "-01": true, "00-" + goodTrace + "-" + goodSpan + "-00": false,
		"cc-" + goodTrace + "-" + goodSpan + "-03-what comes later": true,
	} {
		if c := callerOf(header(text)); len(c.trace) != 16 || len(c.span) != 8 || c.sampled != sampled || c.state != "a=b" {
			t.Errorf("%s: %+v", text, c)
		}
	}
	for _, text := range []string{
		"", "00", "00-" + goodTrace + "-" + goodSpan, "ff-" + goodTrace + "-" + goodSpan + "-01", "00-" + goodTrace + "-" + goodSpan + "-01-more",
		"00-" + strings.ToUpper(goodTrace) + "-" + goodSpan + "-01", "00-" + strings.Repeat("0", 32) + "-" + goodSpan + "-01",
		"00-" + goodTrace + "-0000000000000000-01", "00-" + goodTrace[1:] + "-" + goodSpan + "-01", "00-" + goodTrace + "-" + goodSpan + "-x1",
		"xx-" + goodTrace + "-" + goodSpan + "-01",
	} {
		if c := callerOf(header(text)); c.trace != nil || c.span != nil || c.sampled {
			t.Errorf("%s: %+v", text, c)
		}
	}
}

// FuzzCaller: whatever a client says, it is a caller or none.
func FuzzCaller(f *testing.F) {
	f.Add("00-" + goodTrace + "-" + goodSpan + "-01")
	f.Fuzz(func(t *testing.T, text string) {
		if c := callerOf(header(text)); (c.trace == nil) != (c.span == nil) || c.trace != nil && (len(c.trace) != 16 || len(c.span) != 8) {
			t.Errorf("%+v", c)
		}
	})
}

func TestSampler(t *testing.T) {
	t.Parallel()
	low, high := random(16), random(16)
	low[8], high[8] = 0, 0xff
	const root, followed, left = 1, 2, 4 // nobody has called, or a caller who is sent or not
	for _, c := range []struct {
		name, arg string
		takes     int // of low traces
		high      bool
	}{
		{"", "", root | followed, true},
		{"parentbased_always_on", "", root | followed, true},
		{"parentbased_always_off", "", followed, false},
		{"parentbased_traceidratio", "0.5", root | followed, false},
		{"always_on", "", root | followed | left, true},
		{"always_off", "", 0, false},
		{"traceidratio", "0.5", root | followed | left, false},
		{"traceidratio", "", root | followed | left, true},
		{"traceidratio", "0", 0, false},
	} {
		s, err := NewSampler(c.name, c.arg)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for bit, from := range map[int]caller{root: {trace: low}, followed: {trace: low, span: random(8), sampled: true}, left: {trace: low, span: random(8)}} {
			if s.takes(from) {
				got |= bit
			}
		}
		if got != c.takes || s.takes(caller{trace: high}) != c.high {
			t.Errorf("%s %s: %b, %t", c.name, c.arg, got, s.takes(caller{trace: high}))
		}
	}
	for _, wrong := range [][2]string{{"some", ""}, {"traceidratio", "2"}, {"traceidratio", "x"}, {"traceidratio", "-1"}, {"traceidratio", "NaN"}} {
		if _, err := NewSampler(wrong[0], wrong[1]); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}
