package live

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// appendEntry appends the entry's JSON, the same as json.Marshal would give. The
// patches are JSON already, as Record has made them: encoding/json would read each
// again, which costs more than the rest of a delta.
func appendEntry(text []byte, e Entry) ([]byte, error) {
	at, err := e.At.MarshalJSON()
	if err != nil {
		return nil, err
	}
	text = appendText(append(text, `{"scope":`...), e.Scope)
	text = strconv.AppendInt(append(text, `,"seq":`...), e.Seq, 10)
	text = appendText(append(text, `,"tx":`...), e.Tx)
	text = append(append(text, `,"at":`...), at...)
	text = appendText(append(text, `,"actor":`...), e.Actor)
	text = append(text, `,"changes":[`...)
	for i, c := range e.Changes {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendText(append(text, `{"entity":`...), c.Entity)
		text = appendText(append(text, `,"id":`...), c.ID)
		text = appendText(append(text, `,"op":`...), string(c.Op))
		text = append(append(append(text, `,"patch":`...), c.Patch...), '}')
	}
	return append(text, "]}"...), nil
}

// size is about how long the entry's JSON is.
func (e Entry) size() int {
	n := len(e.Scope) + len(e.Tx) + len(e.Actor) + 128
	for _, c := range e.Changes {
		n += len(c.Entity) + len(c.ID) + len(c.Patch) + 64
	}
	return n
}

func (d Delta) size() int {
	n := 256
	for _, e := range d.Entries {
		n += e.size()
	}
	return n
}

// appendDelta is appendEntry for a whole page.
func appendDelta(text []byte, d Delta) (_ []byte, err error) {
	text = appendText(append(text, `{"scope":`...), d.Scope)
	text = appendText(append(text, `,"epoch":`...), d.Epoch)
	text = append(text, `,"entries":[`...)
	for i, e := range d.Entries {
		if i > 0 {
			text = append(text, ',')
		}
		if text, err = appendEntry(text, e); err != nil {
			return nil, err
		}
	}
	text = strconv.AppendBool(append(text, `],"more":`...), d.More)
	return append(text, '}'), nil
}

// encodeSnapshot is appendEntry for a snapshot, whose rows are JSON already. The small
// entities come first: who reads it as it arrives has all but the last rows of the largest.
func encodeSnapshot(s *Snapshot) []byte {
	size := 256
	for name, rows := range s.Entities {
		size += len(name) + len(rows) + 8
	}
	text := appendText(append(make([]byte, 0, size), `{"scope":`...), s.Scope)
	text = appendText(append(text, `,"epoch":`...), s.Epoch)
	text = strconv.AppendInt(append(text, `,"seq":`...), s.Seq, 10)
	if s.Next != "" {
		text = appendText(append(text, `,"next":`...), s.Next)
	}
	text = append(text, `,"entities":{`...)
	for i, name := range s.bySize() {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(appendText(text, name), ':'), s.Entities[name]...)
	}
	return append(text, "}}"...)
}

// bySize names the entities, those with the shortest rows first.
func (s *Snapshot) bySize() []string {
	return slices.SortedFunc(maps.Keys(s.Entities), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s.Entities[a]), len(s.Entities[b])), cmp.Compare(a, b))
	})
}

// appendText appends a JSON string. Ids need no escapes; what a client has chosen,
// like the id of a mutation, may.
func appendText(text []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(text, quoted...)
		}
	}
	return append(append(append(text, '"'), s...), '"')
}
