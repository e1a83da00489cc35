// Package blank tells texts that show nothing from those that do: a title of spaces, or of
// characters that have no shape, is as good as none.
package blank

import (
	"strings"
	"unicode"
)

// Is reports whether nothing of the text is to be seen. The app in the browser judges alike
// (web/src/base/ui/blank.ts), and both are held to testdata/texts.json.
func Is(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !hidden(r) })
}

// Trim returns the text without the spaces around it, "" when nothing of it is to be seen.
// What is hidden in a text that shows something stays: languages and emoji are written
// with it.
func Trim(text string) string {
	if Is(text) {
		return ""
	}
	return strings.TrimSpace(text)
}

// hidden reports whether a character alone shows nothing: spaces and control characters,
// those that Unicode lets be ignored where no font knows them, and what is drawn empty.
func hidden(r rune) bool {
	switch {
	case unicode.IsSpace(r), unicode.IsControl(r), unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case unicode.Is(unicode.Cf, r):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r) && (r < 0x13430 || r > 0x1343f) // signs over numbers, joiners of hieroglyphs
	}
	return r == 0x2800 // a Braille cell without dots
}
