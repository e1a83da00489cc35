package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth/query"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// attemptLifetime is how long a browser may be away.
const attemptLifetime = 10 * time.Minute

// maxAttempts bounds the attempts that are under way from one network: whoever begins
// and does not come back fills the table. An office behind one address has room.
const maxAttempts = 200

// Bounds of what is kept of an attempt, in bytes.
const (
	maxInvite = 1000
	maxFormer = 200
	maxAnswer = 16 << 10
)

// attemptPurpose is what attempts are sealed for.
const attemptPurpose = "oauth attempt"

// Purpose is what an attempt is for.
type Purpose string

// The purposes; see the package's comment.
const (
	ForLogin   Purpose = "login"
	ForSignUp  Purpose = "signup"
	ForLink    Purpose = "link"
	ForConfirm Purpose = "confirm"
)

// Journey is what somebody wants of a provider.
type Journey struct {
	Purpose Purpose
	Invite  string        // of ForSignUp; "" where registration is open
	By      account.Actor // of ForLink and ForConfirm
	Then    string        // where to go afterwards: a path of the app
}

// kept is what of an attempt must not be read in the database.
type kept struct {
	provider.Attempt
	Invite string `json:"invite,omitempty"`
	Former string `json:"former,omitempty"` // the session that the browser was in; see account.Device
}

// attempt is one that has come back.
type attempt struct {
	kept
	purpose Purpose
	by      account.Actor
	then    string
	answer  *provider.Answer // that another request has brought
}

var errExpired = coded(errs.Unauthorized, codeExpired, "this sign-in took too long, was finished before, or began in another browser: begin again")

// Begin keeps an attempt of the browser and returns where that goes. NotFound: there is
// no such provider. Unavailable: it is not set up here (with the code not_configured),
// or does not answer. RateLimited: too many attempts are under way from this network.
func (s *Service) Begin(ctx context.Context, from account.Device, browser string, id provider.ID, j Journey) (address string, err error) {
	defer errs.Wrap(&err, "oauth.Begin(%s, %s)", id, j.Purpose)
	p, err := s.provider(ctx, id)
	if err != nil {
		return "", err
	}
	if len(j.Invite) > maxInvite {
		return "", coded(errs.Invalid, codeInvite, "this is no invite")
	}
	a := provider.NewAttempt(j.Purpose == ForConfirm, s.now())
	if address, err = p.Begin(ctx, a); err != nil {
		return "", err
	}
	row, err := s.row(from, browser, id, j, a)
	if err != nil {
		return "", err
	}
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		q, now := query.New(tx), s.now().UnixMicro()
		if err := q.PurgeAttempts(ctx, now); err != nil {
			return none, err
		}
		n, err := q.CountAttempts(ctx, query.CountAttemptsParams{Network: row.Network, Now: now})
		if err != nil {
			return none, err
		}
		if n >= maxAttempts {
			return none, errs.Later(errs.RateLimited, time.Minute, "too many sign-ins are under way from your network; try again later")
		}
		return none, q.CreateAttempt(ctx, row)
	})
	return address, err
}

func (s *Service) row(from account.Device, browser string, id provider.ID, j Journey, a provider.Attempt) (query.CreateAttemptParams, error) {
	state := hash(a.State)
	a.State = "" // the row knows its hash
	secrets, err := json.Marshal(kept{a, j.Invite, former(from, j.Purpose)})
	row := query.CreateAttemptParams{
		State: state, Browser: hash(browser), Network: network(from.IP), Provider: string(id), Purpose: string(j.Purpose),
		Place: LocalPath(j.Then), Sealed: s.settings.Secret.Seal(attemptPurpose, state, secrets),
		ExpiresAt: s.now().Add(attemptLifetime).UnixMicro(),
	}
	if j.By.ID != "" {
		row.UserID, row.SessionID = &j.By.ID, &j.By.Session
	}
	return row, err
}

// former is the token of the session that a journey is to end. It is kept, because the way
// back begins at another site, from where browsers send no Strict cookie.
func former(from account.Device, p Purpose) string {
	if p != ForLogin && p != ForSignUp || len(from.Former) > maxFormer {
		return ""
	}
	return from.Former
}

// Deposit keeps an answer that came without the browser's cookie, for the request that
// brings it. The first one counts; one to an attempt that is not known is dropped.
func (s *Service) Deposit(ctx context.Context, id provider.ID, state string, in provider.Answer) (err error) {
	defer errs.Wrap(&err, "oauth.Deposit(%s)", id)
	text, err := json.Marshal(in)
	if err != nil || len(text) > maxAnswer {
		return err
	}
	key := hash(state)
	// Anybody may post anything: only what is awaited is worth a write.
	awaited, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (int64, error) {
		return query.New(c).CountAwaited(ctx, query.CountAwaitedParams{State: key, Provider: string(id), Now: s.now().UnixMicro()})
	})
	if err != nil || awaited == 0 {
		return err
	}
	sealed := s.settings.Secret.Seal(attemptPurpose, answerOf(key), text)
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (int64, error) {
		return query.New(tx).SetAnswer(ctx, query.SetAnswerParams{State: key, Provider: string(id), Answer: &sealed, Now: s.now().UnixMicro()})
	})
	return err
}

func answerOf(key string) string { return key + "/answer" }

// take ends an attempt and returns it. Unauthorized: errExpired.
func (s *Service) take(ctx context.Context, browser string, id provider.ID, state string) (a attempt, err error) {
	if browser == "" {
		return a, errExpired
	}
	row, err := db.Write(ctx, s.db, func(tx *db.Tx) (query.OauthAttempt, error) {
		return query.New(tx).TakeAttempt(ctx, query.TakeAttemptParams{
			State: hash(state), Provider: string(id), Browser: hash(browser), Now: s.now().UnixMicro(),
		})
	})
	if errs.Is(err, errs.NotFound) {
		return a, errExpired
	}
	if err != nil {
		return a, err
	}
	a = attempt{purpose: Purpose(row.Purpose), then: row.Place}
	if row.UserID != nil && row.SessionID != nil {
		a.by = account.Actor{ID: *row.UserID, Session: *row.SessionID}
	}
	if err := s.open(row.State, row.Sealed, &a.kept); err != nil {
		return a, err
	}
	a.State = state
	if row.Answer != nil {
		a.answer = new(provider.Answer)
		err = s.open(answerOf(row.State), *row.Answer, a.answer)
	}
	return a, err
}

// open reads what was sealed. Unauthorized: errExpired, when our secret has changed.
func (s *Service) open(bound, sealed string, into any) error {
	text, err := s.settings.Secret.Open(attemptPurpose, bound, sealed)
	if err != nil {
		return errExpired
	}
	return json.Unmarshal(text, into)
}

// hash is how a state and a browser are kept: nobody who reads the table can use them.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// network is what counts as one: an IPv6 user has a /64.
func network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the zero address gives the zero prefix
	return p.String()
}
