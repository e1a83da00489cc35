// Command table makes tables of what go test -bench prints: it passes its input on and
// writes FILE.json, every line with its figures, and FILE.md, which compares them.
//
//	go test -run '^$' -bench . ./bench | go run ./bench/table -o bench/results/latest
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	file := flag.String("o", "bench/results/latest", "where the tables go, without .json and .md")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *file); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// errNone is for an input that was cut off before the first figure.
var errNone = fmt.Errorf("there is no benchmark in the input")

func run(in io.Reader, out io.Writer, file string) error {
	r, err := read(io.TeeReader(in, out))
	switch {
	case err != nil:
		return err
	case len(r.Lines) == 0:
		return errNone
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // figures are for everybody
		return err
	}
	if err := os.WriteFile(file+".json", append(text, '\n'), 0o644); err != nil { //nolint:gosec // as above
		return err
	}
	return os.WriteFile(file+".md", []byte(r.markdown()), 0o644) //nolint:gosec // as above
}

// Results are the figures of one run.
type Results struct {
	About map[string]string `json:"about"` // goos, goarch, cpu
	Lines []Line            `json:"lines"`
}

// Line is what one benchmark said.
type Line struct {
	Name    string             `json:"name"`    // Server/sqlite/create/conns=64
	Runs    int                `json:"runs"`    // requests
	Figures map[string]float64 `json:"figures"` // by unit: req/s, p99-ms, server-cpu-ms/req
}

// read takes the lines of the testing package; others are not its business. A run that
// went wrong has no table.
func read(in io.Reader) (r Results, err error) {
	r.About = map[string]string{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	failed := false
	for lines.Scan() {
		text := lines.Text()
		if name, value, ok := strings.Cut(text, ": "); ok && !strings.ContainsAny(name, " \t") {
			r.About[name] = value
		}
		if line, ok := parse(text); ok {
			r.Lines = append(r.Lines, line)
		}
		failed = failed || strings.HasPrefix(text, "FAIL") || strings.HasPrefix(text, "--- FAIL")
	}
	if failed {
		return r, fmt.Errorf("the benchmarks did not run to their end")
	}
	return r, lines.Err()
}

// parse reads BenchmarkServer/sqlite/create/conns=64-2  1000  5 ns/op  3873 req/s.
func parse(text string) (l Line, ok bool) {
	fields := strings.Fields(text)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return l, false
	}
	l.Name = strings.TrimPrefix(fields[0], "Benchmark")
	if at := strings.LastIndexByte(l.Name, '-'); at >= 0 { // the processors
		if _, err := strconv.Atoi(l.Name[at+1:]); err == nil {
			l.Name = l.Name[:at]
		}
	}
	var err error
	if l.Runs, err = strconv.Atoi(fields[1]); err != nil {
		return l, false
	}
	l.Figures = map[string]float64{}
	for i := 2; i < len(fields); i += 2 {
		if l.Figures[fields[i+1]], err = strconv.ParseFloat(fields[i], 64); err != nil {
			return l, false
		}
	}
	return l, true
}
