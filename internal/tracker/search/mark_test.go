package search

import (
	"fmt"
	"strings"
	"testing"
)

func matcherOf(t *testing.T, text string) matcher {
	t.Helper()
	q, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return newMatcher(q)
}

// shownAs writes segments as one text: what is marked in brackets, and each by itself.
func shownAs(all []Segment) string {
	parts := make([]string, len(all))
	for i, s := range all {
		if parts[i] = s.Text; s.Marked {
			parts[i] = "[" + s.Text + "]"
		}
	}
	return strings.Join(parts, "|")
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	far := strings.Repeat("x", 70)
	for _, c := range []struct {
		query, text string
		goesOn      bool
		want        string
	}{
		{"needle", "a needle here", false, "a |[needle]| here"},
		{"needle", "a needle here", true, "a |[needle]| here|…"},
		{"needle", far + " needle", false, "…|[needle]"}, // not the ellipsis is what matches
		{"needle", far + " a needle", false, "…|a |[needle]"},
		{"needle", far + "-needle", false, "…|" + far[:59] + "-|[needle]"},
		{"needle", "needle\n\n" + strings.Repeat("y ", 200), false, "[needle]| " + strings.Repeat("y ", 116) + "|…"},
		{"nee", "one needle", false, "one |[needle]"},
		{"nee ", "one needle", false, ""},
		{`"two words" words`, "two words", false, "[two words]"},
		{"a b a", "b a c", false, "[b]| |[a]| c"},
		{`"x b" "y b" b`, "a b x b", false, "a |[b]| |[x b]"},
		{"long-term", "a long, term", false, "a |[long, term]"},
		{"gone", "a needle here", true, ""},
	} {
		if got := shownAs(matcherOf(t, c.query).excerpt(c.text, c.goesOn)); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.query, c.text, got, c.want)
		}
	}
	if got := shownAs(beginning("a\ntext "+far, true)); got != "a text "+far+"|…" {
		t.Errorf("the beginning: %q", got)
	}
}

// TestLongPhrases: a term is found wherever it begins, however many words came before.
func TestLongPhrases(t *testing.T) {
	t.Parallel()
	phrase := strings.TrimSpace(strings.Repeat("字", maxAsked))
	m := matcherOf(t, phrase)
	for n := range 5 * maxAsked {
		if found := m.spans(strings.Repeat("a ", n)+phrase, 0); len(found) != 1 || found[0].start != 2*n {
			t.Fatalf("after %d words: %v", n, found)
		}
	}
}

// TestTermsCostNothing: of many terms only those are looked at that end with the word.
func TestTermsCostNothing(t *testing.T) {
	t.Parallel()
	var query, text strings.Builder
	for i := range maxAsked {
		fmt.Fprintf(&query, "w%d ", i)
	}
	m := matcherOf(t, query.String())
	same := matcherOf(t, strings.Repeat("w1 ", maxAsked))
	for i := range 10_000 {
		fmt.Fprintf(&text, "w%d ", i%1000)
	}
	seen, looked, twice := 0, 0, 0
	for w := range words(text.String()) {
		seen++
		m.candidates(w.text, func(int, fit) { looked++ })
		same.candidates(w.text, func(int, fit) { twice++ })
	}
	if seen != 10_000 || looked != 10*maxAsked || twice != 10 {
		t.Errorf("%d words, %d terms were looked at, and %d of those that are one", seen, looked, twice)
	}
}
