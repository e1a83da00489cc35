package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// maxSessions is how many a user has at most: one more ends the one that was longest
// not used.
const maxSessions = 100

// Session is a sign-in of the user's as they see it: which device, where, since when.
type Session struct {
	ID        string    `json:"id" format:"uuid"`
	Current   bool      `json:"current" doc:"the one that asks"`
	Device    string    `json:"device" enum:"computer,phone,tablet,program,unknown"`
	Browser   string    `json:"browser" doc:"empty when it is not known"`
	OS        string    `json:"os" doc:"empty when it is not known"`
	IP        string    `json:"ip" doc:"where it was last used from; empty when it is not known"`
	Place     string    `json:"place" doc:"where that address is, as far as this server can tell"`
	Method    string    `json:"method" doc:"how it began: password, passkey or a provider's id"`
	CreatedAt time.Time `json:"createdAt"`
	UsedAt    time.Time `json:"usedAt"`
	ExpiresAt time.Time `json:"expiresAt" doc:"when it ends if it is not used"`
}

// endedSession is what the scope "admin" records of a session that was ended, under
// the user's id.
type endedSession struct {
	SessionID string `json:"sessionId"`
	Method    string `json:"method"`
}

// Sessions returns the actor's sessions, the one used last first.
func (s *Service) Sessions(ctx context.Context, by Actor) (all []Session, err error) {
	defer errs.Wrap(&err, "account.Sessions")
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.Session, error) {
		return query.New(c).ListSessions(ctx, query.ListSessionsParams{UserID: by.ID, Now: s.now().UnixMicro()})
	})
	all = make([]Session, 0, len(rows))
	for _, row := range rows {
		all = append(all, s.session(by, row))
	}
	return all, err
}

func (s *Service) session(by Actor, row query.Session) Session {
	about := agentOf(row.UserAgent)
	return Session{
		ID: row.ID, Current: row.ID == by.Session, Device: about.device, Browser: about.browser, OS: about.os,
		IP: row.Ip, Place: s.settings.Places.Of(row.Ip), Method: row.Method,
		CreatedAt: time.UnixMicro(row.CreatedAt).UTC(), UsedAt: time.UnixMicro(row.UsedAt).UTC(),
		ExpiresAt: time.UnixMicro(row.IdleAt).UTC(),
	}
}

// EndSession ends one of the actor's sessions. NotFound: the actor has no such session.
// Conflict: the mutation's id was used for another change, and the session goes on.
func (s *Service) EndSession(ctx context.Context, by Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "account.EndSession(%s)", id)
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		row, err := query.New(tx).GetSession(ctx, id)
		if err == nil && row.UserID != by.ID {
			err = errNoSession
		}
		if err != nil {
			return none, err
		}
		if err := s.end(ctx, tx.Tx, row); err != nil {
			return none, err
		}
		return none, recordEnded(tx, row)
	})
	if err == nil && seen != nil {
		err = s.ended(ctx, by.ID, seen, func(row query.Session) bool { return row.ID == id })
	}
	return err
}

// ended answers a mutation that was sent again and has ended sessions or tokens of programs,
// whichever it began with. Conflict: it was something else, or a session that was meant was
// there then and is still.
func (s *Service) ended(ctx context.Context, userID string, seen *live.Change, meant func(query.Session) bool) error {
	if !seen.Did(live.Delete, sessionEntity, userID) && !seen.Did(live.Delete, programEntity, "") {
		return live.ErrOtherMutation
	}
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.Session, error) {
		return query.New(c).ListSessions(ctx, query.ListSessionsParams{UserID: userID, Now: s.now().UnixMicro()})
	})
	if err == nil && slices.ContainsFunc(rows, func(row query.Session) bool { return row.CreatedAt <= seen.At.UnixMicro() && meant(row) }) {
		err = live.ErrOtherMutation
	}
	return err
}

var errNoSession = errs.New(errs.NotFound, "there is no such session")

// EndSessions ends the actor's sessions, all or all but the one that asks, and API tokens,
// if they are to. Conflict: as in EndSession.
func (s *Service) EndSessions(ctx context.Context, by Actor, tx string, keepCurrent bool, programs Programs) (err error) {
	defer errs.Wrap(&err, "account.EndSessions(%t)", keepCurrent)
	keep := ""
	if keepCurrent {
		keep = by.Session
	}
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		return none, errors.Join(s.endPrograms(ctx, tx, by.ID, programs), s.endAll(ctx, tx, by.ID, keep))
	})
	if err == nil && seen != nil {
		err = s.ended(ctx, by.ID, seen, func(row query.Session) bool { return row.ID != keep })
	}
	return err
}

// endAll ends a user's sessions but one, and the sign-ins that await a second factor.
func (s *Service) endAll(ctx context.Context, tx *live.Tx, userID, keep string) error {
	q := query.New(tx)
	if err := q.DeleteSignIns(ctx, userID); err != nil {
		return err
	}
	rows, err := q.DeleteOtherSessions(ctx, query.DeleteOtherSessionsParams{UserID: userID, Keep: keep})
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := recordEnded(tx, row); err != nil {
			return err
		}
	}
	return s.revokeSessions(ctx, tx.Tx, rows)
}

// revokeSessions refuses the access tokens of sessions that are gone. Those that were
// not used for longer than a token lives have none.
func (s *Service) revokeSessions(ctx context.Context, tx *db.Tx, rows []query.Session) error {
	since := s.now().Add(-s.revoked.keep).UnixMicro()
	for _, row := range rows {
		if row.RotatedAt < since {
			continue
		}
		if err := s.revoke(ctx, tx, row.UserID, 0, row.ID); err != nil {
			return err
		}
	}
	return nil
}

func recordEnded(tx *live.Tx, row query.Session) error {
	return tx.RecordIn(adminScope, sessionEntity, row.UserID, endedSession{row.ID, row.Method}, nil)
}
