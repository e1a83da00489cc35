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
		{Scope: "project:1", Epoch: "e", Seq: 7, Entities: map[string]json.RawMessage{"row": []byte(`[{"a":1}]`), "other": []byte(`null`), "<": []byte(`[]`)}},
	} {
		want, err := json.Marshal(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if got := encodeSnapshot(snapshot); string(got) != string(want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// TestSnapshotSendsTheSmallFirst, so that its beginning says much.
func TestSnapshotSendsTheSmallFirst(t *testing.T) {
	t.Parallel()
	s := &Snapshot{Scope: "project:1", Epoch: "e", Seq: 7, Entities: map[string]json.RawMessage{
		"issue": []byte(`[{"id":"1"},{"id":"2"}]`), "status": []byte(`[]`), "project": []byte(`[{"id":"1"}]`), "label": []byte(`[]`),
	}}
	const want = `{"scope":"project:1","epoch":"e","seq":7,"entities":{"label":[],"status":[],"project":[{"id":"1"}],"issue":[{"id":"1"},{"id":"2"}]}}`
	if got := encodeSnapshot(s); string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
