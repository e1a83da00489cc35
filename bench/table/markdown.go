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
		ratios := r.ratiosOf(lines)
		text.WriteString("\n## " + group + "\n\n| |")
		for _, unit := range units {
			text.WriteString(" " + unit + " |")
		}
		for _, ratio := range ratios {
			text.WriteString(" " + ratio.name + " |")
		}
		text.WriteString("\n|" + strings.Repeat("---|", 1+len(units)+len(ratios)) + "\n")
		for _, l := range lines {
			fmt.Fprintf(&text, "| %s |", strings.TrimPrefix(strings.TrimPrefix(l.Name, group), "/"))
			for _, unit := range units {
				text.WriteString(" " + number(l.Figures[unit]) + " |")
			}
			for _, ratio := range ratios {
				text.WriteString(" " + ratio.of(l) + " |")
			}
			text.WriteString("\n")
		}
	}
	return text.String()
}

// ratio is what a line is of another one.
type ratio struct {
	name string
	of   func(Line) string
}

// ratiosOf are those that the lines of a group can have.
func (r Results) ratiosOf(lines []Line) (all []ratio) {
	if slices.ContainsFunc(lines, func(l Line) bool { return l.connections() != "" }) {
		all = append(all,
			ratio{"of the empty handler", func(l Line) string { return r.part(l, "EmptyHandler/") }},
			ratio{"of bare inserts", func(l Line) string { return r.part(l, "BareSQLite/insert/") }})
	}
	if slices.ContainsFunc(lines, func(l Line) bool { return l.issues() != "" }) {
		all = append(all, ratio{"CPU of the fewest issues'", func(l Line) string { return costs(l, lines) }})
	}
	return all
}

// issues is the part of the name that says how many there are, "" for none.
func (l Line) issues() string {
	for part := range strings.SplitSeq(l.Name, "/") {
		if strings.HasPrefix(part, "issues=") {
			return part
		}
	}
	return ""
}

// costs is the CPU time of a line, all processes together, as a part of what the same
// costs among the issues that come first.
func costs(l Line, lines []Line) string {
	for _, first := range lines {
		if strings.Replace(first.Name, first.issues(), l.issues(), 1) != l.Name {
			continue
		}
		if least := first.cpu(); least > 0 {
			return fmt.Sprintf("%.2f", l.cpu()/least)
		}
		break
	}
	return ""
}

func (l Line) cpu() (total float64) {
	for unit, figure := range l.Figures {
		if strings.HasSuffix(unit, "cpu-ms/req") {
			total += figure
		}
	}
	return total
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
