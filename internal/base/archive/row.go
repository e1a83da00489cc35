package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/db"
)

// appendRow appends a row as a line of JSON: an object with the columns in their order.
func appendRow(line []byte, columns []db.Column, row []any) ([]byte, error) {
	for i, column := range columns {
		if i == 0 {
			line = append(line, '{')
		} else {
			line = append(line, ',')
		}
		line = appendText(line, column.Name)
		line = append(line, ':')
		switch v := row[i].(type) {
		case nil:
			line = append(line, "null"...)
		case string:
			line = appendText(line, v)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case bool:
			line = strconv.AppendBool(line, v)
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%s is not a number", column.Name)
			}
			line = strconv.AppendFloat(line, v, 'g', -1, 64)
		default:
			return nil, fmt.Errorf("%s is of type %T", column.Name, v)
		}
	}
	return append(line, '}', '\n'), nil
}

// appendText appends a JSON string. Most texts have nothing to escape.
func appendText(line []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(line, text)
		}
	}
	line = append(line, '"')
	line = append(line, text...)
	return append(line, '"')
}

func appendEscaped(line []byte, text string) []byte {
	line = append(line, '"')
	for _, r := range text {
		switch {
		case r == '"', r == '\\':
			line = append(line, '\\', byte(r))
		case r == '\n':
			line = append(line, '\\', 'n')
		case r < ' ':
			line = fmt.Appendf(line, `\u%04x`, r)
		default:
			line = utf8.AppendRune(line, r)
		}
	}
	return append(line, '"')
}

// readRow reads a line. io.EOF: there is none.
func readRow(in *bufio.Reader, columns []db.Column) ([]any, error) {
	line, err := readLine(in)
	if err != nil {
		return nil, err
	}
	values, err := split(line, columns)
	if err != nil {
		return nil, err
	}
	row := make([]any, len(columns))
	for i, column := range columns {
		if row[i], err = parse(values[i], column.Type); err != nil {
			return nil, fmt.Errorf("%s: %w", column.Name, err)
		}
	}
	return row, nil
}

// split finds the text of each column's value.
func split(line []byte, columns []db.Column) ([]json.RawMessage, error) {
	values := make([]json.RawMessage, len(columns))
	if splitWritten(line, columns, values) {
		return values, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, err
	}
	if len(fields) != len(columns) {
		return nil, fmt.Errorf("a row has %d columns, not %d", len(fields), len(columns))
	}
	for i, column := range columns {
		text, there := fields[column.Name]
		if !there {
			return nil, fmt.Errorf("a row has no column %s", column.Name)
		}
		values[i] = text
	}
	return values, nil
}

// splitWritten is split for a line as appendRow writes it, in half the time. false:
// the line may be a row, but is not written so.
func splitWritten(line []byte, columns []db.Column, values []json.RawMessage) bool {
	before := byte('{')
	for i, column := range columns {
		n := len(column.Name)
		if len(line) < n+5 || line[0] != before || line[1] != '"' || string(line[2:n+2]) != column.Name || line[n+2] != '"' || line[n+3] != ':' {
			return false
		}
		line = line[n+4:]
		end := valueEnd(line)
		if end <= 0 {
			return false
		}
		values[i], line, before = json.RawMessage(line[:end]), line[end:], ','
	}
	return string(line) == "}\n"
}

// valueEnd is where a string ends, or anything else that holds no other values. -1: nowhere.
func valueEnd(text []byte) int {
	if text[0] != '"' {
		return bytes.IndexAny(text, ",}")
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// readLine reads a line, of any length.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if errors.Is(err, io.EOF) && len(line) > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return line, err
	}
	line = bytes.Clone(line)
	rest, err := in.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return append(line, rest...), err
}

func parse(text json.RawMessage, kind string) (any, error) {
	if string(text) == "null" {
		return nil, nil //nolint:nilnil // the value is NULL
	}
	switch kind {
	case "TEXT":
		v, err := parseText(text)
		if err == nil && !db.Keepable(v) {
			err = errors.New("the text cannot be kept")
		}
		return v, err
	case "BIGINT":
		var digits [20]byte
		if v, err := strconv.ParseInt(string(text), 10, 64); err == nil && bytes.Equal(strconv.AppendInt(digits[:0], v, 10), text) {
			return v, nil
		}
		var v int64
		err := json.Unmarshal(text, &v)
		return v, err
	case "BOOLEAN":
		var v bool
		err := json.Unmarshal(text, &v)
		return v, err
	}
	var v float64
	err := json.Unmarshal(text, &v)
	return v, err
}

// parseText is json.Unmarshal, which most texts have no need of.
func parseText(text []byte) (v string, err error) {
	end := len(text) - 1
	plain := end > 0 && text[0] == '"' && text[end] == '"' && utf8.Valid(text)
	for i := 1; plain && i < end; i++ {
		plain = text[i] >= ' ' && text[i] != '"' && text[i] != '\\'
	}
	if plain {
		return string(text[1:end]), nil
	}
	err = json.Unmarshal(text, &v)
	return v, err
}
