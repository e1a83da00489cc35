package web_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/peisear/peisear/web"
)

// Holds with and without a built app.
func TestFilesHaveAnIndex(t *testing.T) {
	t.Parallel()
	index, err := fs.ReadFile(web.Files(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	_, err = fs.Stat(web.Dist, "dist/index.html")
	if built := err == nil; built == strings.Contains(string(index), "no web app") {
		t.Errorf("built: %t, and index.html is\n%s", built, index)
	}
}
