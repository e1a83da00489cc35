// Package admin is what admins of the instance see and do about accounts: the list of
// users, the audit trail, settings; and the operator's commands for the same.
//
// The rules are in package account. This package adds what is about looking: who did
// what to which account, by name, page by page and as a file. Nothing of it is followed
// live: an admin's browser asks when the page is opened.
package admin

import (
	"context"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// User is a user as admins see them.
type User struct {
	account.Managed
	Factors   []string `json:"factors" nullable:"false" doc:"the second factors that are set up: totp, passkey"`
	Providers []string `json:"providers" nullable:"false" doc:"the providers that the account is linked to, by id"`
}

// Traits tells what a slice knows of users that admins may see, by the user's id, for
// those of ids of whom it knows anything.
type Traits func(ctx context.Context, c db.Conn, ids []string) (map[string][]string, error)

// Service is what admins work with.
type Service struct {
	db        *db.DB
	log       *live.Log
	accounts  *account.Service
	factors   Traits // nil: nobody has any
	providers Traits
}

// New returns the service.
func New(d *db.DB, log *live.Log, accounts *account.Service) *Service {
	return &Service{db: d, log: log, accounts: accounts}
}

// ShowFactors and ShowProviders add what the list of users shows. They are called while
// the program is put together.
func (s *Service) ShowFactors(t Traits) { s.factors = t }

// ShowProviders is like ShowFactors.
func (s *Service) ShowProviders(t Traits) { s.providers = t }

// Users returns users by name, and the cursor of those after them.
// Errors are those of account.Users.
func (s *Service) Users(ctx context.Context, by account.Actor, f account.UserFilter) (page []User, next string, err error) {
	defer errs.Wrap(&err, "admin.Users")
	found, next, err := s.accounts.Users(ctx, by, f)
	if err != nil {
		return nil, "", err
	}
	page, err = s.describe(ctx, found)
	return page, next, err
}

// Update changes what a user may do. Errors are those of account.Manage.
func (s *Service) Update(ctx context.Context, by account.Actor, tx, id string, to account.Standing) (_ User, err error) {
	defer errs.Wrap(&err, "admin.Update(%s)", id)
	m, err := s.accounts.Manage(ctx, by, tx, id, to)
	if err != nil {
		return User{}, err
	}
	page, err := s.describe(ctx, []account.Managed{m})
	if err != nil {
		return User{}, err
	}
	return page[0], nil
}

// Delete removes a user; see account.Delete. Forbidden, with the code confirm: the
// actor has to prove first who they are.
func (s *Service) Delete(ctx context.Context, by account.Actor, tx, id string, d account.Deletion) (err error) {
	defer errs.Wrap(&err, "admin.Delete(%s)", id)
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return err
	}
	return s.accounts.Delete(ctx, by, tx, id, d)
}

// ResetLink makes a link that sets a user's new password; see account.ResetLink. It is a
// way into their account. Forbidden, with the code confirm: the actor has to prove first
// who they are.
func (s *Service) ResetLink(ctx context.Context, by account.Actor, id string) (link string, expires time.Time, err error) {
	defer errs.Wrap(&err, "admin.ResetLink(%s)", id)
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return "", time.Time{}, err
	}
	return s.accounts.ResetLink(ctx, by, id)
}

// describe adds what other slices know.
func (s *Service) describe(ctx context.Context, found []account.Managed) ([]User, error) {
	ids := make([]string, 0, len(found))
	for _, m := range found {
		ids = append(ids, m.ID)
	}
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]User, error) {
		factors, err := traits(ctx, c, s.factors, ids)
		if err != nil {
			return nil, err
		}
		providers, err := traits(ctx, c, s.providers, ids)
		if err != nil {
			return nil, err
		}
		page := make([]User, 0, len(found))
		for _, m := range found {
			page = append(page, User{Managed: m, Factors: known(factors[m.ID]), Providers: known(providers[m.ID])})
		}
		return page, nil
	})
}

func traits(ctx context.Context, c db.Conn, of Traits, ids []string) (map[string][]string, error) {
	if of == nil || len(ids) == 0 {
		return nil, nil
	}
	return of(ctx, c, ids)
}

// known never is null in JSON.
func known(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}
