package live

import (
	"encoding/json"
	"testing"
	"time"
)

// TestEncodingIsThatOfTheStandardLibrary, also for what needs escapes.
func TestEncodingIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	e := Entry{
		Scope: "project:1", Seq: 7, Tx: "a\"b\\c<d>\u2028\n", At: time.UnixMicro(1_700_000_000_123_456).UTC(), Actor: "ü",
		Changes: []Change{
			{Entity: "row", ID: "1", Op: Create, Patch: json.RawMessage(`{"name":"a"}`)},
			{Entity: "row", ID: "2", Op: Delete, Patch: json.RawMessage(`{}`)},
		},
	}
	for _, d := range []Delta{
		{Scope: "org", Epoch: "e", Entries: []Entry{}},
		{Scope: "project:1", Epoch: "e", Entries: []Entry{e, {Scope: "project:1", Seq: 8, At: e.At, Changes: []Change{}}}, More: true},
	} {
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendDelta(nil, d)
		if err != nil || string(got) != string(want) {
			t.Errorf("got %s, %v\nwant %s", got, err, want)
		}
	}
	for _, snapshot := range []*Snapshot{
		{Scope: "org", Epoch: "e", Entities: map[string]json.RawMessage{}},
		{Scope: "project:1", Epoch: "e", Seq: 7, Entities: map[string]json.RawMessage{"row": []byte(`[{"a":1}]`), "other": []byte(`[]`), "<": []byte(`null`)}},
	} {
		want, err := json.Marshal(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendSnapshot(nil, snapshot); string(got) != string(want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
