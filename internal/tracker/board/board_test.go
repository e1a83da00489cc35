package board_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/board"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// world is a database with the project MESOS, whose column open holds the issues
// A, B, C and D, and done X and Y. A stranger has the project XD.
type world struct {
	*board.Service
	db     *db.DB
	issues *issue.Service
	log    *live.Log
	p      project.Project

	open, doing, done, elsewhere string                 // ids of statuses; the last is one of XD
	cards                        map[string]issue.Issue // by title
	foreign                      issue.Issue            // of XD

	member, viewer, stranger account.Actor
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) },
		live.Migrations, account.Migrations, project.Migrations, issue.Migrations)
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	log := live.New(d, live.NewHub())
	projects := project.New(d, log)
	issues := issue.New(d, log, projects)
	w := world{
		Service: board.New(issues), db: d, issues: issues, log: log, cards: map[string]issue.Issue{},
		member: accounttest.User(t, d, "member"), viewer: accounttest.User(t, d, "viewer"), stranger: accounttest.User(t, d, "stranger"),
	}
	start := func(by account.Actor, key string) (project.Project, []project.Status) {
		p, err := projects.Create(t.Context(), by, "", project.Draft{Key: key, Name: key})
		if err != nil {
			t.Fatal(err)
		}
		statuses, err := projects.Statuses(t.Context(), by, key)
		if err != nil {
			t.Fatal(err)
		}
		return p, statuses
	}
	p, statuses := start(w.member, "MESOS")
	w.p, w.open, w.doing, w.done = p, statuses[0].ID, statuses[1].ID, statuses[2].ID
	_, statuses = start(w.stranger, "XD")
	w.elsewhere = statuses[0].ID
	if _, err := projects.AddMember(t.Context(), w.member, "", "MESOS", "viewer@example.org", project.Viewer); err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"D", "C", "B", "A", "Y", "X"} { // new ones stand first
		d := issue.Draft{Title: title}
		if title >= "X" {
			d.StatusID = w.done
		}
		w.cards[title] = create(t, w, w.member, "MESOS", d)
	}
	w.foreign = create(t, w, w.stranger, "XD", issue.Draft{Title: "foreign"})
	return w
}

func create(t *testing.T, w world, by account.Actor, projectKey string, d issue.Draft) issue.Issue {
	t.Helper()
	i, err := w.issues.Create(t.Context(), by, "", projectKey, d)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// key of a card, by its title.
func (w world) key(t *testing.T, title string) issue.Key {
	t.Helper()
	k, err := issue.ParseKey(w.cards[title].Key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// columns are the titles of the three columns in their order, like "A B C D||X Y".
func columns(t *testing.T, w world) string {
	t.Helper()
	var all []string
	for _, status := range []string{w.open, w.doing, w.done} {
		var titles []string
		for _, i := range column(t, w, status) {
			titles = append(titles, i.Title)
		}
		all = append(all, strings.Join(titles, " "))
	}
	return strings.Join(all, "|")
}

func column(t *testing.T, w world, status string) []issue.Issue {
	t.Helper()
	page, err := w.issues.List(t.Context(), w.viewer, "MESOS", issue.Filter{Statuses: []string{status}, Sort: "rank", Limit: issue.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

// TestPlaces moves one card of "A B C D||X Y" each time, from the beginning.
func TestPlaces(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		id := func(title string) string { return w.cards[title].ID }
		start := columns(t, w)
		if start != "A B C D||X Y" {
			t.Fatal(start)
		}
		for name, c := range map[string]struct {
			card string
			move board.Move
			want string
		}{
			"first in another column":          {"B", board.Move{StatusID: w.done}, "A C D||B X Y"},
			"into an empty column":             {"B", board.Move{StatusID: w.doing}, "A C D|B|X Y"},
			"first in its own":                 {"C", board.Move{StatusID: w.open}, "C A B D||X Y"},
			"below the last":                   {"A", board.Move{StatusID: w.open, After: id("D")}, "B C D A||X Y"},
			"below another":                    {"A", board.Move{StatusID: w.open, After: id("B")}, "B A C D||X Y"},
			"above the first":                  {"D", board.Move{StatusID: w.open, Before: id("A")}, "D A B C||X Y"},
			"above another":                    {"D", board.Move{StatusID: w.open, Before: id("B")}, "A D B C||X Y"},
			"between two":                      {"A", board.Move{StatusID: w.done, After: id("X"), Before: id("Y")}, "B C D||X A Y"},
			"by a key":                         {"A", board.Move{StatusID: w.done, After: strings.ToLower(w.cards["X"].Key)}, "B C D||X A Y"},
			"two that do not touch":            {"D", board.Move{StatusID: w.open, After: id("A"), Before: id("C")}, "A D B C||X Y"},
			"two the wrong way round":          {"D", board.Move{StatusID: w.open, After: id("B"), Before: id("A")}, "A B D C||X Y"},
			"below one that has left":          {"A", board.Move{StatusID: w.done, After: id("B")}, "B C D||A X Y"},
			"above one that has left":          {"A", board.Move{StatusID: w.done, Before: id("B")}, "B C D||A X Y"},
			"below one that has left, above Y": {"A", board.Move{StatusID: w.done, After: id("B"), Before: id("Y")}, "B C D||X A Y"},
			"below X, above one that has left": {"A", board.Move{StatusID: w.done, After: id("X"), Before: id("B")}, "B C D||X A Y"},
			"below itself, above D":            {"A", board.Move{StatusID: w.open, After: id("A"), Before: id("D")}, "B C A D||X Y"},
			"below itself only":                {"B", board.Move{StatusID: w.open, After: id("B")}, "A B C D||X Y"},
			"above itself only":                {"B", board.Move{StatusID: w.open, Before: id("B")}, "A B C D||X Y"},
			"where it stands":                  {"B", board.Move{StatusID: w.open, After: id("A"), Before: id("C")}, "A B C D||X Y"},
		} {
			moved, err := w.Move(t.Context(), w.member, "", w.key(t, c.card), c.move)
			if err != nil || moved.StatusID != c.move.StatusID {
				t.Errorf("%s: %+v, %v", name, moved, err)
			}
			if got := columns(t, w); got != c.want {
				t.Errorf("%s gives %s, want %s", name, got, c.want)
			}
			reset(t, w)
			if got := columns(t, w); got != start {
				t.Fatal(got)
			}
		}
	})
}

// reset brings the cards back to where they began.
func reset(t *testing.T, w world) {
	t.Helper()
	for _, title := range []string{"D", "C", "B", "A", "Y", "X"} {
		if _, err := w.Move(t.Context(), w.member, "", w.key(t, title), board.Move{StatusID: w.cards[title].StatusID}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingMoves: a card that is told to stand where it stands keeps its version,
// and the log says nothing.
func TestNothingMoves(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		before := head(t, w)
		for _, m := range []board.Move{
			{StatusID: w.open, After: w.cards["A"].ID}, {StatusID: w.open, Before: w.cards["C"].ID}, {StatusID: w.open, After: w.cards["B"].ID},
		} {
			moved, err := w.Move(t.Context(), w.member, "", w.key(t, "B"), m)
			if diff := cmp.Diff(w.cards["B"], moved.Issue); err != nil || diff != "" {
				t.Errorf("%+v: %v %s", m, err, diff)
			}
		}
		if _, err := w.Move(t.Context(), w.member, "", w.key(t, "A"), board.Move{StatusID: w.open}); err != nil || head(t, w) != before {
			t.Errorf("the log went from %d to %d, %v", before, head(t, w), err)
		}
	})
}

func head(t *testing.T, w world) int64 {
	t.Helper()
	seq, err := w.log.Head(t.Context(), project.Scope(w.p.ID))
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, before, old := t.Context(), head(t, w), w.cards["A"].Version+1
		for name, c := range map[string]struct {
			by    account.Actor
			move  board.Move
			kind  errs.Kind
			field string
		}{
			"an unknown status":        {w.member, board.Move{StatusID: uuid.NewString()}, errs.Invalid, "body.statusId"},
			"another's status":         {w.member, board.Move{StatusID: w.elsewhere}, errs.Invalid, "body.statusId"},
			"no status":                {w.member, board.Move{}, errs.Invalid, "body.statusId"},
			"an unknown neighbour":     {w.member, board.Move{StatusID: w.done, After: uuid.NewString()}, errs.Invalid, "body.after"},
			"another one, above":       {w.member, board.Move{StatusID: w.done, Before: "x"}, errs.Invalid, "body.before"},
			"another's issue":          {w.member, board.Move{StatusID: w.done, After: w.foreign.ID}, errs.Invalid, "body.after"},
			"another's issue by key":   {w.member, board.Move{StatusID: w.done, Before: w.foreign.Key}, errs.Invalid, "body.before"},
			"an unknown key":           {w.member, board.Move{StatusID: w.done, After: "MESOS-99"}, errs.Invalid, "body.after"},
			"a stale version":          {w.member, board.Move{StatusID: w.done, Version: &old}, errs.Conflict, ""},
			"a viewer":                 {w.viewer, board.Move{StatusID: w.done}, errs.Forbidden, ""},
			"a stranger":               {w.stranger, board.Move{StatusID: w.done}, errs.NotFound, ""},
			"a stranger, to their own": {w.stranger, board.Move{StatusID: w.elsewhere}, errs.NotFound, ""},
		} {
			_, err := w.Move(ctx, c.by, "", w.key(t, "A"), c.move)
			if !errs.Is(err, c.kind) || errs.Of(err).Field != c.field {
				t.Errorf("%s: %v names %q", name, err, errs.Of(err).Field)
			}
			if c.kind == errs.Conflict && !cmp.Equal(errs.Of(err).Current, any(w.cards["A"])) {
				t.Errorf("%s: carries %+v", name, errs.Of(err).Current)
			}
		}
		_, err := w.Move(ctx, w.member, "", issue.Key{Project: "MESOS", Number: 99}, board.Move{StatusID: w.done})
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("no such issue: %v", err)
		}
		if got := columns(t, w); got != "A B C D||X Y" || head(t, w) != before {
			t.Error(got)
		}
	})
}

func TestResend(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, before, seen := t.Context(), head(t, w), w.cards["B"].Version
		m := board.Move{StatusID: w.done, After: w.cards["X"].ID, Version: &seen}
		first, err := w.Move(ctx, w.member, "m1", w.key(t, "B"), m)
		if err != nil || first.Version != seen+1 {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := w.Move(ctx, w.member, "m1", w.key(t, "B"), m)
		if diff := cmp.Diff(first, again); err != nil || diff != "" || head(t, w) != before+1 {
			t.Errorf("%v %s", err, diff)
		}
	})
}

// TestCollidingMoves: 32 people move the same few cards about, again and again. All
// succeed, no two cards of a column share a rank, and every card is somewhere.
func TestCollidingMoves(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const people, moves = 32, 8
		titles := []string{"A", "B", "C", "D", "X", "Y"}
		statuses := []string{w.open, w.doing, w.done}
		var wg sync.WaitGroup
		for n := range people {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), 1))
				any := func() string { return w.cards[titles[random.IntN(len(titles))]].ID }
				for range moves {
					m := board.Move{StatusID: statuses[random.IntN(len(statuses))]}
					switch random.IntN(4) {
					case 0:
						m.After = any()
					case 1:
						m.Before = any()
					case 2:
						m.After, m.Before = any(), any()
					}
					if _, err := w.Move(t.Context(), w.member, "", w.key(t, titles[random.IntN(len(titles))]), m); err != nil {
						t.Errorf("%+v: %v", m, err)
					}
				}
			})
		}
		wg.Wait()
		var found []string
		for _, status := range statuses {
			ranks := map[string]bool{}
			cards := column(t, w, status)
			for _, i := range cards {
				ranks[i.Rank] = true
				found = append(found, i.Title)
			}
			if len(ranks) != len(cards) {
				t.Errorf("%d cards have %d ranks", len(cards), len(ranks))
			}
		}
		slices.Sort(found)
		if diff := cmp.Diff(titles, found); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOrderEqualsExpectation moves at random, one after the other, and keeps the
// columns as lists beside.
func TestOrderEqualsExpectation(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		random := rand.New(rand.NewPCG(3, 4))
		want := [][]string{{"A", "B", "C", "D"}, {}, {"X", "Y"}}
		statuses := []string{w.open, w.doing, w.done}
		titles := []string{"A", "B", "C", "D", "X", "Y"}
		for range 150 {
			card, to := titles[random.IntN(len(titles))], random.IntN(3)
			for c := range want {
				want[c] = slices.DeleteFunc(want[c], func(title string) bool { return title == card })
			}
			at := random.IntN(len(want[to]) + 1)
			m := board.Move{StatusID: statuses[to]}
			if at > 0 {
				m.After = w.cards[want[to][at-1]].ID
			} else if len(want[to]) > 0 && random.IntN(2) == 0 {
				m.Before = w.cards[want[to][0]].ID
			}
			want[to] = slices.Insert(want[to], at, card)
			if _, err := w.Move(t.Context(), w.member, "", w.key(t, card), m); err != nil {
				t.Fatal(err)
			}
			expected := fmt.Sprintf("%s|%s|%s", strings.Join(want[0], " "), strings.Join(want[1], " "), strings.Join(want[2], " "))
			if got := columns(t, w); got != expected {
				t.Fatalf("got %s, want %s", got, expected)
			}
		}
	})
}
