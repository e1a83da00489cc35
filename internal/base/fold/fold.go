// Package fold makes the keys by which texts are found and sorted for people: case
// and diacritics do not count. The two engines fold differently, so the program
// does it once and keeps the key beside the text.
package fold

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Key returns the folded form of a text: "Größe Café" gives "grosse cafe".
func Key(text string) string {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80
	}
	if ascii {
		return strings.ToLower(text)
	}
	// A transformer keeps state, so each call has its own.
	plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn))), text)
	if err != nil {
		plain = text // a key that folds less is better than none
	}
	return strings.ReplaceAll(strings.ToLower(plain), "ß", "ss")
}

// Pattern returns a LIKE pattern, with ESCAPE '\', for folded texts that contain
// the text.
func Pattern(text string) string { return Within(Key(text)) }

// Within is Pattern for a text that is folded already, in whatever way.
func Within(folded string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(folded) + "%"
}
