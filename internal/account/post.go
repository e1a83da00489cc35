package account

import (
	"context"
	"fmt"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/mail"
)

// How many mails may wait to be sent, and how many are sent at one time.
const (
	maxPost = 256
	postmen = 4
)

// post sends the mails that nobody waits for. They wait in memory: what is lost with
// the process can be asked for again, or is a courtesy.
type post struct{ jobs chan func(context.Context) }

func newPost() post { return post{make(chan func(context.Context), maxPost)} }

// later hands a job over to run. Unavailable: too many are waiting.
func (p post) later(job func(context.Context)) error {
	select {
	case p.jobs <- job:
		return nil
	default:
		return &errs.Error{
			Kind: errs.Unavailable, Code: mail.Code, RetryAfter: 30 * time.Second,
			Message: "many mails are waiting to be sent; try again in a moment",
		}
	}
}

// run does one job after another until ctx ends.
func (p post) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-p.jobs:
			job(ctx)
		}
	}
}

// tell sends a notice when there is time. Nothing depends on it.
func (s *Service) tell(ctx context.Context, m mail.Message) {
	if !s.settings.Mail.On() {
		return
	}
	s.wait(ctx, func(ctx context.Context) { s.deliver(ctx, m) })
}

// wait lets a notice wait until there is time for it.
func (s *Service) wait(ctx context.Context, job func(context.Context)) {
	if err := s.post.later(job); err != nil {
		s.logger.WarnContext(ctx, "a notice was not sent", "error", err.Error())
	}
}

// Deliver sends the mails that wait, and returns when they are sent: for a program that
// ends, where Run does not.
func (s *Service) Deliver(ctx context.Context) {
	for {
		select {
		case job := <-s.post.jobs:
			job(ctx)
		default:
			return
		}
	}
}

func (s *Service) deliver(ctx context.Context, m mail.Message) {
	if err := s.settings.Mail.Send(ctx, m); err != nil {
		s.logger.WarnContext(ctx, "a mail was not sent", "subject", m.Subject, "error", err.Error())
	}
}

// The mails. They quote nothing that a user wrote but addresses: a name could be an
// advertisement, sent to whoever has the address.

func (s *Service) resetMail(to, link string) mail.Message {
	return mail.Message{To: to, Subject: "Set a new password", Text: fmt.Sprintf(`Somebody, most likely you, asked for a new password for %s at %s.

This link sets one. It works once, within %s:

%s

If it was not you, nothing needs to be done: the password stays as it is.
`, to, s.settings.PublicURL, inWords(resetLifetime), link)}
}

func (s *Service) verifyMail(to, link string) mail.Message {
	return mail.Message{To: to, Subject: "Confirm this e-mail address", Text: fmt.Sprintf(`Somebody, most likely you, wants to use %s for an account at %s.

This link confirms the address. It works once, within %s:

%s

If it was not you, nothing needs to be done: the address is not used.
`, to, s.settings.PublicURL, inWords(verifyLifetime), link)}
}

func (s *Service) emailAskedMail(to, wanted string) mail.Message {
	return mail.Message{To: to, Subject: "Your e-mail address may change", Text: fmt.Sprintf(`The account %s at %s is to get another e-mail address: %s. It changes once a link is
used that was sent there.

If it was not you, sign in, withdraw the change and set a new password: %s/settings/security
`, to, s.settings.PublicURL, wanted, s.settings.PublicURL)}
}

func (s *Service) emailChangedMail(to, email string) mail.Message {
	return mail.Message{To: to, Subject: "Your e-mail address was changed", Text: fmt.Sprintf(`An account at %s that had the address %s has another one now: %s.

If it was not you, ask whoever runs %s for help.
`, s.settings.PublicURL, to, email, s.settings.PublicURL)}
}

// claimedMail tells also what the first proof of an address has ended.
func (s *Service) claimedMail(to string) mail.Message {
	m := s.passwordMail(to, EndPrograms)
	m.Text += `
The link was the first proof that this address is yours. Whoever had this account until then
is out: linked identities and second factors from before have ended, too.
`
	return m
}

func (s *Service) passwordMail(to string, programs Programs) mail.Message {
	ended := "Other sessions have ended; API tokens go on."
	if programs == EndPrograms {
		ended = "Other sessions have ended, and so have all API tokens."
	}
	return mail.Message{To: to, Subject: "Your password was changed", Text: fmt.Sprintf(`The account %s at %s has a new password.
%s

If it was not you, set another one: the page where you sign in sends you a link, %s/login
`, to, s.settings.PublicURL, ended, s.settings.PublicURL)}
}

func (s *Service) inviteMail(to, link string, expires *time.Time) mail.Message {
	until := ""
	if expires != nil {
		until = fmt.Sprintf(", until %s", expires.Format("2 January 2006, 15:04 MST"))
	}
	return mail.Message{To: to, Subject: "You are invited", Text: fmt.Sprintf(`An admin invites %s to %s.

This link makes an account. It works once%s:

%s

If you do not know what this is about, nothing needs to be done.
`, to, s.settings.PublicURL, until, link)}
}

func (s *Service) testMail(to string) mail.Message {
	return mail.Message{To: to, Subject: "A test", Text: fmt.Sprintf(`An admin of %s wanted to know whether its mails arrive. This one has.
`, s.settings.PublicURL)}
}

// MailInvite sends the link of an invite for an address there, and reports whether the
// mail server took it: when not, the link is handed over some other way.
func (s *Service) MailInvite(ctx context.Context, i Invite, code string) bool {
	if i.Email == nil || code == "" || !s.settings.Mail.On() {
		return false
	}
	err := s.settings.Mail.Send(context.WithoutCancel(ctx), s.inviteMail(*i.Email, s.SignUpURL(code), i.ExpiresAt))
	if err != nil {
		s.logger.WarnContext(ctx, "an invite was not sent", "invite", i.ID, "error", err.Error())
		return false
	}
	if err := s.noteMailed(context.WithoutCancel(ctx), code); err != nil {
		s.logger.WarnContext(ctx, "it is not known of an invite that it was sent", "invite", i.ID, "error", err.Error())
	}
	return true
}

// TestMail sends a mail that says nothing, for an admin who wants to know whether mails
// arrive. Forbidden: by is no admin. Invalid: the address. RateLimited: too many mails.
// Unavailable, with the code mail: the mail server did not take it, or there is none.
func (s *Service) TestMail(ctx context.Context, by Actor, to string) (err error) {
	defer errs.Wrap(&err, "account.TestMail")
	if _, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (struct{}, error) {
		return struct{}{}, mustBeAdmin(ctx, c, by)
	}); err != nil {
		return err
	}
	if !s.settings.Mail.On() {
		return mail.ErrOff
	}
	if to, err = checkedEmail(to); err != nil {
		return err
	}
	if err := s.limits.mail(Fold(to), by.ID, s.now()); err != nil {
		return err
	}
	return s.settings.Mail.Send(ctx, s.testMail(to))
}

// inWords is a lifetime in whole minutes or hours.
func inWords(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	}
	return fmt.Sprintf("%.0f hours", d.Hours())
}
