package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/db"
)

// FuzzReadRow: the quick way through a line takes nothing that encoding/json refuses, nor
// for something else; and what was read is written and read again as the same.
func FuzzReadRow(f *testing.F) {
	columns := []db.Column{{Name: "t", Type: "TEXT"}, {Name: "n", Type: "BIGINT"}, {Name: "b", Type: "BOOLEAN"}, {Name: "x", Type: "DOUBLE PRECISION"}}
	for _, line := range []string{
		`{"t":"a","n":-1,"b":true,"x":0.5}`,
		`{"t":"é \" \\ \u0041 🎈","n":9223372036854775807,"b":false,"x":-1e300}`,
		`{"t":null,"n":null,"b":null,"x":null}`,
		`{ "x": 1, "b": true, "n": 2, "t": "another order" }`,
		`{"t":"\ud800","n":01,"b":true,"x":1}`,
		"{\"t\":\"\xff\",\"n\":-0,\"b\":true,\"x\":1}",
		`{"t":"a\\","n":1,"b":true,"x":1}`,
		`{"t":"twice","n":1,"b":true,"x":1,"x":2}`,
		`{"t":[1,2],"n":{"n":1},"b":1,"x":"1"}`,
		`{"t":"","n":1,"b":true,"x":1}}`,
		`{"t":"`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = append(bytes.ReplaceAll(line, []byte("\n"), nil), '\n')
		row, err := readRow(bufio.NewReader(bytes.NewReader(line)), columns)
		want, wantErr := slowly(line, columns)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, and by encoding/json %v", line, err, wantErr)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatalf("%s: %s", line, diff)
		}
		written, err := appendRow(nil, columns, row)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(bytes.NewReader(written))
		again, err := readRow(in, columns)
		if diff := cmp.Diff(row, again); diff != "" || err != nil {
			t.Errorf("%s: %s, %v", written, diff, err)
		}
		if _, err := readRow(in, columns); !errors.Is(err, io.EOF) {
			t.Errorf("after the last row: %v", err)
		}
	})
}

// slowly reads a row with nothing but encoding/json.
func slowly(line []byte, columns []db.Column) (row []any, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, err
	}
	if len(fields) != len(columns) {
		return nil, errors.New("other columns")
	}
	for _, column := range columns {
		into := map[string]any{"TEXT": new(*string), "BIGINT": new(*int64), "BOOLEAN": new(*bool), "DOUBLE PRECISION": new(*float64)}[column.Type]
		if err := json.Unmarshal(fields[column.Name], into); err != nil {
			return nil, err
		}
		var v any
		switch p := into.(type) {
		case **string:
			if *p != nil {
				if v = **p; !db.Keepable(**p) {
					return nil, errors.New("it cannot be kept")
				}
			}
		case **int64:
			if *p != nil {
				v = **p
			}
		case **bool:
			if *p != nil {
				v = **p
			}
		case **float64:
			if *p != nil {
				v = **p
			}
		}
		row = append(row, v)
	}
	return row, nil
}
