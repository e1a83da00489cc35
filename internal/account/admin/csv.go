package admin

import (
	"context"
	"encoding/csv"
	"io"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/live"
)

// csvHead names the columns.
func csvHead() []string {
	return []string{"time", "actor", "actor_name", "actor_email", "operation", "entity", "entity_id", "about_name", "about_email", "before", "after"}
}

// writeCSV writes the whole trail, a page at a time, so that its length does not matter.
func (s *Service) writeCSV(ctx context.Context, by account.Actor, t live.Trail, w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHead()); err != nil {
		return err
	}
	t.Limit = live.MaxTrail
	for {
		page, next, err := s.Audit(ctx, by, t)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := out.Write(cells(e)); err != nil {
				return err
			}
		}
		if t.Cursor = next; next == "" {
			break
		}
	}
	out.Flush()
	return out.Error()
}

func cells(e AuditEntry) []string {
	actor := e.Actor.ID
	if e.Actor.Kind == OperatorKind {
		actor = string(OperatorKind)
	}
	row := []string{
		e.At.Format(time.RFC3339Nano), actor, e.Actor.Name, e.Actor.Email, string(e.Op), e.Entity, e.EntityID, "", "",
		string(e.Before), string(e.After),
	}
	if e.About != nil {
		row[7], row[8] = e.About.Name, e.About.Email
	}
	for i, cell := range row {
		row[i] = harmless(cell)
	}
	return row
}

// harmless keeps a spreadsheet from taking somebody's name for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
