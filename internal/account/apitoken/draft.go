package apitoken

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken/query"
	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/errs"
)

// Limits, in tokens of a user, in characters and in scopes of a token.
const (
	MaxTokens    = 50
	MaxName      = 100
	MaxLogScopes = 50
	maxLogScope  = 80
)

// Draft is a token to be.
type Draft struct {
	Name      string
	Scope     account.Scope
	LogScopes []string   // empty for no limit
	ExpiresAt *time.Time // nil for never
}

// checked returns the draft as it is kept; id, user and secret are missing.
func (d Draft) checked(now time.Time) (p query.CreateTokenParams, err error) {
	p = query.CreateTokenParams{Name: blank.Trim(d.Name), Scope: string(d.Scope), Now: now.UnixMicro()}
	switch n := utf8.RuneCountInString(p.Name); {
	case n < 1 || n > MaxName:
		return p, errs.Field("body.name", "a name has 1 to %d characters", MaxName)
	case !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, unicode.IsControl):
		return p, errs.Field("body.name", "a name has no control characters")
	case !slices.Contains([]account.Scope{account.ScopeRead, account.ScopeWrite, account.ScopeAdmin}, d.Scope):
		return p, errs.Field("body.scope", "a scope is read, write or admin")
	}
	if d.ExpiresAt != nil {
		// A day more, for clocks and time zones that differ.
		if !d.ExpiresAt.After(now) || d.ExpiresAt.After(now.AddDate(1, 0, 1)) {
			return p, errs.Field("body.expiresAt", "expected a time within a year from now, or null for never")
		}
		p.ExpiresAt = new(d.ExpiresAt.UnixMicro())
	}
	p.LogScopes, err = d.logScopes()
	return p, err
}

// logScopes returns the scopes of the change log as they are kept. Only their form is
// looked at: what they stand for is others' business.
func (d Draft) logScopes() (*string, error) {
	const field = "body.logScopes"
	all := slices.Compact(slices.Sorted(slices.Values(d.LogScopes)))
	switch {
	case len(all) == 0:
		return nil, nil
	case len(all) > MaxLogScopes:
		return nil, errs.Field(field, "at most %d scopes", MaxLogScopes)
	case d.Scope == account.ScopeAdmin:
		return nil, errs.Field(field, "administration concerns everything: a token with the scope admin cannot be limited")
	}
	for _, scope := range all {
		if !isLogScope(scope) {
			return nil, errs.Field(field, "expected scopes of the change log, like project:<id> or org")
		}
	}
	return new(strings.Join(all, " ")), nil
}

// isLogScope reports whether a text looks like org or project:0190….
func isLogScope(text string) bool {
	kind, id, named := strings.Cut(text, ":")
	outside := func(c rune) bool { return c > unicode.MaxASCII || !alphanumeric(byte(c)) && c != '-' }
	return len(text) <= maxLogScope && kind != "" && (id != "" || !named) &&
		!strings.ContainsFunc(kind, func(c rune) bool { return c < 'a' || c > 'z' }) && !strings.ContainsFunc(id, outside)
}

// logScopes returns nil for no limit.
func logScopes(row query.ApiToken) []string {
	if row.LogScopes == nil {
		return nil
	}
	return append([]string{}, strings.Fields(*row.LogScopes)...)
}

func token(row query.ApiToken) Token {
	return Token{
		ID: row.ID, Name: row.Name, Scope: account.Scope(row.Scope), LogScopes: append([]string{}, logScopes(row)...),
		Hint: row.Hint, CreatedAt: time.UnixMicro(row.CreatedAt).UTC(), ExpiresAt: timeOf(row.ExpiresAt), UsedAt: timeOf(row.UsedAt),
	}
}

func recordedOf(row query.ApiToken) recorded {
	t := token(row)
	return recorded{UserID: row.UserID, Name: t.Name, Scope: t.Scope, LogScopes: t.LogScopes, Hint: t.Hint, ExpiresAt: t.ExpiresAt}
}

func timeOf(micros *int64) *time.Time {
	if micros == nil {
		return nil
	}
	return new(time.UnixMicro(*micros).UTC())
}
