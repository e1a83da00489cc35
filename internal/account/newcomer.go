package account

import (
	"context"
	"errors"
	"strings"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Newcomer is somebody whom an identity provider vouches for and who signs up.
type Newcomer struct {
	Code        string // of the invite; "" where registration is open
	Email       string
	Verified    bool // the provider has verified the address
	DisplayName string
	Method      string // the provider's id

	// Proven takes part in the transaction that makes the user, say to keep the
	// identity; an error undoes all.
	Proven func(ctx context.Context, tx *live.Tx, userID string) error
}

// SignUpWith makes a user without a password of an invite, which is used up by it, and
// signs the user in. An invite for an address needs the provider's word that the
// address is verified.
// Errors are those of SignUp, and of Proven.
func (s *Service) SignUpWith(ctx context.Context, from Device, n Newcomer) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.SignUpWith(%s)", n.Method)
	d, err := Draft{Email: n.Email, DisplayName: n.DisplayName, Role: User}.named()
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.limits.allow(from.IP, "", s.now()); err != nil {
		return SignedIn{}, err
	}
	j, err := s.join(ctx, arrival{code: strings.TrimSpace(n.Code), draft: d, unverified: !n.Verified, vouched: n.Verified, from: from, method: n.Method, proven: n.Proven})
	if errors.Is(err, errUnusable) || errors.Is(err, errTaken) {
		s.limits.refused(from.IP, "", s.now())
	}
	if err != nil {
		return SignedIn{}, err
	}
	return s.signedIn(j.user, j.session)
}
