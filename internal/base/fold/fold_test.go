package fold_test

import (
	"testing"

	"github.com/peisear/peisear/internal/base/fold"
)

func TestKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "Plain": "plain", "Größe Café": "grosse cafe", "ÅNGSTRÖM": "angstrom", "ﬁn": "fin", "日本": "日本", "\xff": "�",
	} {
		if got := fold.Key(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	if got := fold.Pattern(`50%_Ü\`); got != `%50\%\_u\\%` {
		t.Error(got)
	}
}
