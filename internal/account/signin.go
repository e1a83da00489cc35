package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// A sign-in that waits for its second factor ends at whichever comes first.
const (
	pendingLifetime = 10 * time.Minute
	pendingTries    = 5
)

// errPending is the one answer to every sign-in that cannot be completed.
var errPending error = &errs.Error{
	Kind: errs.Unauthorized, Code: "sign_in_over", Message: "this sign-in took too long or too many tries: begin again",
}

// Proof says that somebody has shown to be a user, and how.
type Proof struct {
	UserID string
	Method string // password, passkey or a provider's id; what the list of sessions shows
	Strong bool   // it stands for two factors already

	// Use takes part in the transaction in which the proof is used up, say to keep a
	// counter; an error undoes it. It may be nil.
	Use func(ctx context.Context, tx *db.Tx) error
}

// Pending is a sign-in that lacks its second factor.
type Pending struct {
	Token     string
	Methods   []string // ways to give it
	ExpiresIn time.Duration
}

// Factors returns the ways in which a user gives a second factor, none when they
// have not set up any.
type Factors func(ctx context.Context, c db.Conn, userID string) ([]string, error)

// RequireFactors makes sign-ins ask for a second factor. It is called while the
// program is put together.
func (s *Service) RequireFactors(f Factors) { s.factors = f }

// SignIn begins a session for whoever has shown to be a user, or asks for the second
// factor that they have set up: then Pending is set in the result, and nothing else.
// Unauthorized: the user is disabled or gone. Other errors are those of Use.
func (s *Service) SignIn(ctx context.Context, from Device, p Proof) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.SignIn(%s)", p.Method)
	start := s.newSession(from, p.Method)
	start.UserID = p.UserID
	token := rand.Text()
	j, err := db.Write(ctx, s.db, func(tx *db.Tx) (j joined, err error) {
		// Locked, the row stays as it is: a new password that is being set waits, and ends
		// this session too.
		if _, err := query.New(tx).LockActiveUser(ctx, p.UserID); err != nil {
			return j, err
		}
		if p.Use != nil {
			if err := p.Use(ctx, tx); err != nil {
				return j, err
			}
		}
		if j.methods, err = s.methods(ctx, tx, p); err != nil {
			return j, err
		}
		if len(j.methods) > 0 {
			return j, s.await(ctx, tx, p, token)
		}
		return s.begin(ctx, tx, from, start)
	})
	switch {
	case errs.Is(err, errs.NotFound):
		return SignedIn{}, errCredentials // disabled or gone
	case err != nil:
		return SignedIn{}, err
	case len(j.methods) > 0:
		return SignedIn{Pending: &Pending{token, j.methods, pendingLifetime}}, nil
	}
	return s.signedIn(j.user, j.session)
}

// methods are the second factors that the proof still needs.
func (s *Service) methods(ctx context.Context, tx *db.Tx, p Proof) ([]string, error) {
	if p.Strong || s.factors == nil {
		return nil, nil
	}
	return s.factors(ctx, tx, p.UserID)
}

func (s *Service) await(ctx context.Context, tx *db.Tx, p Proof, token string) error {
	return query.New(tx).CreateSignIn(ctx, query.CreateSignInParams{
		Token: hashToken(token), UserID: p.UserID, Method: p.Method, ExpiresAt: s.now().Add(pendingLifetime).UnixMicro(),
	})
}

// begin adds the session, and ends the one that the browser was in; and the one that was
// longest not used when the user has too many. NotFound: the user is disabled or gone.
func (s *Service) begin(ctx context.Context, tx *db.Tx, from Device, start query.CreateSessionParams) (j joined, err error) {
	q := query.New(tx)
	if j.session, err = q.CreateSession(ctx, start); err != nil {
		return j, err
	}
	// The row is locked by it: nobody is let in who is being disabled or deleted, and
	// the role is what it is now.
	if j.user, err = q.SetSeen(ctx, query.SetSeenParams{ID: start.UserID, Now: &start.Now}); err != nil {
		return j, err
	}
	if err := s.endFormer(ctx, tx, from); err != nil {
		return j, err
	}
	surplus, err := q.DeleteSurplusSessions(ctx, query.DeleteSurplusSessionsParams{UserID: start.UserID, Most: maxSessions})
	if err != nil {
		return j, err
	}
	return j, s.revokeSessions(ctx, tx, surplus)
}

// PendingUser returns whose sign-in awaits a second factor. Unauthorized: there is no
// such sign-in, or it took too long or too many tries. RateLimited: too many refused
// attempts.
func (s *Service) PendingUser(ctx context.Context, from Device, token string) (userID string, err error) {
	defer errs.Wrap(&err, "account.PendingUser")
	row, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.SignIn, error) {
		return query.New(c).GetSignIn(ctx, hashToken(token))
	})
	if errs.Is(err, errs.NotFound) || err == nil && (row.ExpiresAt <= s.now().UnixMicro() || row.Tries >= pendingTries) {
		return "", errPending
	}
	if err != nil {
		return "", err
	}
	return row.UserID, s.limits.allow(from.IP, factorOf(row.UserID), s.now())
}

// Complete ends a sign-in with its second factor. use takes part in the transaction:
// it checks the factor and uses it up, or answers Unauthorized. What can be guessed
// must be checked nowhere else: the try is counted before use is called, so that five
// are five, however many come at one time.
// Errors are those of PendingUser and of use.
func (s *Service) Complete(ctx context.Context, from Device, token string, use func(ctx context.Context, tx *db.Tx) error) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.Complete")
	return s.complete(ctx, from, token, func(c completion) (joined, error) {
		return db.Write(ctx, s.db, func(tx *db.Tx) (joined, error) {
			return s.finish(ctx, tx, c, func() error { return use(ctx, tx) })
		})
	})
}

// CompleteRecorded is Complete with a factor whose use is recorded in AuditScope.
func (s *Service) CompleteRecorded(ctx context.Context, from Device, token string, use func(ctx context.Context, tx *live.Tx) error) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.CompleteRecorded")
	return s.complete(ctx, from, token, func(c completion) (joined, error) {
		return db.Write(ctx, s.db, func(tx *db.Tx) (j joined, err error) {
			// All of it inside, because all writers lock their scopes first.
			err = live.Join(ctx, s.log, tx, audit(Actor{ID: c.row.UserID}, ""), func(tx *live.Tx) (err error) {
				j, err = s.finish(ctx, tx.Tx, c, func() error { return use(ctx, tx) })
				return err
			})
			return j, err
		})
	})
}

// completion is a sign-in that is tried to be completed.
type completion struct {
	row   query.SignIn
	from  Device
	start query.CreateSessionParams
}

// complete counts the try, lets write do it, and takes the count back when it was right.
func (s *Service) complete(ctx context.Context, from Device, token string, write func(c completion) (joined, error)) (SignedIn, error) {
	row, err := s.try(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	passed, err := s.limits.attempt(from.IP, factorOf(row.UserID), s.now())
	if err != nil {
		return SignedIn{}, err
	}
	c := completion{row, from, s.newSession(from, row.Method)}
	c.start.UserID = row.UserID
	j, err := write(c)
	if errs.Is(err, errs.NotFound) { // disabled or gone
		err = errPending
	}
	if err != nil {
		return SignedIn{}, err
	}
	passed()
	return s.signedIn(j.user, j.session)
}

// finish uses up the sign-in and its factor, and begins the session. The user's row is
// locked before either, as by whoever deletes the user. NotFound: they are disabled or
// gone.
func (s *Service) finish(ctx context.Context, tx *db.Tx, c completion, use func() error) (j joined, err error) {
	q := query.New(tx)
	if _, err := q.LockActiveUser(ctx, c.row.UserID); err != nil {
		return j, err
	}
	if n, err := q.DeleteSignIn(ctx, c.row.Token); err != nil || n == 0 {
		return j, cmp.Or(err, errPending)
	}
	if err := use(); err != nil {
		return j, err
	}
	return s.begin(ctx, tx, c.from, c.start)
}

// try counts one more try of a sign-in, if there is one left.
func (s *Service) try(ctx context.Context, token string) (query.SignIn, error) {
	row, err := db.Write(ctx, s.db, func(tx *db.Tx) (query.SignIn, error) {
		return query.New(tx).TrySignIn(ctx, query.TrySignInParams{Token: hashToken(token), Most: pendingTries, Now: s.now().UnixMicro()})
	})
	if errs.Is(err, errs.NotFound) {
		err = errPending
	}
	return row, err
}

// RefusedFactor counts a try whose second factor was seen to be wrong before Complete,
// and returns why.
func (s *Service) RefusedFactor(ctx context.Context, from Device, token string, why error) error {
	if row, err := s.try(ctx, token); err == nil {
		s.limits.refused(from.IP, factorOf(row.UserID), s.now())
	}
	return why
}

// factorOf is what second factors of a user are limited under, apart from passwords:
// somebody who guesses one must not slow down the other.
func factorOf(userID string) string { return "factor:" + userID }

// Allow tells whether an attempt on what key names may be made from the address; see
// limits. RateLimited: not yet. Refused counts one that was refused.
func (s *Service) Allow(ip netip.Addr, key string) error { return s.limits.allow(ip, key, s.now()) }

// Refused counts an attempt that was refused; see Allow.
func (s *Service) Refused(ip netip.Addr, key string) { s.limits.refused(ip, key, s.now()) }

// Attempt is Allow for what is short enough to be guessed. It counts as refused until
// passed is called, so that many at one time are no way around the limits, and there
// is a limit over all addresses. RateLimited: not yet.
//
//	passed, err := accounts.Attempt(from.IP, "totp:"+by.ID)
//	… check …
//	passed()
func (s *Service) Attempt(ip netip.Addr, key string) (passed func(), err error) {
	return s.limits.attempt(ip, key, s.now())
}

// hashToken is how random tokens are kept: nobody who reads the table can use them.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Way reports whether a user can sign in in one more way than by password.
type Way func(ctx context.Context, c db.Conn, userID string) (bool, error)

// AddWay adds a way to sign in. It is called while the program is put together.
func (s *Service) AddWay(w Way) { s.ways = append(s.ways, w) }

// Offer returns the other places where people may sign in now.
type Offer func(ctx context.Context) ([]Provider, error)

// OfferProviders adds those places to the options. It is called while the program is
// put together.
func (s *Service) OfferProviders(o Offer) { s.offer = o }

// KeepsAWayIn returns Conflict when the user could not sign in any more. It is asked
// in the transaction that takes a way from them, after it is taken.
func (s *Service) KeepsAWayIn(ctx context.Context, c db.Conn, userID string) error {
	u, err := query.New(c).GetUser(ctx, userID)
	if err != nil || u.PasswordHash != nil {
		return err
	}
	for _, way := range s.ways {
		if has, err := way(ctx, c, userID); err != nil || has {
			return err
		}
	}
	return errLastWay
}

var errLastWay = &errs.Error{
	Kind: errs.Conflict, Code: "last_way",
	Message: "this is the only way to sign in to this account: set a password or add another way first",
}
