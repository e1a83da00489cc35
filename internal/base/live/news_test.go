package live

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/db"
)

// TestWords: what is told is understood, and what is too long to tell is to be looked for.
func TestWords(t *testing.T) {
	t.Parallel()
	word := wordOf([]string{"org", "project:1", "user:a"}, map[string]int64{"org": 7, "user:a": 0})
	subject, lines, _ := strings.Cut(word, "\n")
	further, heads := readWord(lines)
	if subject != logSubject || !cmp.Equal(further, []string{"project:1"}) || !cmp.Equal(heads, map[string]int64{"org": 7, "user:a": 0}) {
		t.Errorf("%q: %v, %v", word, further, heads)
	}
	var many []string
	for i := range 400 {
		many = append(many, fmt.Sprintf("project:%036d", i))
	}
	if word := wordOf(many, nil); word != "" {
		t.Errorf("%d bytes", len(word))
	}
	if word := wordOf(many[:100], nil); word == "" || len(word) > db.MaxTold {
		t.Errorf("%d bytes", len(word))
	}
}

// TestNewsIsBounded: of more scopes than can be told, none is kept.
func TestNewsIsBounded(t *testing.T) {
	t.Parallel()
	n := newNews()
	if n.add([]string{"org"}); len(n.scopes) != 0 {
		t.Error("it keeps what nobody will tell")
	}
	n.running.Store(true)
	n.add([]string{"b", "a"})
	n.add([]string{"a"})
	if scopes, many := n.take(); !cmp.Equal(scopes, []string{"a", "b"}) || many {
		t.Errorf("%v, %t", scopes, many)
	}
	for i := range maxNews + 1 {
		n.add([]string{fmt.Sprint(i)})
	}
	if len(n.scopes) > maxNews {
		t.Errorf("%d scopes", len(n.scopes))
	}
	if _, many := n.take(); !many {
		t.Error("too many, and nobody is told to look")
	}
	if scopes, many := n.take(); len(scopes) > 0 || many {
		t.Errorf("again: %v, %t", scopes, many)
	}
	n.again()
	if _, many := n.take(); !many {
		t.Error("what was told to nobody is forgotten")
	}
}
