// Package rank makes fractional indexes: texts that sort, byte by byte, between any
// two others, so that moving one row in an order changes that row alone.
//
// An index is an integer part and a fraction over the digits 0-9A-Za-z. The first
// character says how long the integer part is: a to z stand for 2 to 27 characters
// counting up, Z down to A for 2 to 27 counting down. Adding at either end counts
// the integer on, so such indexes stay short; only putting many rows between the
// same two makes a fraction grow, by a character for about six rows.
//
// The form is that of https://observablehq.com/@dgreensp/implementing-fractional-indexing,
// which the browser's side uses too.
package rank

import (
	"errors"
	"strings"
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// first is the index of a row that is alone.
const first = "a0"

// smallest has no integer part below it.
const smallest = "A00000000000000000000000000"

// ErrForm says that a text is no index, or that two are not in order.
var ErrForm = errors.New("not a fractional index")

// Between returns an index after a and before b. An empty a is before everything,
// an empty b after everything. ErrForm: a or b is no index, or a is not before b.
func Between(a, b string) (string, error) {
	if a != "" && !valid(a) || b != "" && !valid(b) || a != "" && b != "" && a >= b {
		return "", ErrForm
	}
	switch {
	case a == "" && b == "":
		return first, nil
	case a == "":
		return before(b)
	case b == "":
		return after(a)
	}
	whole, fraction := split(a)
	wholeB, fractionB := split(b)
	if whole == wholeB {
		return whole + midpoint(fraction, fractionB), nil
	}
	if next, ok := increment(whole); ok && next < b {
		return next, nil
	}
	return whole + midpoint(fraction, ""), nil
}

// Spread returns n indexes after a and before b, in order and as far from each other as
// short ones can be. ErrForm: as in Between.
func Spread(a, b string, n int) ([]string, error) {
	all := make([]string, n)
	return all, spread(all, a, b)
}

// spread halves the distance, or counts away from the one end that there is.
func spread(all []string, a, b string) (err error) {
	if len(all) == 0 {
		return nil
	}
	at := len(all) / 2
	switch {
	case b == "":
		at = 0
	case a == "":
		at = len(all) - 1
	}
	if all[at], err = Between(a, b); err != nil {
		return err
	}
	return errors.Join(spread(all[:at], a, all[at]), spread(all[at+1:], all[at], b))
}

// before counts down from b.
func before(b string) (string, error) {
	whole, fraction := split(b)
	if whole == smallest {
		return whole + midpoint("", fraction), nil
	}
	if whole < b {
		return whole, nil
	}
	previous, ok := decrement(whole)
	if !ok {
		return "", ErrForm
	}
	return previous, nil
}

// after counts up from a.
func after(a string) (string, error) {
	whole, fraction := split(a)
	if next, ok := increment(whole); ok {
		return next, nil
	}
	return whole + midpoint(fraction, ""), nil
}

// midpoint returns a fraction between a and b, where "" for b stands for 1. The
// caller knows that a < b and that neither ends in 0.
func midpoint(a, b string) string {
	if b != "" {
		n := 0
		for n < len(b) && digitOr0(a, n) == b[n] {
			n++
		}
		if n > 0 {
			return b[:n] + midpoint(a[min(n, len(a)):], b[n:])
		}
	}
	low, high := 0, len(digits)
	if a != "" {
		low = strings.IndexByte(digits, a[0])
	}
	if b != "" {
		high = strings.IndexByte(digits, b[0])
	}
	switch {
	case high-low > 1:
		return string(digits[(low+high+1)/2])
	case len(b) > 1:
		return b[:1]
	}
	return string(digits[low]) + midpoint(a[min(1, len(a)):], "")
}

func digitOr0(text string, at int) byte {
	if at < len(text) {
		return text[at]
	}
	return digits[0]
}

// wholeLength is how long the integer part is that begins with head; 0 when none does.
func wholeLength(head byte) int {
	switch {
	case head >= 'a' && head <= 'z':
		return int(head-'a') + 2
	case head >= 'A' && head <= 'Z':
		return int('Z'-head) + 2
	}
	return 0
}

func split(index string) (whole, fraction string) {
	n := wholeLength(index[0])
	return index[:n], index[n:]
}

func valid(index string) bool {
	n := wholeLength(index[0])
	if n == 0 || len(index) < n || index == smallest || len(index) > n && index[len(index)-1] == digits[0] {
		return false
	}
	return strings.Trim(index[1:], digits) == ""
}

// increment counts the integer up; it is false at the end of all integers.
func increment(whole string) (string, bool) {
	text := []byte(whole)
	for i := len(text) - 1; i > 0; i-- {
		if d := strings.IndexByte(digits, text[i]) + 1; d < len(digits) {
			text[i] = digits[d]
			return string(text), true
		}
		text[i] = digits[0]
	}
	switch head := text[0]; {
	case head == 'Z':
		return first, true
	case head == 'z':
		return "", false
	case head >= 'a':
		return string(head+1) + string(text[1:]) + digits[:1], true
	default:
		return string(head+1) + string(text[2:]), true
	}
}

// decrement counts the integer down; it is false at the beginning of all integers.
func decrement(whole string) (string, bool) {
	last := digits[len(digits)-1]
	text := []byte(whole)
	for i := len(text) - 1; i > 0; i-- {
		if d := strings.IndexByte(digits, text[i]) - 1; d >= 0 {
			text[i] = digits[d]
			return string(text), true
		}
		text[i] = last
	}
	switch head := text[0]; {
	case head == 'a':
		return "Z" + string(last), true
	case head == 'A':
		return "", false
	case head <= 'Z':
		return string(head-1) + string(text[1:]) + string(last), true
	default:
		return string(head-1) + string(text[2:]), true
	}
}
