package backup

import (
	"slices"
	"testing"
	"time"
)

// TestNames: a series knows its own names only, and what of them is beyond the number kept.
func TestNames(t *testing.T) {
	t.Parallel()
	own := seriesOf("1f2e3d4c-5b6a-4798-8899-aabbccddeeff")
	at := time.Date(2026, 11, 24, 9, 5, 0, 0, time.UTC)
	const name = "peisear-20261124T090500Z-1f2e3d4c.zip"
	if got := own.name(at.In(time.FixedZone("", 7200))); got != name {
		t.Errorf("named %s", got)
	}
	if made, ok := own.made(name); !ok || !made.Equal(at) {
		t.Errorf("made at %v, %t", made, ok)
	}
	for _, foreign := range []string{
		"peisear-20261124T090500Z-aaaaaaaa.zip", "peisear-20261124T090500Z.zip", "peisear-20261124T090500.5Z-1f2e3d4c.zip",
		"peisear-20261324T090500Z-1f2e3d4c.zip", "my-" + name, name + ".part", "deeper/" + name, "20261124T090500Z", "",
	} {
		if _, ok := own.made(foreign); ok {
			t.Errorf("%q is taken for one of ours", foreign)
		}
	}
	there := []string{
		"peisear-20991231T000000Z-1f2e3d4c.zip", name, "peisear-20200101T000000Z-aaaaaaaa.zip", "notes.txt",
		"peisear-20261122T090500Z-1f2e3d4c.zip", "peisear-20261123T090500Z-1f2e3d4c.zip",
	}
	if latest, ok := own.latest(there, at); !ok || latest != name {
		t.Errorf("the latest is %q", latest)
	}
	if latest, ok := own.latest(there, at.AddDate(-1, 0, 0)); ok {
		t.Errorf("before all of them the latest is %q", latest)
	}
	for keep, want := range map[int][]string{
		1: {"peisear-20261122T090500Z-1f2e3d4c.zip", "peisear-20261123T090500Z-1f2e3d4c.zip"},
		2: {"peisear-20261122T090500Z-1f2e3d4c.zip"},
		3: nil,
		9: nil,
	} {
		if got := own.beyond(there, name, keep); !slices.Equal(got, want) {
			t.Errorf("beyond %d are %v", keep, got)
		}
	}
}
