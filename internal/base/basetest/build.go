package basetest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build compiles the program, with more flags for go build, and returns where it is. It is
// gone with the test.
func Build(t testing.TB, flags ...string) (path string) {
	t.Helper()
	root, err := moduleRoot()
	if err == nil {
		err = watch(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "peisear")
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", path}, flags...), "./cmd/peisear")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// watch lets go test run a test again when a file of the program has changed: it remembers
// what a test looks at, and not what a compiler reads for it.
func watch(root string) error {
	for _, dir := range []string{"cmd", "internal", "web/dist"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}

func moduleRoot() (string, error) {
	dir, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	for {
		switch _, err := os.Stat(filepath.Join(dir, "go.mod")); {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return "", err
		}
		dir = filepath.Dir(dir)
	}
}
