package account

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/errs"
)

// TestGuessedPasswords: what is on the list is found, and nothing else.
func TestGuessedPasswords(t *testing.T) {
	t.Parallel()
	all := strings.Split(strings.TrimSuffix(guessedList, "\n"), "\n")
	if len(all) < 3000 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Fatalf("%d passwords, or they are not in order", len(all))
	}
	for _, p := range all {
		if !guessed(p) || Fold(p) != p || utf8.RuneCountInString(p) < MinPassword {
			t.Errorf("%q", p)
		}
	}
	for _, p := range []string{"PassWord", "PASSWORD", "12345678", "qwertyuiop", "ｐａｓｓｗｏｒｄ", " password "} {
		if !guessed(p) {
			t.Errorf("%q is not found", p)
		}
	}
	first, last := all[0], all[len(all)-1]
	for _, p := range []string{
		"", "\n", first[1:], first + "x", "\x00", last + "z", "\xff", first + "\n" + all[1],
		"correct horse", "correct horse battery staple", "xkcd 936 was right",
	} {
		if guessed(p) {
			t.Errorf("%q is found", p)
		}
	}
}

// TestPasswordsOfKnownWords: what a stranger knows of a user is no password, and is
// part of many.
func TestPasswordsOfKnownWords(t *testing.T) {
	t.Parallel()
	const email, name = "mia.wong@orchard.example", "Mia Müller-Wong"
	for _, p := range []string{
		"mia.wong", "Mia.Wong@orchard.example", "orchard1", "ORCHARD-2026!", "2026mia2026", "miamiamia",
		"MÜLLERWONG", "wongmüller7", "mu\u0308ller99", "Peisear1", "peisear2026", "peisear-mia", "orchard example",
	} {
		if err := checkPassword(p, email, name); !errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.password" {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{
		"mia likes plums", "orchards and miles", "83749201734", "!!!!!!!!??", "peisearch", "correct horse", strings.Repeat("ü", MaxPassword),
	} {
		if err := checkPassword(p, email, name); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for about, p := range map[string]string{"Li Wu": "liwu2026", "李小龙": "李小龙12345", "a@b.c": "abc-abc-abc"} {
		if err := checkPassword(p, about); err == nil {
			t.Errorf("%q is good for %s", p, about)
		}
	}
	if err := checkPassword("correct horse", "", "", "42"); err != nil {
		t.Errorf("where nothing is known: %v", err)
	}
}
