package search_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
)

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		one := w.write(t, "Café crash", "It <b>crashes</b> & burns")
		w.write(t, "Another crash", "")
		if err := w.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		viewer, stranger := accounttest.Sign(t, w.viewer), accounttest.Sign(t, w.stranger)
		basetest.RunScenarios(t, w.api().Handler(accounttest.Authenticate), []basetest.Scenario{
			{Name: "find", Path: "/api/search?q=cafe+crash", Header: viewer, Status: 200, Has: []string{
				`"items":[{"kind":"issue","issueId":"` + one.ID + `","commentId":null,"projectId":"` + w.p.ID + `","key":"MESOS-1","statusId":"` + one.StatusID + `","named":false`,
				`"title":[{"text":"Café","marked":true},{"text":" ","marked":false},{"text":"crash","marked":true}]`,
				`"text":[{"text":"It <b>","marked":false},{"text":"crashes","marked":true},{"text":"</b> & burns","marked":false}]`,
				`"authorId":"` + w.member.ID + `","updatedAt":"`, `"nextCursor":null,"found":1,"more":false`,
			}},
			{Name: "a page", Path: "/api/search?q=crash&limit=1", Header: viewer, Status: 200, Has: []string{`"MESOS-2"`, `"nextCursor":"`, `"found":2`}, HasNot: []string{`"MESOS-1"`}},
			{Name: "a key", Path: "/api/search?q=mesos-1", Header: viewer, Status: 200, Has: []string{`"MESOS-1"`, `"named":true`}},
			{Name: "one project", Path: "/api/search?q=crash&project=MESOS", Header: viewer, Status: 200, Has: []string{`"found":2`}},
			{Name: "no words", Path: "/api/search?q=%2E%2E", Header: viewer, Status: 200, Has: []string{`{"items":[],"nextCursor":null,"found":0,"more":false}`}},
			{Name: "no query", Path: "/api/search", Header: viewer, Status: 200, Has: []string{`"items":[]`}},
			{Name: "a stranger", Path: "/api/search?q=crash", Header: stranger, Status: 200, Has: []string{`"items":[]`}, HasNot: []string{"MESOS", w.p.ID}},
			{Name: "a stranger by key", Path: "/api/search?q=MESOS-1", Header: stranger, Status: 200, Has: []string{`"items":[]`}},
			{Name: "a stranger in the project", Path: "/api/search?q=crash&project=MESOS", Header: stranger, Status: 404, Has: []string{"no such project"}},
			{Name: "no project", Path: "/api/search?q=crash&project=NONE", Header: viewer, Status: 404},
			{Name: "nobody", Path: "/api/search?q=crash", Status: 401},
			{Name: "10,000 characters", Path: "/api/search?q=" + strings.Repeat("x", 10_000), Header: viewer, Status: 422, Has: []string{"query.q"}},
			{Name: "many words", Path: "/api/search?q=" + strings.Repeat("x+", 65), Header: viewer, Status: 422, Has: []string{"query.q", "at most 64 words"}},
			{Name: "limit", Path: "/api/search?q=x&limit=201", Header: viewer, Status: 422, Has: []string{"query.limit"}},
			{Name: "cursor", Path: "/api/search?q=x&cursor=x", Header: viewer, Status: 422, Has: []string{"query.cursor"}},
			{Name: "U+0000", Path: "/api/search?q=a%00b", Header: viewer, Status: 422, Has: []string{"query.q"}},
			{Name: "not UTF-8", Path: "/api/search?q=a%ffb", Header: viewer, Status: 422, Has: []string{"query.q"}},
		})
	})
}

// FuzzFind: every text is answered or refused, and both engines find the same.
func FuzzFind(f *testing.F) {
	for _, text := range []string{
		"", " ", "crash", `"`, `"a b`, "NEAR(a b)", "a AND", "OR", "*", "a*", "'", `\`, "a\\' b", "(", "§", "·", "日本語", "👩‍👩‍👧", "\u202eabc", "a\u0301", "½", "ﷺ",
		"-a", "^a", "a:b", "$1", "?1", "\t\n", "ß", "İ", "K", "\ufeff", "\u200d", "e\u0301\u0301", "ᄒᆞᆫ", "กขฃ", "١٢٣", "a\u00adb", strings.Repeat("a", 600),
	} {
		f.Add(text)
	}
	var worlds []world
	for _, engine := range basetest.Engines() {
		w := newWorld(f, newDB(f, engine))
		for _, text := range [][2]string{{"Agent crash", "NEAR the end"}, {"日本語 Ünïcödé", "a b c ½ ﷺ 🔥"}, {"ab abc", "שלום a'b a\"b"}} {
			w.write(f, text[0], text[1])
		}
		if err := w.CatchUp(f.Context()); err != nil {
			f.Fatal(err)
		}
		worlds = append(worlds, w)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var first string
		for i, w := range worlds {
			h := w.api().Handler(accounttest.Authenticate)
			status, answer := basetest.Do(t, h, "GET", "/api/search?q="+url.QueryEscape(text), accounttest.Sign(t, w.viewer), "")
			if status != 200 && status != 422 {
				t.Fatalf("%q: %d %s", text, status, answer)
			}
			var page struct {
				Items []struct {
					Key         string
					Title, Text json.RawMessage
				}
			}
			if err := json.Unmarshal([]byte(answer), &page); err != nil {
				t.Fatal(err)
			}
			found, err := json.Marshal(page.Items)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = string(found)
			} else if string(found) != first {
				t.Fatalf("%q: %s and %s", text, first, found)
			}
		}
	})
}
