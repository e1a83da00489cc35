package crash_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

type fields = map[string]json.RawMessage

// replica follows a scope as a browser does: it asks for what has changed since the last
// time, and never for all of it.
type replica struct {
	scope   string
	epoch   string
	seq     int64
	rows    map[string]map[string]fields // by entity and id
	applied map[string]int               // how often a mutation was
	number  int64                        // of the issue that was made last
}

func newReplica(scope string) *replica {
	return &replica{scope: scope, rows: map[string]map[string]fields{}, applied: map[string]int{}}
}

// catchUp applies what has happened since, and returns the number of transactions.
func (p *replica) catchUp(t *testing.T, w *world) (n int) {
	t.Helper()
	for {
		var delta struct {
			Epoch   string
			Entries []struct {
				Seq     int64
				Tx      string
				Changes []struct {
					Entity, ID, Op string
					Patch          fields
				}
			}
			More bool
		}
		w.must(t, http.MethodGet, fmt.Sprintf("/api/sync/%s?since=%d&epoch=%s", p.scope, p.seq, p.epoch), "", &delta)
		p.epoch = delta.Epoch
		for _, e := range delta.Entries {
			if e.Seq != p.seq+1 {
				t.Errorf("%s: %d comes after %d", p.scope, e.Seq, p.seq)
			}
			p.seq = e.Seq
			p.applied[e.Tx]++
			n++
			for _, c := range e.Changes {
				p.apply(t, c.Entity, c.ID, c.Op, c.Patch)
			}
		}
		if !delta.More {
			return n
		}
	}
}

func (p *replica) apply(t *testing.T, entity, id, op string, patch fields) {
	t.Helper()
	if p.rows[entity] == nil {
		p.rows[entity] = map[string]fields{}
	}
	row := p.rows[entity][id]
	switch {
	case (op == "create") != (row == nil):
		t.Errorf("%s: %s of %s %s, which is there: %v", p.scope, op, entity, id, row != nil)
	case op == "create":
		p.rows[entity][id] = patch
		if entity == "issue" {
			p.numbered(t, patch)
		}
	case op == "delete":
		delete(p.rows[entity], id)
		if entity == "issue" { // its comments go along
			maps.DeleteFunc(p.rows["comment"], func(_ string, c fields) bool { return string(c["issueId"]) == fmt.Sprintf("%q", id) })
		}
	default:
		maps.Copy(row, patch)
	}
}

// numbered holds that issues are numbered 1, 2, 3… as they are made.
func (p *replica) numbered(t *testing.T, row fields) {
	t.Helper()
	if got := string(row["number"]); got != fmt.Sprint(p.number+1) {
		t.Errorf("%s: number %s comes after %d", p.scope, got, p.number)
	}
	p.number++
}

// compare holds that all the changes together make exactly the rows that are there.
func (p *replica) compare(t *testing.T, w *world) {
	t.Helper()
	var snapshot struct {
		Epoch    string
		Seq      int64
		Entities map[string][]fields
	}
	w.must(t, http.MethodGet, "/api/sync/"+p.scope, "", &snapshot)
	if snapshot.Seq != p.seq || snapshot.Epoch != p.epoch {
		t.Errorf("%s is at %d of %s, its changes lead to %d of %s", p.scope, snapshot.Seq, snapshot.Epoch, p.seq, p.epoch)
	}
	for entity, rows := range snapshot.Entities {
		if len(rows) != len(p.rows[entity]) {
			t.Errorf("%s: %d rows of %s, its changes make %d", p.scope, len(rows), entity, len(p.rows[entity]))
		}
		for _, row := range rows {
			id := strings.Trim(string(row["id"]), `"`)
			made := p.rows[entity][id]
			for name, value := range row {
				if string(made[name]) != string(value) {
					t.Errorf("%s: %s %s: %s is %s, its changes say %q", p.scope, entity, id, name, value, made[name])
				}
			}
		}
	}
}
