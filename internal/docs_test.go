package internal_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsRequirements: what docs/requirements.md names as holding a row exists.
func TestDocsRequirements(t *testing.T) {
	t.Parallel()
	held := evidence(t)
	rows := 0
	for line := range strings.Lines(read(t, "docs/requirements.md")) {
		if !regexp.MustCompile(`^\| [TP]\d`).MatchString(line) {
			continue
		}
		rows++
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), "|"), "|")
		for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[len(cells)-1], -1) {
			if name := found[1]; !held.exists(name) {
				t.Errorf("%s names %q, which is not there", strings.TrimSpace(cells[1]), name)
			}
		}
	}
	if rows < 70 {
		t.Errorf("only %d rows", rows)
	}
}

// held is what a document may name as holding a promise.
type held struct {
	tests, commands string
	scripts         map[string]bool
}

func evidence(t *testing.T) held {
	t.Helper()
	var tests, commands strings.Builder
	h := held{scripts: map[string]bool{}}
	eachSource(t, func(name, text string) {
		switch {
		case strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, ".spec.ts"), strings.HasSuffix(name, ".test.ts"):
			tests.WriteString(text)
		case strings.HasSuffix(name, ".txtar"):
			h.scripts[path.Base(name)] = true
		case name == "Makefile":
			commands.WriteString(text)
		}
	})
	h.tests, h.commands = tests.String(), commands.String()
	return h
}

func (h held) exists(name string) bool {
	target, isCommand := strings.CutPrefix(name, "make ")
	switch {
	case isCommand:
		return strings.Contains(h.commands, "\n"+target+":")
	case strings.HasSuffix(name, ".txtar"):
		return h.scripts[name]
	case strings.HasPrefix(name, "Test"):
		return strings.Contains(h.tests, "\nfunc "+name+"(t *testing.T)")
	case name == ".ci/run":
		_, err := os.Stat("../.ci/run")
		return err == nil
	}
	return strings.Contains(h.tests, name)
}

// TestDocsMap: the README's map of folders is the tree.
func TestDocsMap(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(read(t, "README.md"), "## The map\n\n```\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the README has no map")
	}
	var drawn []string
	for line := range strings.Lines(text) {
		drawn = append(drawn, strings.Fields(line)[0])
	}
	var real []string
	for _, parent := range []string{".", "cmd", "internal"} {
		entries, err := os.ReadDir(path.Join("..", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := path.Join(parent, e.Name())
			built := slices.Contains([]string{"cmd", "internal", "bin", "data", "node_modules"}, name)
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !built {
				real = append(real, name)
			}
		}
	}
	slices.Sort(drawn)
	slices.Sort(real)
	if !slices.Equal(drawn, real) {
		t.Errorf("the README draws %v, there are %v", drawn, real)
	}
}

// TestDocsConfiguration: every setting is described, with its default.
func TestDocsConfiguration(t *testing.T) {
	t.Parallel()
	manual := read(t, "docs/configuration.md")
	settings := regexp.MustCompile(`\{"([A-Z0-9_]+)", "([^"]*)", "([^"]+)", (?:true|false), set`).
		FindAllStringSubmatch(read(t, "internal/app/config.go")+read(t, "internal/app/config_provider.go")+read(t, "internal/app/config_backup.go")+read(t, "internal/app/config_monitor.go"), -1)
	if len(settings) < 30 {
		t.Fatalf("only %d settings found", len(settings))
	}
	for _, s := range settings {
		standard := ""
		if s[2] != "" {
			standard = "`" + s[2] + "`"
		}
		if row := "| `" + s[1] + "` | " + standard + " | " + s[3] + " |"; !strings.Contains(manual, row) {
			t.Errorf("docs/configuration.md lacks %s", row)
		}
	}
}

// TestDocsCommands: the pipeline calls what the list of commands has, and CI the
// README's two.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	for _, target := range []string{"run", "dev", "build", "test", "check", "fmt", "migrate", "migrate-add", "prepare", "gen-jwt-keys", "crash"} {
		if !regexp.MustCompile(`(?m)^` + target + `:.*## `).MatchString(makefile) {
			t.Errorf("make %s is not in the list", target)
		}
	}
	want := []string{"test", "check", "targets"}
	for _, name := range []string{".ci/run", ".github/workflows/ci.yml"} {
		var called []string
		for _, c := range regexp.MustCompile(`(?m)^\s*(?:- run: )?make ([a-z-]+)$`).FindAllStringSubmatch(read(t, name), -1) {
			called = append(called, c[1])
		}
		if !slices.Equal(called, want) {
			t.Errorf("%s calls make %v, not %v", name, called, want)
		}
	}
	for _, target := range want {
		if !strings.Contains(makefile, "\n"+target+":") {
			t.Errorf("make %s is not there", target)
		}
	}
}

// TestProxyExamples: both hold nothing of a stream back, tell the app who asks, and are in
// the manual, with what the app has to be told.
func TestProxyExamples(t *testing.T) {
	t.Parallel()
	manual := read(t, "docs/operations/scaling.md")
	for file, needs := range map[string][]string{
		"deploy/nginx/peisear.conf": {
			"location = /api/live", "proxy_buffering off;", "proxy_read_timeout 1h;",
			"X-Forwarded-For $remote_addr;", "X-Forwarded-Proto $scheme;",
		},
		"deploy/caddy/Caddyfile": {"flush_interval -1", "health_uri /api/health"},
	} {
		text := read(t, file)
		for _, need := range needs {
			if !strings.Contains(text, need) {
				t.Errorf("%s lacks %s", file, need)
			}
		}
		if !strings.Contains(manual, "../../"+file) {
			t.Errorf("the manual does not name %s", file)
		}
	}
	if !strings.Contains(manual, "`TRUSTED_PROXIES`") {
		t.Error("the manual does not name TRUSTED_PROXIES")
	}
}

// TestDocsLicences: both licences are there, and the README names them.
func TestDocsLicences(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	for file, text := range map[string]string{"LICENSE-MIT": "Permission is hereby granted", "LICENSE-APACHE": "Apache License"} {
		if !strings.Contains(read(t, file), text) || !strings.Contains(readme, file) {
			t.Errorf("%s is not the licence, or the README does not name it", file)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(path.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eachSource calls f with the project's own files, from the top of the checkout.
func eachSource(t *testing.T, f func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{"node_modules", ".git", "dist", "results", ".prepare"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if slices.Contains([]string{".go", ".ts", ".txtar"}, path.Ext(name)) || name == "Makefile" {
			f(name, read(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
