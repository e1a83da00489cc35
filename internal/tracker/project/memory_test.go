package project

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestGrantedForgets(t *testing.T) {
	t.Parallel()
	g, now, asked := new(granted), time.Now(), 0
	of := func(after time.Duration, during func(), err error) string {
		scopes, got := g.of("ann", now.Add(after), func() ([]string, error) {
			asked++
			during()
			return []string{fmt.Sprint("project:", asked)}, err
		})
		if (got != nil) != (err != nil) {
			t.Error(got)
		}
		_ = append(scopes, "project:none") // must not reach the next one
		return fmt.Sprint(scopes)
	}
	nothing := func() {}
	for i, c := range []struct {
		after  time.Duration
		before func()
		during func()
		err    error
		want   string
	}{
		{0, nothing, nothing, nil, "[project:1]"},
		{grantedFor - 1, nothing, nothing, nil, "[project:1]"},
		{grantedFor, nothing, nothing, nil, "[project:2]"}, // too old
		{grantedFor, func() { g.drop("bob") }, nothing, nil, "[project:2]"},
		{grantedFor, func() { g.drop("ann") }, nothing, nil, "[project:3]"},
		{grantedFor, func() { g.drop("ann") }, func() { g.drop("ann") }, nil, "[project:4]"}, // dropped while it was asked:
		{grantedFor, nothing, nothing, nil, "[project:5]"},                                   // not remembered
		{3 * grantedFor, nothing, nothing, errors.New("no"), "[]"},
		{3 * grantedFor, nothing, nothing, nil, "[project:7]"},
	} {
		c.before()
		if got := of(c.after, c.during, c.err); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
}

func TestMemoriesAreBounded(t *testing.T) {
	t.Parallel()
	f, g := new(found), new(granted)
	for i := range maxRemembered + 10 {
		f.put(fmt.Sprint(i), "KEY", "id")
		if _, err := g.of(fmt.Sprint(i), time.Now(), func() ([]string, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if sizes := []int{len(f.known), len(g.known)}; !slices.Equal(sizes, []int{10, 10}) {
		t.Errorf("%v entries", sizes)
	}
}
