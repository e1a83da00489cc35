package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const output = `goos: linux
cpu: Some CPU
BenchmarkEmptyHandler/conns=8-2         	     300	     50000 ns/op	         1.500 p99-ms	     20000 req/s
BenchmarkBareSQLite/insert/conns=8-2    	     300	     50000 ns/op	         1.500 p99-ms	      4000 req/s
BenchmarkServer/sqlite/create/conns=8-2 	     300	    453060 ns/op	        11.88 p99-ms	      2000 req/s	         0.2667 server-cpu-ms/req
    bench_test.go:12: 10000 issues
BenchmarkFanOut/sqlite/subscribers=500-2       	      20	  15283210 ns/op	        12.73 p50-ms
BenchmarkScale/postgres/issues=10/LOAD/create-2    	 300	    453060 ns/op	       2000 req/s	         0.2 server-cpu-ms/req	         0.3 postgres-cpu-ms/req
BenchmarkScale/postgres/issues=10/SEED1/create-2   	 300	    453060 ns/op	       2000 req/s	         0.5 server-cpu-ms/req	         0.5 postgres-cpu-ms/req
BenchmarkScale/postgres/issues=1000/LOAD/create-2  	 300	    453060 ns/op	       1000 req/s	         0.2 server-cpu-ms/req	         0.4 postgres-cpu-ms/req
BenchmarkScale/postgres/issues=1000/SEED1/create-2 	 300	    453060 ns/op	       1000 req/s	         0.5 server-cpu-ms/req	         1.5 postgres-cpu-ms/req
PASS
ok  	github.com/peisear/peisear/bench	13.920s
`

const table = `# Benchmarks

goos: linux  
cpu: Some CPU  

## EmptyHandler

| | p99-ms | req/s | of the empty handler | of bare inserts |
|---|---|---|---|---|
| conns=8 | 1.5 | 20000 | 1.000 | 5.000 |

## BareSQLite/insert

| | p99-ms | req/s | of the empty handler | of bare inserts |
|---|---|---|---|---|
| conns=8 | 1.5 | 4000 | 0.200 | 1.000 |

## Server/sqlite

| | p99-ms | req/s | server-cpu-ms/req | of the empty handler | of bare inserts |
|---|---|---|---|---|---|
| create/conns=8 | 11.9 | 2000 | 0.27 | 0.100 | 0.500 |

## FanOut/sqlite

| | ns/op | p50-ms |
|---|---|---|
| subscribers=500 | 15283210 | 12.7 |

## Scale/postgres

| | postgres-cpu-ms/req | req/s | server-cpu-ms/req | CPU of the fewest issues' |
|---|---|---|---|---|
| issues=10/LOAD/create | 0.3 | 2000 | 0.2 | 1.00 |
| issues=10/SEED1/create | 0.5 | 2000 | 0.5 | 1.00 |
| issues=1000/LOAD/create | 0.4 | 1000 | 0.2 | 1.20 |
| issues=1000/SEED1/create | 1.5 | 1000 | 0.5 | 2.00 |
`

func TestTable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "latest")
	out := new(bytes.Buffer)
	if err := run(strings.NewReader(output), out, file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(output, out.String()); diff != "" {
		t.Errorf("passed on: %s", diff)
	}
	text, err := os.ReadFile(file + ".md")
	if diff := cmp.Diff(table, string(text)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	var r Results
	if text, err = os.ReadFile(file + ".json"); err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || len(r.Lines) != 8 || r.Lines[2].Figures["server-cpu-ms/req"] != 0.2667 {
		t.Errorf("%v %+v", err, r)
	}
}

// TestNoTable: what is not whole is not a result.
func TestNoTable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "PASS\n", output + "--- FAIL: BenchmarkServer\n", output + "FAIL\n"} {
		if err := run(strings.NewReader(text), new(bytes.Buffer), filepath.Join(t.TempDir(), "x")); err == nil {
			t.Errorf("a table of %q", text)
		}
	}
}
