package trace

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// caller is what a request says about the span that it is made in; the zero caller says
// nothing.
type caller struct {
	trace, span []byte
	sampled     bool
	state       string
}

// callerOf reads the header traceparent (W3C Trace Context): version, trace, span, flags.
// What is not of that form says nothing.
func callerOf(header http.Header) (c caller) {
	part := strings.Split(header.Get("traceparent"), "-")
	if len(part) < 4 || len(part[0]) != 2 || part[0] == "ff" || part[0] == "00" && len(part) > 4 {
		return caller{}
	}
	version, trace, span, flags := lowerHex(part[0], 1), lowerHex(part[1], 16), lowerHex(part[2], 8), lowerHex(part[3], 1)
	if version == nil || flags == nil || zero(trace) || zero(span) {
		return caller{}
	}
	c = caller{trace: trace, span: span, sampled: flags[0]&1 == 1}
	if state := header.Get("tracestate"); len(state) <= 512 {
		c.state = state
	}
	return c
}

// lowerHex is the n bytes that a text of lower-case hexadecimal digits stands for, else nil.
func lowerHex(text string, n int) []byte {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != n || strings.ToLower(text) != text {
		return nil
	}
	return data
}

// zero is true for nothing, too.
func zero(id []byte) bool {
	for _, b := range id {
		if b != 0 {
			return false
		}
	}
	return true
}

// Sampler decides which traces are sent. The zero Sampler sends all but those whose
// caller does not.
type Sampler struct {
	Few    bool    // of those that are decided here
	Ratio  float64 // so many, where Few is set
	Always bool    // decide here, whatever the caller does
}

// NewSampler reads the values of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; either
// may be "".
func NewSampler(name, arg string) (s Sampler, err error) {
	ratio := 1.0
	if arg != "" {
		ratio, err = strconv.ParseFloat(arg, 64)
	}
	if err != nil || !(0 <= ratio && ratio <= 1) { // NaN is neither
		return s, errors.New("expected a number from 0 to 1")
	}
	root, parentBased := strings.CutPrefix(name, "parentbased_")
	s.Always = !parentBased && name != ""
	switch root {
	case "", "always_on":
	case "always_off":
		s.Few = true
	case "traceidratio":
		s.Few, s.Ratio = true, ratio
	default:
		return s, fmt.Errorf("%q is none of those of OpenTelemetry", name)
	}
	return s, nil
}

// takes decides by the trace's id, so that all who are asked decide alike.
func (s Sampler) takes(from caller) bool {
	switch {
	case from.span != nil && !s.Always:
		return from.sampled
	case !s.Few:
		return true
	}
	return float64(binary.BigEndian.Uint64(from.trace[8:])>>1) < s.Ratio*(1<<63)
}
