package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/peisear/peisear/internal/base/file"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "new")
	broken := errors.New("the source ended")
	write := func(text string, outcome error) error {
		return file.Create(path, func(f *os.File) error {
			_, err := f.WriteString(text)
			return errors.Join(err, outcome)
		})
	}
	if err := write("half", broken); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if err := write("whole", nil); err != nil {
		t.Fatal(err)
	}
	if err := write("another", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	text, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	left, _ := os.ReadDir(dir)
	if err != nil || statErr != nil || string(text) != "whole" || info.Mode().Perm() != 0o600 || len(left) != 1 {
		t.Errorf("%q, %v, %v, %v, %v", text, info.Mode(), left, err, statErr)
	}
}

func TestPlaceNeverReplaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for _, path := range []string{from, to} {
		if err := os.WriteFile(path, []byte(path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Place(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile(to); string(text) != to {
		t.Errorf("the file is %q", text)
	}
	if err := os.Remove(to); err != nil {
		t.Fatal(err)
	}
	if err := file.Place(from, to); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}
