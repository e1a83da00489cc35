package comment_test

import (
	"testing"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/comment"
)

// TestImport: many are made in their order, and one that cannot be undoes its batch.
func TestImport(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		all := []comment.Source{{Number: 1, Body: "one"}, {Number: 1, Body: "two"}, {Number: 1, Body: "three"}}
		for rest := all; len(rest) > 0; {
			made, err := w.Import(t.Context(), w.member, "mesos", rest)
			if err != nil || made < 1 {
				t.Fatalf("%d, %v", made, err)
			}
			rest = rest[made:]
		}
		page, _, err := w.List(t.Context(), w.viewer, w.issue, comment.Range{Limit: 10})
		if err != nil || len(page) != 3 || page[0].Body != "one" || page[2].Body != "three" || page[2].AuthorID != w.member.ID {
			t.Errorf("%+v, %v", page, err)
		}
		_, err = w.Import(t.Context(), w.viewer, "MESOS", all)
		wantKind(t, "as a viewer", err, errs.Forbidden)
		_, err = w.Import(t.Context(), w.stranger, "MESOS", all)
		wantKind(t, "as a stranger", err, errs.NotFound)
		_, err = w.Import(t.Context(), w.member, "MESOS", []comment.Source{{Number: 2, Body: "one"}})
		wantKind(t, "on no issue", err, errs.NotFound)
		_, err = w.Import(t.Context(), w.member, "MESOS", []comment.Source{{Number: 1, Body: "\u200b"}})
		wantKind(t, "one that shows nothing", err, errs.Invalid)
		if now, _, err := w.List(t.Context(), w.viewer, w.issue, comment.Range{Limit: 10}); err != nil || len(now) != 3 {
			t.Errorf("%d, %v", len(now), err)
		}
	})
}
