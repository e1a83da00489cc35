package crash_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// check waits until every writer knows what has become of its writes, and compares.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.gate.Lock()
	defer w.gate.Unlock()
	w.server.await(t)
	for _, p := range w.replicas {
		w.compared += p.catchUp(t, w)
		p.compare(t, w)
	}
	w.checkKnown(t)
	w.checkBooks(t)
}

// checkKnown: what was answered is there, as it was answered, and once.
func (w *world) checkKnown(t *testing.T) {
	t.Helper()
	there, applied := w.gathered()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, i := range w.issues {
		row := there["issue "+id]
		for name, value := range map[string]string{"key": i.Key, "title": i.Title, "statusId": i.StatusID, "priority": i.Priority} {
			if text, _ := json.Marshal(value); string(row[name]) != string(text) {
				t.Errorf("issue %s: %s is %q, %s was answered", i.Key, name, row[name], text)
			}
		}
	}
	for id, c := range w.comments {
		row := there["comment "+id]
		if text, _ := json.Marshal(c.Body); string(row["body"]) != string(text) || string(row["version"]) != fmt.Sprint(c.Version) {
			t.Errorf("comment %s is %q, version %s; %s, version %d was answered", id, row["body"], row["version"], text, c.Version)
		}
	}
	for id, title := range w.notes {
		if text, _ := json.Marshal(title); string(there["note "+id]["title"]) != string(text) {
			t.Errorf("note %s is %q, %s was answered", id, there["note "+id]["title"], text)
		}
	}
	for id := range w.deleted {
		if there["issue "+id] != nil || there["note "+id] != nil || there["comment "+id] != nil {
			t.Errorf("%s was deleted and is there", id)
		}
	}
	w.checkMutations(t, applied)
	w.checkPeople(t, there)
}

// gathered are the rows of all scopes, by entity and id, and how often each mutation was
// applied, by scope and id.
func (w *world) gathered() (there map[string]fields, applied map[string]int) {
	there, applied = map[string]fields{}, map[string]int{}
	for _, p := range w.replicas {
		for entity, rows := range p.rows {
			for id, row := range rows {
				there[entity+" "+id] = row
			}
		}
		for tx, n := range p.applied {
			applied[p.scope+" "+tx] = n
		}
	}
	return there, applied
}

// checkMutations: each that was answered was applied once. The caller holds the lock.
func (w *world) checkMutations(t *testing.T, applied map[string]int) {
	t.Helper()
	for key, scope := range w.mutations {
		if n := applied[scope+" "+key]; scope != "" && n != 1 {
			t.Errorf("mutation %s was applied %d times in %s", key, n, scope)
		}
	}
}

// checkPeople: who has signed up is there once. The caller holds the lock.
func (w *world) checkPeople(t *testing.T, there map[string]fields) {
	t.Helper()
	seen := map[string]int{}
	for name, row := range there {
		if strings.HasPrefix(name, "person ") {
			seen[strings.Trim(string(row["displayName"]), `"`)]++
		}
	}
	for name := range w.people {
		if seen[name] != 1 {
			t.Errorf("%s signed up and is there %d times", name, seen[name])
		}
	}
}

// books are questions to the database itself; each answers how many rows are wrong.
var books = map[string]string{
	"scopes whose changes have gaps":           `SELECT count(*) FROM scope s WHERE s.seq >= 0 AND s.seq <> (SELECT count(DISTINCT c.seq) FROM change c WHERE c.scope = s.id)`,
	"scopes whose head is not the last change": `SELECT count(*) FROM scope s WHERE s.seq > 0 AND s.seq <> (SELECT max(c.seq) FROM change c WHERE c.scope = s.id)`,
	"transactions with a gap":                  `SELECT count(*) FROM (SELECT scope FROM change GROUP BY scope, seq HAVING count(*) <> max(n) + 1) AS gaps`,
	"changes of no scope":                      `SELECT count(*) FROM change c WHERE NOT EXISTS (SELECT 1 FROM scope s WHERE s.id = c.scope)`,
	"mutations that were applied twice":        `SELECT count(*) FROM (SELECT 1 FROM change WHERE n = 0 GROUP BY scope, actor, tx HAVING count(*) > 1) AS doubles`,
	"numbers given twice":                      `SELECT count(*) FROM (SELECT 1 FROM issue GROUP BY project_id, number HAVING count(*) > 1) AS doubles`,
	"numbers beyond the last":                  `SELECT count(*) FROM issue i JOIN issue_number n ON n.project_id = i.project_id WHERE i.number > n.last OR i.number < 1`,
	"projects whose numbers, with deleted ones, are not 1 to the last": `SELECT count(*) FROM issue_number n WHERE n.last <>
		(SELECT count(*) FROM issue i WHERE i.project_id = n.project_id) +
		(SELECT count(*) FROM change c WHERE c.scope = 'project:' || n.project_id AND c.entity = 'issue' AND c.op = 'delete')`,
	"issues without their beginning in the log": `SELECT count(*) FROM issue i WHERE NOT EXISTS
		(SELECT 1 FROM change c WHERE c.scope = 'project:' || i.project_id AND c.entity = 'issue' AND c.entity_id = i.id AND c.op = 'create')`,
	"texts that the search neither has nor will read": `SELECT count(*) FROM (SELECT id AS issue_id, '' AS comment_id FROM issue
		UNION ALL SELECT issue_id, id FROM comment) AS written WHERE
		NOT EXISTS (SELECT 1 FROM search_doc d WHERE d.issue_id = written.issue_id AND d.comment_id = written.comment_id) AND
		NOT EXISTS (SELECT 1 FROM search_todo q WHERE q.issue_id = written.issue_id AND q.comment_id = written.comment_id)`,
	"users without their beginning in the log": `SELECT count(*) FROM users u WHERE NOT EXISTS
		(SELECT 1 FROM change c WHERE c.scope = 'org' AND c.entity_id = u.id AND c.op = 'create')`,
}

func (w *world) checkBooks(t *testing.T) {
	t.Helper()
	driver, address := "pgx", w.server.database
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		driver, address = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=query_only(1)"
	}
	pool, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx := context.Background()
	w.checkComments(t, pool)
	for name, question := range books {
		var wrong int
		if err := pool.QueryRowContext(ctx, question).Scan(&wrong); err != nil || wrong > 0 {
			t.Errorf("%d %s (%v)", wrong, name, err)
		}
	}
	if driver != "sqlite" {
		return
	}
	for _, question := range []string{"PRAGMA integrity_check", "SELECT coalesce((SELECT 'refers to nothing' FROM pragma_foreign_key_check LIMIT 1), 'ok')"} {
		var verdict string
		if err := pool.QueryRowContext(ctx, question).Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("%s: %s", question, fmt.Sprint(verdict, err))
		}
	}
}

// checkComments holds that the comments are those that the changes make: a snapshot, with
// which the other rows are compared, has none.
func (w *world) checkComments(t *testing.T, pool *sql.DB) {
	t.Helper()
	logged, _ := w.gathered()
	rows, err := pool.QueryContext(context.Background(), "SELECT id, body, version FROM comment")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, body string
		var version int64
		if err := rows.Scan(&id, &body, &version); err != nil {
			t.Fatal(err)
		}
		row := logged["comment "+id]
		if text, _ := json.Marshal(body); string(row["body"]) != string(text) || string(row["version"]) != fmt.Sprint(version) {
			t.Errorf("comment %s is %q, version %d; its changes say %q, version %s", id, body, version, row["body"], row["version"])
		}
		delete(logged, "comment "+id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range logged {
		if strings.HasPrefix(name, "comment ") {
			t.Errorf("%s is not there, its changes say it is", name)
		}
	}
}
