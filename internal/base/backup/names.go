package backup

import (
	"slices"
	"strings"
	"time"
)

// timeForm is the time in a name, in UTC. Names are in the order of their times.
const timeForm = "20060102T150405Z"

// series names the backups by schedule of one database, by the beginning of its change
// log's epoch, which all nodes on it share and no other database has. Those of several
// may lie in one folder: each counts, takes up and removes its own. After a restore the
// database begins another series, and what is there of the former one stays.
type series string

func seriesOf(epoch string) series {
	first, _, _ := strings.Cut(epoch, "-")
	return series(first)
}

// name is that of the backup of a time.
func (s series) name(at time.Time) string {
	return "peisear-" + at.UTC().Format(timeForm) + s.end()
}

func (s series) end() string { return "-" + string(s) + ".zip" }

// made is when a backup was made. ok is false for a name that is none of the series.
func (s series) made(name string) (at time.Time, ok bool) {
	text := strings.TrimSuffix(strings.TrimPrefix(name, "peisear-"), s.end())
	at, err := time.Parse(timeForm, text)
	return at, err == nil && s.name(at) == name
}

// until returns those of the names that are of the series and not after a time, the oldest
// first. What a clock that was wrong has dated in the future is nothing to go by.
func (s series) until(names []string, latest time.Time) (own []string) {
	for _, name := range names {
		if at, ok := s.made(name); ok && !at.After(latest) {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	return own
}

// latest is the newest of the names that is not in the future. ok is false if there is none.
func (s series) latest(names []string, now time.Time) (name string, ok bool) {
	own := s.until(names, now)
	if len(own) == 0 {
		return "", false
	}
	return own[len(own)-1], true
}

// beyond returns those of the names that retention removes after one was made: the oldest
// beyond the number kept, which counts the one that was made and never removes it.
func (s series) beyond(names []string, made string, keep int) []string {
	at, _ := s.made(made)
	own := s.until(names, at)
	return own[:max(0, len(own)-keep)]
}
