package account

import (
	"encoding/json"
	"slices"

	"github.com/peisear/peisear/internal/account/query"
)

// mostRotations is how many of a session's rotations are kept: more than the tabs of one
// browser make within the attemptWindow.
const mostRotations = 16

// rotation is how a session came to its n-th refresh token.
//
// Tabs of a browser that has no locks refresh at one time, and their requests arrive in any
// order: one may still hold the token before the last but one, or send the attempt that
// made the token it holds. So an attempt rotates once; whoever comes with it again, within
// the attemptWindow, gets the newest token.
type rotation struct {
	Attempt string `json:"attempt"`
	N       int64  `json:"n"`
	At      int64  `json:"at"` // microseconds
}

// askedAgain reports whether the attempt has replaced the token, or one before it, and may
// still be asked for.
func (s *Service) askedAgain(row query.Session, presented refreshToken, attempt string) (bool, error) {
	if attempt == "" || presented.n > row.N {
		return false, nil
	}
	recent, err := s.recent(row)
	return slices.ContainsFunc(recent, func(r rotation) bool {
		return r.Attempt == attempt && presented.n >= r.N-1
	}), err
}

// recent are the rotations that may still be asked for, the oldest first.
func (s *Service) recent(row query.Session) (all []rotation, err error) {
	if row.Former != "" {
		if err := json.Unmarshal([]byte(row.Former), &all); err != nil {
			return nil, err
		}
	}
	all = append(all, rotation{Attempt: row.Attempt, N: row.N, At: row.RotatedAt})
	since := s.now().Add(-attemptWindow).UnixMicro()
	return slices.DeleteFunc(all, func(r rotation) bool { return r.Attempt == "" || r.At < since }), nil
}

// rotations is what the row keeps of them when it is rotated once more.
func (s *Service) rotations(row query.Session) (string, error) {
	recent, err := s.recent(row)
	if err != nil || len(recent) == 0 {
		return "", err
	}
	text, err := json.Marshal(recent[max(0, len(recent)-mostRotations):])
	return string(text), err
}
