package account

import (
	"context"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Registration says who may sign up.
type Registration string

// With an invite only, or anybody who reaches the app.
const (
	InviteRegistration Registration = "invite"
	OpenRegistration   Registration = "open"
)

// settingEntity is what the change log calls a setting; registrationName is one.
const (
	settingEntity    = "setting"
	registrationName = "registration"
)

var errLocked = errs.New(errs.Conflict, "the environment decides this (REGISTRATION): change it there, and restart")

// settingRow is a setting as the change log records it.
type settingRow struct {
	Value string `json:"value"`
}

// Registration returns who may sign up, as far as this process knows: what another
// process has decided it knows half a second later.
func (s *Service) Registration() Registration {
	switch {
	case s.settings.Registration != "":
		return s.settings.Registration
	case s.open.Load():
		return OpenRegistration
	}
	return InviteRegistration
}

// RegistrationLocked reports whether the operator has decided who may sign up, so that
// admins cannot.
func (s *Service) RegistrationLocked() bool { return s.settings.Registration != "" }

// SetRegistration decides who may sign up. Forbidden: by is no admin. Invalid: it is
// neither. Conflict: the operator has decided it, or the mutation's id was used for another
// change.
func (s *Service) SetRegistration(ctx context.Context, by Actor, tx string, r Registration) (err error) {
	defer errs.Wrap(&err, "account.SetRegistration(%s)", r)
	switch {
	case r != InviteRegistration && r != OpenRegistration:
		return errs.Field("body.registration", "expected invite or open")
	case s.RegistrationLocked():
		return errLocked
	}
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return none, err
		}
		old, err := storedRegistration(ctx, tx)
		if err != nil || old == r {
			return none, err
		}
		change := query.SetSettingParams{Name: registrationName, Value: string(r), Now: tx.Micros()}
		if err := query.New(tx).SetSetting(ctx, change); err != nil {
			return none, err
		}
		tx.AfterCommit(func() { s.open.Store(r == OpenRegistration) })
		if err := tx.Tell(ctx, Subject); err != nil {
			return none, err
		}
		return none, tx.Record(settingEntity, registrationName, settingRow{string(old)}, settingRow{string(r)})
	})
	if err == nil && seen != nil && (!seen.Did(live.Update, settingEntity, registrationName) || !seen.Fits(map[string]any{"value": r})) {
		err = live.ErrOtherMutation
	}
	return err
}

// readSettings learns what other processes have decided.
func (s *Service) readSettings(ctx context.Context) error {
	if s.RegistrationLocked() {
		return nil
	}
	r, err := db.Read(ctx, s.db, storedRegistration)
	if err == nil {
		s.open.Store(r == OpenRegistration)
	}
	return err
}

// mustBeOpen asks the database: a process that has not heard yet lets nobody in. It
// answers as to a code that cannot be used.
func (s *Service) mustBeOpen(ctx context.Context, c db.Conn) error {
	if s.RegistrationLocked() {
		return nil // mayJoin has looked
	}
	r, err := storedRegistration(ctx, c)
	if err == nil && r != OpenRegistration {
		err = errUnusable
	}
	return err
}

func storedRegistration(ctx context.Context, c db.Conn) (Registration, error) {
	value, err := query.New(c).GetSetting(ctx, registrationName)
	if noRow(err) {
		return InviteRegistration, nil
	}
	return Registration(value), err
}
