package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// readEnvFile returns the names and values of an .env file, none when there is no
// such file.
func readEnvFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	values, err := parseEnv(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

// parseEnv reads lines of NAME=value. Empty lines and those that begin with # are
// skipped, and "export " before a name. A value in quotes may hold anything, real
// line breaks too; in double quotes \n, \" and \\ are a line break, a quote and a
// backslash. An error names the line, never the value.
func parseEnv(text string) (map[string]string, error) {
	values := map[string]string{}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || strings.ContainsAny(name, " \t\"'") {
			return nil, fmt.Errorf("line %d is not NAME=value", i+1)
		}
		if value != "" && strings.ContainsRune(`"'`, rune(value[0])) {
			first, quote := i, value[:1]
			for closing(value, quote) < 0 {
				if i++; i == len(lines) {
					return nil, fmt.Errorf("line %d: the quote is not closed", first+1)
				}
				value += "\n" + lines[i]
			}
			value = unquote(value[1:closing(value, quote)], quote)
		} else if comment := strings.Index(value, " #"); comment >= 0 {
			value = strings.TrimSpace(value[:comment])
		}
		values[name] = value
	}
	return values, nil
}

// closing returns where the quote that opens the value is closed, or -1.
func closing(value, quote string) int {
	for i := 1; i < len(value); i++ {
		switch {
		case value[i] == '\\' && quote == `"`:
			i++ // what follows is escaped
		case value[i:i+1] == quote:
			return i
		}
	}
	return -1
}

func unquote(value, quote string) string {
	if quote == "'" {
		return value
	}
	return strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\\`, `\`).Replace(value)
}
