package db

import (
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

// Text is the statement with $1 for the first parameter.
func (s *Statement) Text() string { return s.text.String() }

// Args are the parameters.
func (s *Statement) Args() []any { return s.args }
