package search_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

// TestFind is what a query finds, on both engines the same.
func TestFind(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, text := range [][2]string{
			{"Agent crashes on restart", "The log of the agent says nothing."},                         // 1
			{"Größe des Cafés", "ÅNGSTRÖM und Straße"},                                                 // 2
			{"Crash log is rotated too late", "It is the agent's e-mail address foo_bar@example.org."}, // 3
			{"日本語のテキスト", "東京都に住んでいます"},                                                                 // 4
			{"Пожалуйста, ёлка", "שלום עולם"},                                                          // 5
			{"Fix the 🔥 in v1.2.3", "NEAR the end AND nothing OR more NOT"},                            // 6
			{"한국어 문서", "½ cup and ﬁnal ﷺ"},                                                             // 7
			{"Łódź og Øresund", "της οδού, η οδός, Ærø og Þingvellir"},                                 // 8
		} {
			w.write(t, text[0], text[1])
		}
		for text, want := range map[string]string{
			"agent":            "1 3", // its title has it
			"AGENT":            "1 3",
			"agent log":        "3 1", // each has one of the words in its title; the newer comes first
			"log agent":        "3 1",
			"crash":            "3 1", // whole before begun
			"crash ":           "3",   // complete
			"crash lo":         "3",
			"cra ag":           "", // only the last word may go on
			`"crash log"`:      "3",
			`"log crash"`:      "",
			`"crash lo"`:       "", // within quotes it may not
			`"crash lo`:        "3",
			`"rotated too" a`:  "", // one letter is a word
			`"rotated too" ag`: "3",
			"grosse":           "2",
			"GRÖSSE":           "2",
			"groß":             "2",
			"cafes":            "2",
			"angstrom":         "2",
			"strasse":          "2",
			"foo_bar":          "3",
			"foo bar":          "3",
			"bar_foo":          "",
			"example.org":      "3",
			"e-mail":           "3",
			"mail-e":           "",
			"agent's":          "3",
			"本語":               "4",
			"東京":               "4",
			"京東":               "",
			"елка":             "5",
			"ПОЖАЛ":            "5",
			"שלום":             "5",
			"עולם שלום":        "5",
			"🔥":                "6",
			"1.2":              "7", // a half
			"v1.2.3":           "6",
			"2.1":              "",
			"near":             "6",
			"and not":          "6",
			"lodz":             "8",
			"ŁÓDŹ oresund":     "8",
			"ΟΔΟΣ":             "8",
			"οδοσ":             "8",
			"aero thing":       "8",
			"한국":               "7",
			"final":            "7",
			"1/2":              "7",
			"":                 "",
			"   ":              "",
			"...!?":            "",
			`"`:                "",
			`""""`:             "",
			"*":                "",
			"nothing there":    "",
		} {
			if got := w.find(t, w.viewer, text); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
	})
}

// TestSyntaxOfTheEngines is text like any other.
func TestSyntaxOfTheEngines(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.write(t, "words NEAR end", "scope AND kind OR not words rowid")
		for _, text := range []string{
			"words NEAR end", "NEAR(words end)", "NEAR(words end, 5)", "words AND end", "words OR", "NOT words", "words:*", "^words", "words + end",
			"{words}: end", "- words : end", `words" AND "end`, "words') OR ('end", "words & end", "!words", "words <-> end", "words:A",
			`words\' end`, "(((((words", "words)))))", "words; DROP TABLE search_doc", "$1 words", "?1 words", "words%", "words -- end", "§words",
		} {
			if _, err := w.Find(t.Context(), w.viewer, search.Query{Text: text, Limit: 1}); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		for _, text := range []string{"words near end", "words AND kind", "words:* ", "^words", "(words end)", "rowid", "§words"} {
			if got := w.find(t, w.viewer, text); got != "1" {
				t.Errorf("%q finds %q", text, got)
			}
		}
		// What the index keeps beside the words cannot be asked for.
		for _, text := range []string{"§" + strings.ReplaceAll(w.p.ID, "-", ""), "·", w.p.ID} {
			if got := w.find(t, w.viewer, text); got != "" {
				t.Errorf("%q finds %q", text, got)
			}
		}
	})
}

// TestLimits: beyond them a query is refused, and what is within is answered.
func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.write(t, strings.Repeat("x", 200), strings.Repeat("y", 90_000)+" "+strings.Repeat("字", 9_000))
		for name, c := range map[string]struct {
			q     search.Query
			field string
		}{
			"long":        {search.Query{Text: strings.Repeat("x", 501), Limit: 1}, "query.q"},
			"very long":   {search.Query{Text: strings.Repeat("x", 10_000), Limit: 1}, "query.q"},
			"many words":  {search.Query{Text: strings.Repeat("a ", 65), Limit: 1}, "query.q"},
			"many signs":  {search.Query{Text: strings.Repeat("字", 65), Limit: 1}, "query.q"},
			"limit 0":     {search.Query{Text: "x"}, "query.limit"},
			"limit 201":   {search.Query{Text: "x", Limit: 201}, "query.limit"},
			"cursor":      {search.Query{Text: "x", Limit: 1, Cursor: "x"}, "query.cursor"},
			"cursor at 0": {search.Query{Text: "x", Limit: 1, Cursor: "eyJhIjoxLCJuIjowfQ"}, "query.cursor"},
		} {
			_, err := w.Find(t.Context(), w.viewer, c.q)
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != c.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, text := range []string{strings.Repeat("x", 500), strings.Repeat("x", 130), strings.Repeat("y", 300), strings.Repeat("字", 64)} {
			if got := w.find(t, w.viewer, text); got != "1" {
				t.Errorf("%.20q finds %q", text, got)
			}
		}
		if got := w.find(t, w.viewer, strings.Repeat("a ", 64)); got != "" {
			t.Error(got)
		}
	})
}

// TestLongTexts: what the engines can keep of a text is the same, and the rest is left out.
func TestLongTexts(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.write(t, "ﷺ", strings.Repeat("ﷺ", 99_000))                      // 18 characters each, four words
		w.write(t, "often", strings.Repeat("word next ", 5_000)+"beyond") // each word more than 256 times
		w.write(t, "many", numbered(15_900)+" within "+numbered(2_000)+" beyond")
		for text, want := range map[string]string{
			"ﷺ": "1", "often": "2", "word": "2", "word next": "2", `"next word"`: "2", "within": "3", "beyond": "2", "3e00": "3",
		} {
			if got := w.find(t, w.viewer, text); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
	})
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%x ", i)
	}
	return b.String()
}

// TestComments are found by themselves, after issues whose title matches.
func TestComments(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		one, two := w.write(t, "about something", "with words"), w.write(t, "about others", "")
		c := w.comment(t, two, "Something was **said** about words")
		w.comment(t, one, "and more words")
		page := w.page(t, w.viewer, search.Query{Text: "something", Limit: 9})
		if keys(page) != "1 2" || page.Hits[1].Kind != search.Comment || *page.Hits[1].CommentID != c.ID || page.Hits[1].AuthorID != w.member.ID {
			t.Errorf("%+v", page.Hits)
		}
		if h := page.Hits[1]; marked(h.Title) != "about others" || marked(h.Text) != "[Something] was **said** about words" {
			t.Errorf("%q, %q", marked(h.Title), marked(h.Text))
		}
		if got := w.find(t, w.viewer, "words"); got != "1 2 1" {
			t.Error(got)
		}
		if got := w.find(t, w.viewer, "others said"); got != "" { // not in one text
			t.Error(got)
		}
		if got := w.find(t, w.stranger, "said"); got != "" {
			t.Errorf("a stranger finds %q", got)
		}
	})
}

// TestCommentsChange: what is found is the comment as it is, as long as it is there.
func TestCommentsChange(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		one, two := w.write(t, "about something", ""), w.write(t, "about others", "")
		c := w.comment(t, two, "what was said")
		w.comment(t, one, "and more words")
		body := "changed"
		if _, err := w.comments.Update(t.Context(), w.member, "", c.ID, c.Version, &body); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.viewer, "said") + "|" + w.find(t, w.viewer, "changed"); got != "|2" {
			t.Error(got)
		}
		if err := w.comments.Delete(t.Context(), w.member, "", c.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.viewer, "changed"); got != "" {
			t.Error(got)
		}
		w.wantDocs(t, 3)
		w.comment(t, one, "a third")
		if err := w.issues.Delete(t.Context(), w.member, "", keyOf(t, one)); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.viewer, "words") + w.find(t, w.viewer, "third"); got != "" {
			t.Error(got)
		}
		w.wantDocs(t, 1)
	})
}

// TestPages give every hit once, also when others write meanwhile.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 7 {
			w.write(t, fmt.Sprintf("common %d", i+1), "")
		}
		q := search.Query{Text: "common", Limit: 3}
		var got []string
		for {
			page := w.page(t, w.viewer, q)
			got = append(got, keys(page))
			if page.Found != 7 || page.More {
				t.Errorf("found %d, more %v", page.Found, page.More)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
			w.write(t, "common and new", "")
		}
		if text := strings.Join(got, "|"); text != "7 6 5|4 3 2|1" {
			t.Error(text)
		}
	})
}

// TestNewestAreRanked: of many matches the newest 500, and the answer says that there
// are more.
func TestNewestAreRanked(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		sources := make([]issue.Source, search.MaxFound+3)
		for i := range sources {
			sources[i] = issue.Source{Alias: fmt.Sprint("A-", i), Draft: issue.Draft{Title: fmt.Sprint("many ", i)}}
		}
		w.bring(t, sources)
		page := w.page(t, w.viewer, search.Query{Text: "many", Limit: 200})
		if page.Found != search.MaxFound || !page.More || page.Hits[0].Key != fmt.Sprintf("MESOS-%d", search.MaxFound+3) {
			t.Errorf("found %d, more %v, first %s", page.Found, page.More, page.Hits[0].Key)
		}
	})
}

// TestWhoFindsWhat: nobody finds what they may not see, and a member who was removed
// nothing from then on.
func TestWhoFindsWhat(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.write(t, "secret", "")
		w.writeIn(t, w.stranger, "XD", "secret", "")
		for name, c := range map[string]struct {
			by   account.Actor
			want string
		}{
			"owner": {w.owner, "1"}, "member": {w.member, "1"}, "viewer": {w.viewer, "1"}, "stranger": {w.stranger, "XD-1"},
			"somebody else": {account.Actor{ID: "nobody", Role: account.Admin}, ""},
			"a token":       {limited(w.member, project.Scope(w.p.ID)), "1"},
			"another token": {limited(w.member, w.member.Scope()), ""},
		} {
			if got := w.find(t, c.by, "secret"); got != c.want {
				t.Errorf("%s finds %q", name, got)
			}
			if got := w.find(t, c.by, "MESOS-1"); (got == "1") != (c.want == "1") {
				t.Errorf("%s finds %q by its key", name, got)
			}
		}
		for _, by := range []account.Actor{w.stranger, limited(w.member, w.member.Scope())} {
			if _, err := w.Find(t.Context(), by, search.Query{Text: "secret", Project: "MESOS", Limit: 1}); !errs.Is(err, errs.NotFound) {
				t.Errorf("in a project of others: %v", err)
			}
		}
		if page := w.page(t, w.member, search.Query{Text: "secret", Project: "mesos", Limit: 1}); keys(page) != "1" {
			t.Errorf("in one project: %q", keys(page))
		}
		if err := w.projects.RemoveMember(t.Context(), w.owner, "", "MESOS", w.member.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.member, "secret"); got != "" {
			t.Errorf("a removed member finds %q", got)
		}
	})
}

// limited is the actor by a token for some scopes of the change log.
func limited(by account.Actor, scopes ...string) account.Actor {
	by.Session = ""
	by.Grant = &account.Grant{ID: "token", Scope: account.ScopeRead, LogScopes: scopes}
	return by
}

// TestManyProjects: somebody in many finds what is in each.
func TestManyProjects(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 120 {
			key := fmt.Sprintf("P%d", i)
			newProject(t, w, w.owner, key)
			if i%40 == 0 {
				w.writeIn(t, w.owner, key, "needle", "")
			}
		}
		if got := w.find(t, w.owner, "needle"); got != "P80-1 P40-1 P0-1" {
			t.Error(got)
		}
	})
}
