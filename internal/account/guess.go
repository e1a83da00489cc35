package account

import (
	_ "embed"
	"sort"
	"strings"
	"unicode"
)

// guessedList holds passwords that were found in leaks and are tried first, in lower
// case, sorted, one a line; scripts/passwords.sh writes it.
//
//go:embed guessed.txt
var guessedList string

// guessed reports whether a password is on the list, in whatever case it is written.
// The list is searched where it lies in the program and takes no memory.
func guessed(password string) bool {
	password = Fold(password)
	i := sort.Search(len(guessedList), func(i int) bool { return lineAt(guessedList, i) >= password })
	return i < len(guessedList) && lineAt(guessedList, i) == password
}

// lineAt is the line of a text around its i-th byte.
func lineAt(text string, i int) string {
	line, _, _ := strings.Cut(text[strings.LastIndexByte(text[:i], '\n')+1:], "\n")
	return line
}

// ourWords are known to everybody who sees the page; docs/accounts.md lists them.
const ourWords = "peisear"

// minKnownWord is how many letters a part of a name or an address has at least to count
// as a word of its own: a shorter one is part of too much.
const minKnownWord = 3

// known reports whether a password's letters are nothing but words that a stranger
// knows: the app's name, and what about says of the user, whole or in parts. Digits and
// signs around them help nobody.
func known(password string, about []string) bool {
	text := letters(password)
	var words [][]rune
	for _, a := range append(about, ourWords) {
		words = append(words, letters(a))
		for _, part := range strings.FieldsFunc(Fold(a), func(r rune) bool { return !inWord(r) }) {
			if part := letters(part); len(part) >= minKnownWord {
				words = append(words, part)
			}
		}
	}
	return len(text) > 0 && madeOf(text, words)
}

// madeOf reports whether a text is a row of words.
func madeOf(text []rune, words [][]rune) bool {
	begins := make([]bool, len(text)+1) // whether a word may begin there
	begins[0] = true
	for i := range text {
		for _, word := range words {
			end := i + len(word)
			if begins[i] && end <= len(text) && string(text[i:end]) == string(word) {
				begins[end] = true
			}
		}
	}
	return begins[len(text)]
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }

// letters are a text's letters, folded.
func letters(text string) (all []rune) {
	for _, r := range Fold(text) {
		if inWord(r) {
			all = append(all, r)
		}
	}
	return all
}
