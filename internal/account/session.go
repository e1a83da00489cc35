package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/secret"
)

// errRefresh is the one answer to every refresh token that is not good.
var errRefresh = errs.New(errs.Unauthorized, "the session has ended: sign in again")

// SignedIn is what a client gets to act with.
type SignedIn struct {
	AccessToken    string
	ExpiresIn      time.Duration
	User           Profile
	Refresh        string // the refresh token
	RefreshExpires time.Time

	Pending *Pending // a second factor is needed: the other fields are empty
}

// refreshToken is one of a session's tokens, the n-th. It is derived from the
// session's row and a key, so that it can be given out again without being stored:
//
//	base64(session id, 16 bytes ‖ n, 8 bytes ‖ MAC, 32 bytes)
type refreshToken struct {
	id  uuid.UUID
	n   int64
	mac []byte
}

const refreshLength = 16 + 8 + sha256.Size

func parseRefresh(text string) (r refreshToken, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(refreshLength) {
		return r, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != refreshLength { // line breaks are skipped by the decoder
		return r, false
	}
	return refreshToken{
		id: uuid.UUID(raw[:16]), n: int64(binary.BigEndian.Uint64(raw[16:24])), mac: raw[24:],
	}, true
}

func (r refreshToken) String() string {
	raw := binary.BigEndian.AppendUint64(r.id[:], uint64(r.n))
	return base64.RawURLEncoding.EncodeToString(append(raw, r.mac...))
}

// macKeys are the keys of refresh tokens: the first makes them, all know them again.
func macKeys(m secret.Master) [][]byte {
	keys := [][]byte{m.Key("refresh token")}
	for _, former := range m.Former() {
		keys = append(keys, former.Key("refresh token"))
	}
	return keys
}

// mac binds a token to the session's row, whose salt nobody else knows.
func mac(key []byte, id uuid.UUID, salt string, n int64) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(binary.BigEndian.AppendUint64(id[:], uint64(n)))
	h.Write([]byte(salt))
	return h.Sum(nil)
}

// genuine reports whether we made the token for the session.
func (s *Service) genuine(r refreshToken, row query.Session) bool {
	for _, key := range s.macKeys {
		if hmac.Equal(r.mac, mac(key, r.id, row.Salt, r.n)) {
			return true
		}
	}
	return false
}

// newSession returns the row of a session that begins now; the user is missing.
func (s *Service) newSession(from Device, method string) query.CreateSessionParams {
	now := s.now()
	return query.CreateSessionParams{
		ID: uuid.Must(uuid.NewV7()).String(), Salt: rand.Text(), Now: now.UnixMicro(),
		IdleAt:    now.Add(min(s.settings.RefreshTTL, sessionLifetime)).UnixMicro(),
		ExpiresAt: now.Add(sessionLifetime).UnixMicro(),
		Ip:        from.address(), UserAgent: from.UserAgent, Method: method,
	}
}

func (s *Service) signedIn(u query.User, row query.Session) (SignedIn, error) {
	id, err := uuid.Parse(row.ID)
	if err != nil {
		return SignedIn{}, err
	}
	access, err := s.tokens.Sign(Actor{ID: u.ID, Role: Role(u.Role), Session: row.ID}, u.Epoch)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{
		AccessToken: access, ExpiresIn: s.settings.AccessTTL, User: profile(u),
		Refresh:        refreshToken{id, row.N, mac(s.macKeys[0], id, row.Salt, row.N)}.String(),
		RefreshExpires: time.UnixMicro(row.IdleAt).UTC(),
	}, nil
}

// Refresh replaces a refresh token by its successor and gives a new access token.
// attempt is the client's name for this try, "" for none: when the answer was lost, or
// several tabs ask at once, the same token with the same attempt gets the successor
// again, within ten seconds. Unauthorized: anything else. A token that was replaced
// before, and comes again otherwise, has been copied: then the session ends, for whoever
// holds it.
func (s *Service) Refresh(ctx context.Context, from Device, token, attempt string) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.Refresh")
	presented, err := s.presented(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	j, err := db.Write(ctx, s.db, func(tx *db.Tx) (joined, error) { return s.rotate(ctx, tx, from, presented, attempt) })
	switch {
	case errs.Is(err, errs.NotFound):
		return SignedIn{}, errRefresh
	case err != nil:
		return SignedIn{}, err
	case j.user.ID == "": // the session was ended, which had to be committed
		return SignedIn{}, errRefresh
	}
	return s.signedIn(j.user, j.session)
}

// presented returns a token that we have made for a session which is still there, or
// was when it was looked for. Anybody may make one up: what is ours alone is worth a
// turn at the writer. Unauthorized: it is none.
func (s *Service) presented(ctx context.Context, token string) (r refreshToken, err error) {
	r, ok := parseRefresh(token)
	if !ok {
		return r, errRefresh
	}
	row, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.Session, error) {
		return query.New(c).GetSession(ctx, r.id.String())
	})
	if errs.Is(err, errs.NotFound) || err == nil && !s.genuine(r, row) {
		err = errRefresh // an invention ends nothing: it would let strangers sign others out
	}
	return r, err
}

// rotate returns the session with its new n, and no user when it had to end it.
func (s *Service) rotate(ctx context.Context, tx *db.Tx, from Device, presented refreshToken, attempt string) (j joined, err error) {
	q := query.New(tx)
	id, now := presented.id.String(), s.now()
	row, err := q.GetSession(ctx, id)
	if err != nil {
		return j, err
	}
	u, err := q.GetUser(ctx, row.UserID)
	if err != nil {
		return j, err
	}
	if now.UnixMicro() >= row.IdleAt || u.DisabledAt != nil {
		return joined{}, s.end(ctx, tx, row)
	}
	if known, err := s.askedAgain(row, presented, attempt); err != nil || known {
		return joined{user: u, session: row}, err
	}
	former, err := s.rotations(row)
	if err != nil {
		return j, err
	}
	// Before the session's row, as everybody who changes both.
	if u, err = q.SetSeen(ctx, query.SetSeenParams{ID: u.ID, Now: new(now.UnixMicro())}); err != nil {
		return j, err
	}
	rotated, err := q.RotateSession(ctx, query.RotateSessionParams{
		ID: id, N: presented.n, Attempt: attempt, Former: former, Now: now.UnixMicro(),
		IdleAt: min(now.Add(s.settings.RefreshTTL).UnixMicro(), row.ExpiresAt),
		Ip:     from.address(), UserAgent: from.UserAgent,
	})
	if err != nil {
		return j, err
	}
	// Read again: if not we, another request may have rotated it since.
	if row, err = q.GetSession(ctx, id); err != nil {
		return j, err
	}
	if rotated == 0 {
		if known, err := s.askedAgain(row, presented, attempt); err != nil {
			return j, err
		} else if !known {
			return joined{}, s.end(ctx, tx, row)
		}
	}
	return joined{user: u, session: row}, nil
}

// end removes a session and refuses its access tokens.
func (s *Service) end(ctx context.Context, tx *db.Tx, row query.Session) error {
	if _, err := query.New(tx).DeleteSession(ctx, row.ID); err != nil {
		if noRow(err) {
			return nil // another request ended it
		}
		return err
	}
	return s.revoke(ctx, tx, row.UserID, 0, row.ID)
}

// Logout ends the session of a refresh token and the one of the actor; either may be
// missing. A session that has ended is no error.
func (s *Service) Logout(ctx context.Context, by Actor, token string) (err error) {
	defer errs.Wrap(&err, "account.Logout")
	presented, err := s.presented(ctx, token)
	ok := err == nil
	switch {
	case !ok && !errs.Is(err, errs.Unauthorized):
		return err
	case !ok && by.Session == "":
		return nil
	}
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		q := query.New(tx)
		if ok {
			row, err := q.GetSession(ctx, presented.id.String())
			if err == nil {
				err = s.end(ctx, tx, row)
			}
			if err != nil && !noRow(err) {
				return none, err
			}
		}
		return none, s.endOwn(ctx, tx, by)
	})
	return err
}

func (s *Service) endOwn(ctx context.Context, tx *db.Tx, by Actor) error {
	row, err := query.New(tx).GetSession(ctx, by.Session)
	if noRow(err) || err == nil && row.UserID != by.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return s.end(ctx, tx, row)
}
