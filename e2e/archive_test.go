package e2e_test

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/peisear/peisear/internal/base/pack"
)

// same compares what two archives hold.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] same ARCHIVE ARCHIVE")
	}
	var held [2][]pack.File
	for i, name := range args {
		ts.Check(pack.OpenFile(ts.MkAbs(name), pack.Archive, func(r *pack.Reader) error {
			held[i] = slices.SortedFunc(slices.Values(r.Manifest.Files), func(a, b pack.File) int { return strings.Compare(a.Name, b.Name) })
			return nil
		}))
	}
	switch diff := cmp.Diff(held[0], held[1]); {
	case !neg && diff != "":
		ts.Fatalf("%s", diff)
	case neg && diff == "":
		ts.Fatalf("they hold the same")
	}
	ts.Logf("%d tables", len(held[0]))
}

// spoil writes an archive whose sums are right and whose rows are not: in every table the
// first OLD is NEW.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: spoil FROM TO OLD NEW")
	}
	to, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	w := pack.NewWriter(to)
	ts.Check(pack.OpenFile(ts.MkAbs(args[0]), pack.Archive, func(r *pack.Reader) error {
		for _, f := range r.Manifest.Files {
			var text strings.Builder
			if err := r.Copy(&text, f.Name); err != nil {
				return err
			}
			err := w.Add(f.Name, false, func(w io.Writer) error {
				_, err := io.WriteString(w, strings.Replace(text.String(), args[2], args[3], 1))
				return err
			})
			if err != nil {
				return err
			}
		}
		_, err := w.Close(r.Manifest)
		return err
	}))
	ts.Check(to.Close())
}
