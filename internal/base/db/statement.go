package db

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Statement is a SQL text that grows together with its parameters, for a list whose
// conditions depend on what is asked for: a condition that lets all pass would keep
// the database from using an index. Its texts are constants.
type Statement struct {
	text strings.Builder
	args []any
}

// Add appends text in which each ? stands for the next value.
func (s *Statement) Add(text string, values ...any) {
	for _, v := range values {
		before, after, _ := strings.Cut(text, "?")
		s.args = append(s.args, v)
		s.text.WriteString(before + "$" + strconv.Itoa(len(s.args)))
		text = after
	}
	s.text.WriteString(text)
}

// In appends the condition that the expression is one of the values, of which there
// is at least one.
func (s *Statement) In(expression string, values []string) {
	s.Add(expression + " IN (")
	for i, v := range values {
		if i > 0 {
			s.Add(", ")
		}
		s.Add("?", v)
	}
	s.Add(")")
}

// Limit ends the statement after n rows. SQLite would plan it anew for every n that
// stands there by itself.
func (s *Statement) Limit(n int) { s.Add(" LIMIT CAST(? AS BIGINT)", n) }

// Groups runs the statement, which gives two texts in each row, and returns the second
// ones by the first.
func (s *Statement) Groups(ctx context.Context, c Conn) (groups map[string][]string, err error) {
	rows, err := c.QueryContext(ctx, s.Text(), s.args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	groups = map[string][]string{}
	for rows.Next() {
		var group, member string
		if err := rows.Scan(&group, &member); err != nil {
			return nil, err
		}
		groups[group] = append(groups[group], member)
	}
	return groups, rows.Err()
}

// Exec runs the statement and returns how many rows it has changed.
func (s *Statement) Exec(ctx context.Context, c Conn) (n int, err error) {
	done, err := c.ExecContext(ctx, s.Text(), s.args...)
	if err != nil {
		return 0, err
	}
	changed, err := done.RowsAffected()
	return int(changed), err
}

// Text is the statement with $1 for the first parameter.
func (s *Statement) Text() string { return s.text.String() }

// Args are the parameters.
func (s *Statement) Args() []any { return s.args }
