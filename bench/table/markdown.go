package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown compares the figures, a table for each benchmark. What came over a number of
// connections is also a part of the limits: of what an empty handler, and the bare
// database, did with as many in the same run.
func (r Results) markdown() string {
	var text strings.Builder
	text.WriteString("# Benchmarks\n\n")
	for _, name := range []string{"goos", "goarch", "cpu"} {
		if value := r.About[name]; value != "" {
			fmt.Fprintf(&text, "%s: %s  \n", name, value)
		}
	}
	for _, group := range r.groups() {
		lines := r.of(group)
		units := unitsOf(lines)
		limits := slices.ContainsFunc(lines, func(l Line) bool { return l.connections() != "" })
		text.WriteString("\n## " + group + "\n\n| |")
		for _, unit := range units {
			text.WriteString(" " + unit + " |")
		}
		if limits {
			text.WriteString(" of the empty handler | of bare inserts |")
		}
		text.WriteString("\n|" + strings.Repeat("---|", len(units)+1))
		if limits {
			text.WriteString("---|---|")
		}
		text.WriteString("\n")
		for _, l := range lines {
			fmt.Fprintf(&text, "| %s |", strings.TrimPrefix(strings.TrimPrefix(l.Name, group), "/"))
			for _, unit := range units {
				text.WriteString(" " + number(l.Figures[unit]) + " |")
			}
			if limits {
				fmt.Fprintf(&text, " %s | %s |", r.part(l, "EmptyHandler/"), r.part(l, "BareSQLite/insert/"))
			}
			text.WriteString("\n")
		}
	}
	return text.String()
}

// groups names the benchmarks in the order of the run: Server/sqlite, Server/postgres.
func (r Results) groups() (names []string) {
	for _, l := range r.Lines {
		if !slices.Contains(names, l.group()) {
			names = append(names, l.group())
		}
	}
	return names
}

func (r Results) of(group string) (lines []Line) {
	for _, l := range r.Lines {
		if l.group() == group {
			lines = append(lines, l)
		}
	}
	return lines
}

// group is the first two parts of the name, or as many as are not a number of something.
func (l Line) group() string {
	parts := strings.SplitN(l.Name, "/", 3)
	if len(parts) == 1 || strings.Contains(parts[1], "=") {
		return parts[0]
	}
	return parts[0] + "/" + parts[1]
}

// connections is the part of the name that says how many there were, "" for none.
func (l Line) connections() string {
	if at := strings.LastIndex(l.Name, "conns="); at >= 0 {
		return l.Name[at:]
	}
	return ""
}

// part is the line's requests per second as a part of the limit's.
func (r Results) part(l Line, limit string) string {
	for _, other := range r.Lines {
		if other.Name == limit+l.connections() && other.Figures["req/s"] > 0 {
			return fmt.Sprintf("%.3f", l.Figures["req/s"]/other.Figures["req/s"])
		}
	}
	return ""
}

// unitsOf lists what the lines tell besides the time of one run, which the requests per
// second say better where there are such.
func unitsOf(lines []Line) (units []string) {
	for _, l := range lines {
		for unit := range l.Figures {
			if !slices.Contains(units, unit) {
				units = append(units, unit)
			}
		}
	}
	slices.Sort(units)
	if slices.Contains(units, "req/s") {
		units = slices.DeleteFunc(units, func(unit string) bool { return unit == "ns/op" })
	}
	return units
}

// number writes three digits that say something.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.2g", v)
}
