package apitoken

import (
	"regexp"
	"strings"
	"testing"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^psr_[0-9A-Za-z]{36}$`)
	seen, characters := map[string]bool{}, map[rune]int{}
	for range 2000 {
		secret := newSecret()
		if seen[secret] || !form.MatchString(secret) || !wellFormed(secret) {
			t.Fatal(secret)
		}
		seen[secret] = true
		for _, c := range secret[len(prefix) : len(prefix)+random] {
			characters[c]++
		}
	}
	for _, c := range digits { // 968 of each on the average; 31 is the standard deviation
		if n := characters[c]; n < 968-8*31 || n > 968+8*31 {
			t.Errorf("%d times %c", n, c)
		}
	}
}

// TestChecksum has examples from another implementation.
func TestChecksum(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"psr_0000000000000000000000000000000cKQHL", "psr_0123456789ABCDEFGHIJKLMNOPQRST33UUXW"} {
		if !wellFormed(secret) {
			t.Error(secret)
		}
		if hint := hintOf(secret); hint != secret[36:] {
			t.Error(hint)
		}
	}
}

// TestTypos: whatever one character or two neighbours do, it shows.
func TestTypos(t *testing.T) {
	t.Parallel()
	for range 20 {
		secret := newSecret()
		for _, other := range typos(secret) {
			if wellFormed(other) {
				t.Fatalf("%s passes for %s", other, secret)
			}
		}
	}
}

func typos(secret string) (all []string) {
	for at := range len(secret) {
		before, after := secret[:at], secret[at+1:]
		all = append(all, before+after, before+" "+secret[at:])
		for _, c := range digits {
			if byte(c) != secret[at] {
				all = append(all, before+string(c)+after)
			}
			all = append(all, before+string(c)+secret[at:])
		}
		if after != "" && after[0] != secret[at] {
			all = append(all, before+after[:1]+secret[at:at+1]+after[1:])
		}
	}
	return append(all, strings.ToUpper(secret), strings.ToLower(secret), " "+secret, secret+"\n", "")
}

// FuzzWellFormed: what passes has the right form, and its checksum belongs to it alone.
func FuzzWellFormed(f *testing.F) {
	for _, seed := range []string{"", "psr_", newSecret(), "psr_0000000000000000000000000000000cKQHL", "psr_ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^psr_[0-9A-Za-z]{36}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		if wellFormed(text) && !form.MatchString(text) {
			t.Errorf("%q passes", text)
		}
		if body := text; form.MatchString(body) {
			sum := sumOf([]byte(body[:length-checksum]))
			if whole := body[:length-checksum] + string(sum[:]); !wellFormed(whole) || wellFormed(text) != (whole == text) {
				t.Errorf("%q, %q", text, whole)
			}
		}
	})
}
