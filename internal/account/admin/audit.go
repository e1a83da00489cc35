package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Kind says what somebody in the audit trail is.
type Kind string

// A user, one who was deleted and has no name any more, the operator at the command
// line, and the program itself.
const (
	UserKind     Kind = "user"
	DeletedKind  Kind = "deleted"
	OperatorKind Kind = "operator"
	ProgramKind  Kind = "program"
)

// Who is somebody in the audit trail.
type Who struct {
	ID    string `json:"id"`
	Kind  Kind   `json:"kind" enum:"user,deleted,operator,program"`
	Name  string `json:"name" doc:"empty for whoever is no user, or no more"`
	Email string `json:"email" doc:"as it is now; empty as the name"`
}

// AuditEntry is what somebody did to one account, invite or setting.
type AuditEntry struct {
	At       time.Time       `json:"at"`
	Actor    Who             `json:"actor"`
	Op       live.Op         `json:"op" enum:"create,update,delete"`
	Entity   string          `json:"entity" doc:"user, invite, session, password…"`
	EntityID string          `json:"entityId"`
	About    *Who            `json:"about" doc:"the user whom it concerns; null when it is no user's"`
	Before   json.RawMessage `json:"before" doc:"the fields that changed, as they were"`
	After    json.RawMessage `json:"after" doc:"the fields that changed, as they are since"`
}

// Audit returns what happened, newest first, and the cursor of what was before that.
// Forbidden: by is no admin. Invalid: a field of the trail.
func (s *Service) Audit(ctx context.Context, by account.Actor, t live.Trail) (page []AuditEntry, next string, err error) {
	defer errs.Wrap(&err, "admin.Audit")
	records, next, err := s.log.Audit(ctx, t)
	if err != nil {
		return nil, "", err
	}
	names, err := s.accounts.Names(ctx, by, ids(records))
	if err != nil {
		return nil, "", err
	}
	page = make([]AuditEntry, 0, len(records))
	for _, r := range records {
		page = append(page, entry(r, names))
	}
	return page, next, nil
}

// ids are all that may be users'.
func ids(records []live.Record) []string {
	seen := make(map[string]bool, 2*len(records))
	all := make([]string, 0, 2*len(records))
	for _, r := range records {
		for _, id := range []string{r.Actor, r.ID} {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all
}

func entry(r live.Record, names map[string]account.Named) AuditEntry {
	e := AuditEntry{At: r.At, Actor: who(r.Actor, names), Op: r.Op, Entity: r.Entity, EntityID: r.ID, Before: r.Prior, After: r.Patch}
	if _, isUser := names[r.ID]; isUser {
		e.About = new(who(r.ID, names))
	}
	return e
}

func who(id string, names map[string]account.Named) Who {
	n, ok := names[id]
	switch {
	case ok && n.Deleted:
		return Who{ID: id, Kind: DeletedKind}
	case ok:
		return Who{ID: id, Kind: UserKind, Name: n.DisplayName, Email: n.Email}
	case id == account.Operator().ID:
		return Who{ID: id, Kind: OperatorKind}
	}
	return Who{ID: id, Kind: ProgramKind}
}
