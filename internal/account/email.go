package account

import (
	"context"
	"crypto/rand"
	"net/netip"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/mail"
)

// verifyLifetime is how long a new address may be verified.
const verifyLifetime = 24 * time.Hour

var errEmailTaken = &errs.Error{Kind: errs.Conflict, Field: "body.email", Message: "another account has this e-mail address"}

// emailChange is what the scope "admin" records of an address that awaits its
// verification.
type emailChange struct {
	Email string `json:"email"`
}

// ChangeEmail asks for another e-mail address. Nothing changes until the link that is
// sent there is used; the old address is told. The request before it, if there is one,
// ends. Forbidden, with the code confirm: the actor has to prove first who they are.
// Invalid: the address. Conflict: another account has it. RateLimited: too many mails.
// Unavailable, with the code mail: the mail was not sent, and nothing is asked for.
func (s *Service) ChangeEmail(ctx context.Context, by Actor, email string) (err error) {
	defer errs.Wrap(&err, "account.ChangeEmail")
	if !s.settings.Mail.On() {
		return mail.ErrOff
	}
	if err := s.Confirmed(ctx, by); err != nil {
		return err
	}
	if email, err = checkedEmail(email); err != nil {
		return err
	}
	if err := s.limits.mail(Fold(email), by.ID, s.now()); err != nil {
		return err
	}
	code := rand.Text()
	old, _, err := live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (string, error) {
		return s.askForEmail(ctx, tx, by.ID, email, hashToken(code))
	})
	if err != nil {
		return err
	}
	if err := s.settings.Mail.Send(ctx, s.verifyMail(email, s.settings.PublicURL+"/verify#code="+code)); err != nil {
		// The request must not stand: nobody could complete it.
		if withdrawn := s.WithdrawEmail(context.WithoutCancel(ctx), by, ""); withdrawn != nil {
			s.logger.ErrorContext(ctx, "a change of an e-mail address is left over", "user", by.ID, "error", withdrawn.Error())
		}
		return err
	}
	s.tell(ctx, s.emailAskedMail(old, email))
	return nil
}

// askForEmail keeps the request and returns the present address.
func (s *Service) askForEmail(ctx context.Context, tx *live.Tx, userID, email, token string) (old string, err error) {
	q := query.New(tx)
	u, err := stillThere(ctx, tx, userID)
	if err != nil {
		return "", err
	}
	if u.Email == email {
		return "", errs.Field("body.email", "this is your address already")
	}
	if err := mayTake(ctx, q, userID, email); err != nil {
		return "", err
	}
	if err := dropEmailChange(ctx, tx, userID); err != nil {
		return "", err
	}
	err = q.CreateEmailChange(ctx, query.CreateEmailChangeParams{
		UserID: userID, Token: token, Email: email, ExpiresAt: s.now().Add(verifyLifetime).UnixMicro(),
	})
	if err != nil {
		return "", err
	}
	return u.Email, tx.RecordIn(adminScope, emailEntity, userID, nil, emailChange{email})
}

// mayTake returns Conflict when the address is another user's.
func mayTake(ctx context.Context, q *query.Queries, userID, email string) error {
	other, err := q.GetUserByEmail(ctx, Fold(email))
	switch {
	case noRow(err), err == nil && other.ID == userID:
		return nil
	case err == nil:
		return errEmailTaken
	}
	return err
}

// dropEmailChange ends what the user has asked for, if anything.
func dropEmailChange(ctx context.Context, tx *live.Tx, userID string) error {
	rows, err := query.New(tx).DeleteEmailChange(ctx, userID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := tx.RecordIn(adminScope, emailEntity, userID, emailChange{row.Email}, nil); err != nil {
			return err
		}
	}
	return nil
}

// WithdrawEmail ends the request for another address. None is no error. Conflict: the
// mutation's id was used for another change.
func (s *Service) WithdrawEmail(ctx context.Context, by Actor, tx string) (err error) {
	defer errs.Wrap(&err, "account.WithdrawEmail")
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		return none, dropEmailChange(ctx, tx, by.ID)
	})
	if err == nil && seen != nil && !seen.Did(live.Delete, emailEntity, by.ID) {
		err = live.ErrOtherMutation
	}
	return err
}

// VerifyEmail gives the user to whom a link belongs the address that the link went to,
// and returns it; the old address is told. Links for a new password that went to the
// old one end. Invalid: the link cannot be used. Conflict: another account has the
// address meanwhile. RateLimited: too many wrong codes came from this address.
func (s *Service) VerifyEmail(ctx context.Context, ip netip.Addr, code string) (email string, err error) {
	defer errs.Wrap(&err, "account.VerifyEmail")
	if err := s.limits.allow(ip, "", s.now()); err != nil {
		return "", err
	}
	token := hashToken(strings.TrimSpace(code))
	change, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.EmailChange, error) {
		return query.New(c).GetEmailChangeByToken(ctx, query.GetEmailChangeByTokenParams{Token: token, Now: s.now().UnixMicro()})
	})
	var old string
	if err == nil {
		old, _, err = live.Write(ctx, s.log, audit(Actor{ID: change.UserID}, ""), func(tx *live.Tx) (string, error) {
			return s.useEmail(ctx, tx, token)
		})
	}
	if errs.Is(err, errs.NotFound) {
		s.limits.refused(ip, "", s.now())
		return "", errLink
	}
	if err != nil {
		return "", err
	}
	s.tell(ctx, s.emailChangedMail(old, change.Email))
	return change.Email, nil
}

// useEmail changes the address and returns the old one. NotFound: the link was used,
// or the user is disabled.
func (s *Service) useEmail(ctx context.Context, tx *live.Tx, token string) (old string, err error) {
	q := query.New(tx)
	change, err := q.UseEmailChange(ctx, query.UseEmailChangeParams{Token: token, Now: s.now().UnixMicro()})
	if err != nil {
		return "", err
	}
	before, err := q.GetUser(ctx, change.UserID)
	if err != nil {
		return "", err
	}
	if err := mayTake(ctx, q, change.UserID, change.Email); err != nil {
		return "", err
	}
	after, err := q.SetEmail(ctx, query.SetEmailParams{
		ID: change.UserID, Email: change.Email, EmailFolded: Fold(change.Email), Now: tx.Micros(),
	})
	if err != nil {
		return "", err
	}
	if err := q.DeleteResets(ctx, change.UserID); err != nil {
		return "", err
	}
	if err := tx.RecordIn(adminScope, emailEntity, change.UserID, emailChange{change.Email}, nil); err != nil {
		return "", err
	}
	return before.Email, tx.RecordIn(adminScope, userEntity, change.UserID, auditedOf(before), auditedOf(after))
}
