package fold_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/peisear/peisear/internal/base/fold"
)

// TestKey is what the browser's own folding is held to, too.
func TestKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]string
	if err := json.Unmarshal(text, &keys); err != nil || len(keys) < 10 {
		t.Fatal(len(keys), err)
	}
	for text, want := range keys {
		if got := fold.Key(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if again := fold.Key(want); again != want {
			t.Errorf("%q once more: %q", want, again)
		}
	}
}

// TestKeyOfNoText: what is not UTF-8 has a key that is.
func TestKeyOfNoText(t *testing.T) {
	t.Parallel()
	if got := fold.Key("\xffé"); got != "\ufffde" {
		t.Errorf("%q", got)
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	if got := fold.Pattern(`50%_Ü\`); got != `%50\%\_u\\%` {
		t.Error(got)
	}
}

// BenchmarkKey is a word, as search folds them one by one.
func BenchmarkKey(b *testing.B) {
	for _, text := range []string{"Größe", "лучший", "日"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fold.Key(text)
			}
		})
	}
}
