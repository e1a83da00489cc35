package comment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/project/projecttest"
)

func TestCommentLives(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "  one\n")
		want := comment.Comment{
			ID: c.ID, IssueID: c.IssueID, IssueKey: "MESOS-1", AuthorID: w.member.ID, Body: "  one\n", Version: 1,
			CreatedAt: c.CreatedAt, UpdatedAt: c.CreatedAt,
		}
		if diff := cmp.Diff(want, c); diff != "" || time.Since(c.CreatedAt) > time.Minute {
			t.Error(diff, c.CreatedAt)
		}
		if diff := cmp.Diff(c, get(t, w, c)); diff != "" {
			t.Error(diff)
		}
		changed, err := update(t, w, w.member, c, "two")
		want.Body, want.Version, want.UpdatedAt = "two", 2, changed.UpdatedAt
		if diff := cmp.Diff(want, changed); err != nil || diff != "" || !changed.UpdatedAt.After(c.CreatedAt) {
			t.Error(err, diff)
		}
		if diff := cmp.Diff(changed, get(t, w, c)); diff != "" {
			t.Error(diff)
		}
		if err := w.Delete(t.Context(), w.member, "", c.ID); err != nil {
			t.Error(err)
		}
		_, err = w.Get(t.Context(), w.member, c.ID)
		wantKind(t, "after its deletion", err, errs.NotFound)
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		old := create(t, w, w.member, "old")
		for name, c := range map[string]struct {
			body string
			good bool
		}{
			"longest":         {strings.Repeat("ü", comment.MaxBody), true},
			"too long":        {strings.Repeat("ü", comment.MaxBody+1), false},
			"empty":           {"", false},
			"blank":           {" \n\t\u00a0", false},
			"quotes and such": {"'; DROP TABLE comment; -- $1 ?1 \" \\ \u2028 <script>", true},
		} {
			made, err := w.Create(t.Context(), w.member, "", w.issue, c.body)
			changed, err2 := update(t, w, w.member, get(t, w, old), c.body)
			if c.good && (err != nil || err2 != nil || made.Body != c.body || changed.Body != c.body) {
				t.Errorf("%s: %v, %v", name, err, err2)
			}
			if !c.good && (errs.Of(err).Field != "body.body" || errs.Of(err2).Field != "body.body") {
				t.Errorf("%s: %v, %v", name, err, err2)
			}
		}
		_, err := w.Create(t.Context(), w.member, "", issue.Key{Project: "MESOS", Number: 2}, "x")
		wantKind(t, "on no issue", err, errs.NotFound)
	})
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 5 {
			create(t, w, w.member, fmt.Sprint("c", i))
		}
		other := newIssue(t, w, w.owner, "MESOS")
		if _, err := w.Create(t.Context(), w.member, "", issue.Key{Project: "MESOS", Number: other.Number}, "elsewhere"); err != nil {
			t.Fatal(err)
		}
		for newest, want := range map[bool]string{false: "c0 c1 c2 c3 c4", true: "c4 c3 c2 c1 c0"} {
			var bodies []string
			r := comment.Range{Newest: newest, Limit: 2}
			for more := true; more; {
				page, again, err := w.List(t.Context(), w.viewer, w.issue, r)
				if err != nil || len(page) == 0 || len(page) > 2 {
					t.Fatalf("%v, %v", page, err)
				}
				for _, c := range page {
					bodies = append(bodies, c.Body)
				}
				more, r.After = again, page[len(page)-1].ID
			}
			if got := strings.Join(bodies, " "); got != want {
				t.Error(got)
			}
		}
		if page, more, err := w.List(t.Context(), w.viewer, w.issue, comment.Range{Limit: 5}); err != nil || more || len(page) != 5 {
			t.Errorf("%d, %v, %v", len(page), more, err)
		}
		for _, limit := range []int{0, comment.MaxPage + 1} {
			_, _, err := w.List(t.Context(), w.viewer, w.issue, comment.Range{Limit: limit})
			wantKind(t, fmt.Sprint("limit ", limit), err, errs.Invalid)
		}
	})
}

// TestStaleVersion: an edit of a text that was changed meanwhile is refused with it.
func TestStaleVersion(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "one")
		changed, err := update(t, w, w.member, c, "two")
		if err != nil {
			t.Fatal(err)
		}
		_, err = update(t, w, w.member, c, "three")
		wantKind(t, "stale", err, errs.Conflict)
		if diff := cmp.Diff(changed, errs.Of(err).Current); diff != "" {
			t.Error(diff)
		}
		before := head(t, w)
		same, err := update(t, w, w.member, changed, "two")
		if diff := cmp.Diff(changed, same); err != nil || diff != "" || head(t, w) != before {
			t.Errorf("an edit that changes nothing: %v %s", err, diff)
		}
		same, err = w.Update(t.Context(), w.member, "", c.ID, changed.Version, nil)
		if diff := cmp.Diff(changed, same); err != nil || diff != "" || head(t, w) != before {
			t.Errorf("an edit of nothing: %v %s", err, diff)
		}
	})
}

// TestOneOfManyEdits: of those that read one version, one is kept.
func TestOneOfManyEdits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "one")
		var wg sync.WaitGroup
		var kept [16]bool
		for i := range kept {
			wg.Go(func() {
				_, err := update(t, w, w.member, c, fmt.Sprint("edit ", i))
				if kept[i] = err == nil; err != nil && !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n := slices.Index(kept[:], true)
		if got := get(t, w, c); n < 0 || slices.Contains(kept[n+1:], true) || got.Version != 2 || got.Body != fmt.Sprint("edit ", n) {
			t.Errorf("%v, %+v", kept, got)
		}
	})
}

func TestResend(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, before := t.Context(), head(t, w)
		c := createOnce(t, w, "c1")
		two, three := "two", "three"
		for range 2 {
			if got, err := w.Update(ctx, w.member, "u1", c.ID, 1, &two); err != nil || got.Body != two || got.Version != 2 {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if got, err := w.Create(ctx, w.member, "c1", w.issue, "once"); err != nil || got.ID != c.ID || got.Body != two {
			t.Errorf("created again: %+v, %v", got, err)
		}
		if other, err := w.Create(ctx, w.other, "c1", w.issue, "another's"); err != nil || other.ID == c.ID {
			t.Errorf("another's mutation with the same id: %+v, %v", other, err)
		}
		other := create(t, w, w.member, "other")
		_, err := w.Update(ctx, w.member, "u1", other.ID, 1, &three)
		wantKind(t, "the id of another edit", err, errs.Conflict)
		_, err = w.Update(ctx, w.member, "c1", other.ID, 1, &three)
		wantKind(t, "the id of a creation", err, errs.Conflict)
		newIssue(t, w, w.owner, "MESOS")
		_, err = w.Create(ctx, w.member, "c1", issue.Key{Project: "MESOS", Number: 2}, "once")
		wantKind(t, "created again elsewhere", err, errs.Conflict)
		for range 2 {
			if err := w.Delete(ctx, w.member, "d1", c.ID); err != nil {
				t.Error(err)
			}
		}
		wantKind(t, "deleted again", w.Delete(ctx, w.member, "d2", c.ID), errs.NotFound)
		wantKind(t, "deleted again without an id", w.Delete(ctx, w.member, "", c.ID), errs.NotFound)
		wantKind(t, "deleted by the id of an edit", w.Delete(ctx, w.member, "u1", c.ID), errs.NotFound)
		wantKind(t, "deleted again by another", w.Delete(ctx, w.owner, "d1", c.ID), errs.NotFound)
		_, err = w.Create(ctx, w.member, "c1", w.issue, "once")
		wantKind(t, "created again after its deletion", err, errs.NotFound)
		_, err = w.Update(ctx, w.member, "u1", c.ID, 1, &two)
		wantKind(t, "changed again after its deletion", err, errs.NotFound)
		if got := head(t, w); got != before+6 {
			t.Errorf("the log went from %d to %d", before, got)
		}
	})
}

// createOnce sends one creation several times at once.
func createOnce(t *testing.T, w world, tx string) comment.Comment {
	t.Helper()
	var wg sync.WaitGroup
	var all [8]comment.Comment
	for n := range all {
		wg.Go(func() {
			var err error
			if all[n], err = w.Create(t.Context(), w.member, tx, w.issue, "once"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range all {
		if c.ID == "" || c.ID != all[0].ID {
			t.Errorf("made %v", all)
		}
	}
	return all[0]
}

func TestEveryChangeIsLogged(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		before := head(t, w)
		c := create(t, w, w.member, "one")
		changed, err := update(t, w, w.member, c, "two")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Delete(t.Context(), w.owner, "", c.ID); err != nil {
			t.Fatal(err)
		}
		entries, err := w.log.Since(t.Context(), project.Scope(w.p.ID), before)
		if err != nil || len(entries) != 3 {
			t.Fatalf("%v, %v", entries, err)
		}
		for i, op := range []live.Op{live.Create, live.Update, live.Delete} {
			if got := entries[i].Changes[0]; got.Op != op || got.Entity != "comment" || got.ID != c.ID {
				t.Errorf("entry %d: %+v", i, got)
			}
		}
		if diff := cmp.Diff(c, read[comment.Comment](t, entries[0])); diff != "" {
			t.Error(diff)
		}
		if patch := read[map[string]any](t, entries[1]); len(patch) != 3 || patch["body"] != "two" {
			t.Errorf("%v", patch)
		}
		if entries[2].Actor != w.owner.ID || changed.Version != 2 {
			t.Errorf("%+v", entries[2])
		}
	})
}

// read returns the patch of the only change of an entry.
func read[T any](t *testing.T, e live.Entry) (patch T) {
	t.Helper()
	if err := json.Unmarshal(e.Changes[0].Patch, &patch); err != nil || len(e.Changes) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	return patch
}

// heard collects what the topics say, from committed transactions only.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func listen(w world) *heard {
	h := new(heard)
	say := func(tx *live.Tx, line string) {
		tx.AfterCommit(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.lines = append(h.lines, line)
		})
	}
	w.Written.Subscribe(func(_ context.Context, tx *live.Tx, e comment.Written) error {
		say(tx, fmt.Sprint("written ", e.ProjectID == w.p.ID, " ", e.Comment.IssueKey, " ", e.Comment.Body))
		return nil
	})
	w.Removed.Subscribe(func(_ context.Context, tx *live.Tx, e comment.Removed) error {
		say(tx, fmt.Sprint("removed ", e.ProjectID == w.p.ID, " ", e.IssueID, " ", e.IDs))
		return nil
	})
	return h
}

// TestTopics: whoever searches learns of every change, also when the issue takes its
// comments along.
func TestTopics(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		h := listen(w)
		one, two, three := create(t, w, w.member, "one"), create(t, w, w.member, "two"), create(t, w, w.member, "three")
		if _, err := update(t, w, w.member, one, "new"); err != nil {
			t.Fatal(err)
		}
		if _, err := update(t, w, w.member, one, "stale"); err == nil {
			t.Error("a stale edit went through")
		}
		if err := w.Delete(t.Context(), w.member, "", two.ID); err != nil {
			t.Fatal(err)
		}
		without := newIssue(t, w, w.owner, "MESOS")
		for _, key := range []issue.Key{w.issue, {Project: "MESOS", Number: without.Number}} {
			if err := w.issues.Delete(t.Context(), w.member, "", key); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			"written true MESOS-1 one", "written true MESOS-1 two", "written true MESOS-1 three", "written true MESOS-1 new",
			fmt.Sprintf("removed true %s [%s]", one.IssueID, two.ID), fmt.Sprintf("removed true %s [%s %s]", one.IssueID, one.ID, three.ID),
		}
		if diff := cmp.Diff(want, h.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// TestGoesAlong: comments go with their issue and with their project, and nobody else's.
func TestGoesAlong(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "one")
		foreign, err := w.Create(t.Context(), w.stranger, "", issue.Key{Project: "XD", Number: 1}, "theirs")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.issues.Delete(t.Context(), w.member, "", w.issue); err != nil {
			t.Fatal(err)
		}
		_, err = w.Get(t.Context(), w.member, c.ID)
		wantKind(t, "of a deleted issue", err, errs.NotFound)
		wantKind(t, "delete it", w.Delete(t.Context(), w.member, "", c.ID), errs.NotFound)
		w.issue.Number = newIssue(t, w, w.owner, "MESOS").Number
		create(t, w, w.member, "two")
		if err := w.projects.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		projecttest.Purge(t, w.db, w.projects)
		if n := count(t, w, "SELECT COUNT(*) FROM comment WHERE id <> $1", foreign.ID); n != 0 {
			t.Errorf("%d comments are left", n)
		}
		if got, err := w.Get(t.Context(), w.stranger, foreign.ID); err != nil || got != foreign {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestWordsOfTheDeleted: whoever takes over their work, what they have said stays theirs.
func TestWordsOfTheDeleted(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "said")
		l := account.Leave{UserID: w.member.ID, Deletion: account.Deletion{Work: account.HandOver, HeirID: w.other.ID}}
		_, _, err := live.Write(t.Context(), w.log, account.Audit(account.Operator(), ""), func(tx *live.Tx) (struct{}, error) {
			return struct{}{}, w.projects.Leave(context.WithoutCancel(t.Context()), tx, l)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, get(t, w, c)); diff != "" {
			t.Error(diff)
		}
		_, err = update(t, w, w.other, c, "said otherwise")
		wantKind(t, "changed by the heir", err, errs.Forbidden)
		_, err = update(t, w, w.member, c, "said otherwise")
		wantKind(t, "changed from outside", err, errs.NotFound)
	})
}

func Test64Writers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const writers, each = 64, 4
		before := head(t, w)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for j := range each {
					create(t, w, []account.Actor{w.member, w.owner}[i%2], fmt.Sprint(i, "-", j))
				}
			})
		}
		wg.Wait()
		page, more, err := w.List(t.Context(), w.viewer, w.issue, comment.Range{Limit: comment.MaxPage})
		if err != nil || !more || len(page) != comment.MaxPage || head(t, w) != before+writers*each {
			t.Errorf("%d, %v, %v, head %d", len(page), more, err, head(t, w))
		}
	})
}

// BenchmarkCreate measures durable comments by 64 goroutines.
func BenchmarkCreate(b *testing.B) {
	w := newWorld(b, basetest.NewDB(b, "sqlite", migrations()...))
	ctx := context.Background()
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for range (b.N + 63) / 64 {
				if _, err := w.Create(ctx, w.member, "", w.issue, "a comment of some words"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
