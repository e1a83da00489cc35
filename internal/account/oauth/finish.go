package oauth

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth/query"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Outcome is how a journey ends: the browser goes to a page of the app, which says what
// has happened, and is signed in where Session is there.
type Outcome struct {
	Place   string
	Session *account.SignedIn
}

// Finish takes an attempt back with the provider's answer, and does what it was for.
// Whatever stands in the way becomes a place to go with a code to show. NotFound: there
// is no such provider. Unavailable: it is not set up here.
func (s *Service) Finish(ctx context.Context, from account.Device, browser string, id provider.ID, state string, in provider.Answer) (o Outcome, err error) {
	defer errs.Wrap(&err, "oauth.Finish(%s)", id)
	p, err := s.provider(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	a, err := s.take(ctx, browser, id, state)
	if err != nil {
		return s.refused(ctx, id, attempt{purpose: ForLogin}, err), nil
	}
	if id == provider.Apple {
		in = provider.Answer{} // it is posted, never in an address
	}
	if a.answer != nil {
		in = *a.answer
	}
	who, err := p.Finish(ctx, a.Attempt, in)
	if err == nil {
		o, err = s.arrived(ctx, from, id, a, who)
	}
	if err != nil {
		return s.refused(ctx, id, a, err), nil
	}
	return o, nil
}

func (s *Service) arrived(ctx context.Context, from account.Device, id provider.ID, a attempt, who provider.Identity) (o Outcome, err error) {
	var session account.SignedIn
	from.Former = cmp.Or(from.Former, a.Former)
	switch a.purpose {
	case ForLogin:
		session, err = s.logIn(ctx, from, id, who)
	case ForSignUp:
		session, err = s.signUp(ctx, from, id, a.Invite, who)
	case ForLink:
		return Outcome{Place: with("/settings/security", "linked", string(id))}, s.link(ctx, a.by, id, who)
	case ForConfirm:
		return Outcome{Place: a.then}, s.confirm(ctx, a.by, who)
	}
	if err == nil && session.Pending != nil {
		return Outcome{Place: secondFactor(*session.Pending, a.then)}, nil
	}
	return Outcome{Place: a.then, Session: &session}, err
}

// secondFactor is where a sign-in goes on. What it is known by stands behind the #,
// which browsers send to nobody.
func secondFactor(p account.Pending, then string) string {
	place := "/login#factor=" + url.QueryEscape(p.Token) + "&methods=" + strings.Join(p.Methods, ",")
	if then != "/" {
		place += "&then=" + url.QueryEscape(then)
	}
	return place
}

// refused is the page that says why.
func (s *Service) refused(ctx context.Context, id provider.ID, a attempt, err error) Outcome {
	s.report(ctx, id, err)
	code := codeOf(err)
	then := a.then
	if then == "/" {
		then = ""
	}
	about := []string{"error", code, "provider", string(id)}
	switch {
	case code == codeUnknown:
		return Outcome{Place: with("/signup", about...)}
	case a.purpose == ForSignUp && code == codeInvite:
		return Outcome{Place: with("/signup", about...)}
	case a.purpose == ForSignUp:
		return Outcome{Place: with("/signup", append(about, "code", a.Invite)...)} // still good, for another try
	case a.purpose == ForLink:
		return Outcome{Place: with("/settings/security", about...)}
	case a.purpose == ForConfirm:
		return Outcome{Place: with(a.then, about...)}
	}
	return Outcome{Place: with("/login", append(about, "then", then)...)}
}

// logIn begins a session for the user of an identity.
func (s *Service) logIn(ctx context.Context, from account.Device, id provider.ID, who provider.Identity) (account.SignedIn, error) {
	row, err := s.identity(ctx, who)
	if errs.Is(err, errs.NotFound) {
		return account.SignedIn{}, errUnknown
	}
	if err != nil {
		return account.SignedIn{}, err
	}
	result, err := s.accounts.SignIn(ctx, from, account.Proof{UserID: row.UserID, Method: string(id), Use: s.use(row, who)})
	if errs.Is(err, errs.Unauthorized) && errs.Of(err).Code == "" {
		err = coded(errs.Unauthorized, codeDisabled, "this account is disabled; ask an admin")
	}
	return result, err
}

var errUnknown = coded(errs.Unauthorized, codeUnknown, "nobody here has signed up with this account")

// identity returns who somebody is here. NotFound: nobody.
func (s *Service) identity(ctx context.Context, who provider.Identity) (query.Identity, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.Identity, error) {
		return query.New(c).GetIdentity(ctx, query.GetIdentityParams{Issuer: who.Issuer, Subject: who.Subject})
	})
}

// use notes that an identity was used, and what the provider calls it now. It is undone
// with the transaction. Unauthorized: the identity was taken from the user meanwhile.
func (s *Service) use(row query.Identity, who provider.Identity) func(ctx context.Context, tx *db.Tx) error {
	name, email := nameOf(who), emailOf(who)
	if name == "" {
		name = row.Name // Apple tells it once
	}
	return func(ctx context.Context, tx *db.Tx) error {
		n, err := query.New(tx).UseIdentity(ctx, query.UseIdentityParams{
			ID: row.ID, UserID: row.UserID, Name: name, Email: email, Now: tx.Micros(),
		})
		if err == nil && n == 0 {
			err = errUnknown
		}
		return err
	}
}

// signUp makes a user of an invite and keeps the identity.
func (s *Service) signUp(ctx context.Context, from account.Device, id provider.ID, code string, who provider.Identity) (account.SignedIn, error) {
	if err := s.maySignUp(ctx, from, code, who); err != nil {
		return account.SignedIn{}, err
	}
	n := account.Newcomer{
		Code: code, Email: emailOf(who), Verified: who.EmailVerified, DisplayName: nameOf(who), Method: string(id),
	}
	if n.DisplayName == "" {
		n.DisplayName, _, _ = strings.Cut(n.Email, "@")
	}
	key := newID()
	n.Proven = func(ctx context.Context, tx *live.Tx, userID string) error {
		return keep(ctx, tx, key, userID, id, who)
	}
	result, err := s.accounts.SignUpWith(ctx, from, n)
	return result, readable(err)
}

// maySignUp says early, and in more words than account may, what stands in the way:
// whoever is here holds the code.
func (s *Service) maySignUp(ctx context.Context, from account.Device, code string, who provider.Identity) error {
	switch _, err := s.identity(ctx, who); {
	case err == nil:
		return errTaken
	case !errs.Is(err, errs.NotFound):
		return err
	case emailOf(who) == "":
		return coded(errs.Invalid, codeNoEmail, "an account needs an e-mail address, and the provider tells none")
	case code == "":
		return nil
	}
	i, err := s.accounts.CheckInvite(ctx, from.IP, code)
	switch {
	case err != nil:
		return readable(err)
	case i.Email == nil:
		return nil
	case account.Fold(*i.Email) != account.Fold(who.Email):
		return coded(errs.Invalid, codeOtherEmail, "this invite is for another e-mail address")
	case !who.EmailVerified:
		return coded(errs.Invalid, codeUnverified, "this invite is for one e-mail address, and the provider does not vouch that it is yours")
	}
	return nil
}

var errTaken = coded(errs.Conflict, codeTaken, "this account is in use already: sign in with it, or remove it from the other user first")

// readable gives account's refusals their codes.
func readable(err error) error {
	e := errs.Of(err)
	switch {
	case err == nil || e.Code != "":
		return err
	case e.Field == "body.code":
		return coded(e.Kind, codeInvite, e.Message)
	case e.Field == "body.email" && e.Kind == errs.Conflict:
		return coded(e.Kind, codeEmailTaken, e.Message)
	case e.Field == "body.email":
		return coded(e.Kind, codeNoEmail, e.Message)
	case e.Kind == errs.Conflict: // two sign-ups with one identity, at one time
		return errTaken
	}
	return err
}

// link gives an identity to whoever is signed in.
func (s *Service) link(ctx context.Context, by account.Actor, id provider.ID, who provider.Identity) error {
	if err := s.stillIn(ctx, by); err != nil {
		return err
	}
	key := newID()
	isNew, _, err := live.Write(ctx, s.log, account.Audit(by, ""), func(tx *live.Tx) (isNew bool, err error) {
		q := query.New(tx)
		row, err := q.GetIdentity(ctx, query.GetIdentityParams{Issuer: who.Issuer, Subject: who.Subject})
		switch {
		case err == nil && row.UserID == by.ID:
			return false, nil
		case err == nil:
			return false, errTaken
		case !noRow(err):
			return false, err
		}
		all, err := q.ListIdentities(ctx, by.ID)
		if err != nil {
			return false, err
		}
		if len(all) >= maxIdentities {
			return false, coded(errs.Conflict, codeTooMany, "there is no room for one more")
		}
		if err := keep(ctx, tx, key, by.ID, id, who); err != nil || !who.EmailVerified {
			return err == nil, err
		}
		return true, s.accounts.Prove(ctx, tx, by.ID, emailOf(who))
	})
	if errs.Is(err, errs.NotFound) { // disabled meanwhile
		err = errSessionEnded
	}
	if err == nil && isNew {
		s.accounts.Notify(ctx, by.ID, account.IdentityLinked)
	}
	return readable(err)
}

// stillIn makes sure that the session in which something began is still there.
func (s *Service) stillIn(ctx context.Context, by account.Actor) error {
	_, err := s.accounts.ConfirmedUntil(ctx, by)
	return sessionEnded(err)
}

var errSessionEnded = coded(errs.Unauthorized, codeSessionEnded, "the session has ended: sign in again")

func sessionEnded(err error) error {
	if errs.Is(err, errs.Unauthorized) && errs.Of(err).Code == "" {
		return errSessionEnded
	}
	return err
}

// keep adds an identity to the table and to the log. Conflict: it is taken. NotFound:
// the user is disabled or gone.
func keep(ctx context.Context, tx *live.Tx, key, userID string, id provider.ID, who provider.Identity) error {
	row, err := query.New(tx).CreateIdentity(ctx, query.CreateIdentityParams{
		ID: key, Issuer: who.Issuer, Subject: who.Subject, UserID: userID, Provider: string(id),
		Name: nameOf(who), Email: emailOf(who), Now: tx.Micros(),
	})
	if err != nil {
		return err
	}
	return tx.Record(identityEntity, key, nil, auditedOf(row))
}

// confirm notes that it is still them.
func (s *Service) confirm(ctx context.Context, by account.Actor, who provider.Identity) error {
	row, err := s.identity(ctx, who)
	if errs.Is(err, errs.NotFound) || err == nil && row.UserID != by.ID {
		return coded(errs.Forbidden, codeOther, "this is another account than the one that you sign in with here")
	}
	if err == nil {
		_, err = s.accounts.Confirm(ctx, by, s.use(row, who))
	}
	return sessionEnded(err)
}

// nameOf is a name as it can be kept, "" when there is none.
func nameOf(who provider.Identity) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(who.Name, ""))
	runes := []rune(strings.TrimSpace(name))
	return blank.Trim(string(runes[:min(len(runes), account.MaxDisplayName)]))
}

// emailOf is an address as it can be kept, "" when there is none.
func emailOf(who provider.Identity) string {
	email := strings.TrimSpace(who.Email)
	if !db.Keepable(email) || len(email) > 4*account.MaxEmail {
		return ""
	}
	return email
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
