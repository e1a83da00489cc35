// Package fold makes the keys by which texts are found and sorted for people: case
// and diacritics do not count. The two engines fold differently, so the program
// does it once and keeps the key beside the text.
package fold

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Key returns the folded form of a text: "Größe Café Łódź" gives "grosse cafe lodz". The
// app in the browser folds alike (web/src/tracker/issue/fold.ts), and both are held to
// testdata/keys.json. Keys are stored: whoever changes one form here writes a migration.
func Key(text string) string {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80
	}
	if ascii {
		return strings.ToLower(text)
	}
	var key strings.Builder
	key.Grow(len(text))
	for _, r := range norm.NFKD.String(text) {
		switch r = unicode.ToLower(r); {
		case r < 0x80:
			key.WriteByte(byte(r))
		case !unicode.Is(unicode.Mn, r):
			spell(&key, r)
		}
	}
	return key.String()
}

// spell writes a letter as whoever lacks it on the keyboard types it. To Unicode these
// have no diacritics, they are letters of their own.
func spell(key *strings.Builder, r rune) {
	switch r {
	case 'ß':
		key.WriteString("ss")
	case 'æ':
		key.WriteString("ae")
	case 'œ':
		key.WriteString("oe")
	case 'þ':
		key.WriteString("th")
	case 'ø':
		key.WriteByte('o')
	case 'ł':
		key.WriteByte('l')
	case 'đ', 'ð':
		key.WriteByte('d')
	case 'ħ':
		key.WriteByte('h')
	case 'ı':
		key.WriteByte('i')
	case 'ς': // at the end of a word: capitals have one form
		key.WriteRune('σ')
	default:
		key.WriteRune(r)
	}
}

// Pattern returns a LIKE pattern, with ESCAPE '\', for folded texts that contain
// the text.
func Pattern(text string) string { return Within(Key(text)) }

// Within is Pattern for a text that is folded already, in whatever way.
func Within(folded string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(folded) + "%"
}
