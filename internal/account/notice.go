package account

import (
	"context"
	"fmt"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/mail"
)

// Notice is what users are told by mail when something changes about who gets into their
// account: if it was not them, they learn of it. It says what happened, and nothing that
// helps anybody to get in.
type Notice string

// The notices, as the subject of the mail says them.
const (
	AppAdded         Notice = "An authenticator app was set up"
	AppRemoved       Notice = "The authenticator app was removed"
	PasskeyAdded     Notice = "A passkey was added"
	PasskeyRemoved   Notice = "A passkey was removed"
	CodesRenewed     Notice = "New recovery codes were made"
	FactorsReset     Notice = "All second factors were removed by an admin"
	IdentityLinked   Notice = "A way to sign in by another provider was added"
	IdentityUnlinked Notice = "A way to sign in by another provider was removed"
	TokenMade        Notice = "An API token was made"
	TokenWithdrawn   Notice = "An API token was withdrawn"
)

// Notify tells a user by mail, when there is time, what has changed. Nothing depends on
// it; without mail, and for somebody who cannot sign in, it does nothing.
func (s *Service) Notify(ctx context.Context, userID string, n Notice) {
	if !s.settings.Mail.On() {
		return
	}
	s.wait(ctx, func(ctx context.Context) {
		u, err := s.user(ctx, userID)
		switch {
		case errs.Is(err, errs.NotFound), err == nil && u.DisabledAt != nil:
		case err != nil:
			s.logger.WarnContext(ctx, "a notice was not sent", "user", userID, "error", err.Error())
		default:
			s.deliver(ctx, s.noticeMail(u.Email, n))
		}
	})
}

func (s *Service) noticeMail(to string, n Notice) mail.Message {
	return mail.Message{To: to, Subject: string(n), Text: fmt.Sprintf(`%s. The account is %s at %s.

If it was not you, look through your settings, end what you do not know and set a new password:
%s/settings/security
`, n, to, s.settings.PublicURL, s.settings.PublicURL)}
}
