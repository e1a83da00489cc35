package account

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/errs"
)

// Limits, in characters.
const (
	MaxEmail       = 254
	MaxDisplayName = 100
	MinPassword    = 8
	MaxPassword    = 128
	maxCode        = 200
)

// Fold returns the form of an e-mail address in which two that reach the same
// person are equal. It folds more than ASCII, so that no address is a twin of
// another that looks the same.
func Fold(email string) string {
	return strings.ToLower(strings.ToUpper(norm.NFKC.String(strings.TrimSpace(email))))
}

// checkedEmail returns an address as it is kept.
func checkedEmail(email string) (string, error) {
	const field = "body.email"
	email = strings.TrimSpace(email)
	address, err := mail.ParseAddress(email)
	switch {
	case utf8.RuneCountInString(email) > MaxEmail:
		return "", errs.Field(field, "an e-mail address has at most %d characters", MaxEmail)
	case err != nil, address.Address != email, !plain(email), strings.ContainsFunc(email, unicode.IsSpace):
		return "", errs.Field(field, "this is not an e-mail address")
	}
	return email, nil
}

func checkedName(name string) (string, error) {
	name = blank.Trim(name)
	switch n := utf8.RuneCountInString(name); {
	case n < 1:
		return "", errs.Field("body.displayName", "a name is needed")
	case n > MaxDisplayName:
		return "", errs.Field("body.displayName", "a name has at most %d characters", MaxDisplayName)
	case !plain(name):
		return "", errs.Field("body.displayName", "a name has no control characters")
	}
	return name, nil
}

// checkPassword refuses a new password that strangers try first: one from lists, and
// one made of what they know about the user, such as the address and the name. Beyond
// its length nothing else is asked for: rules about characters make passwords worse.
func checkPassword(password string, about ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return errs.Field("body.password", "a password has at least %d characters", MinPassword)
	case n > MaxPassword:
		return errs.Field("body.password", "a password has at most %d characters", MaxPassword)
	case strings.ContainsRune(password, 0) || !utf8.ValidString(password):
		return errs.Field("body.password", "a password must not contain the character U+0000")
	case guessed(password):
		return errs.Field("body.password", "this password is on lists that are tried first; choose another")
	case known(password, about):
		return errs.Field("body.password", "this password is made of your name, your address or the name of this app; choose another")
	}
	return nil
}

// plain reports whether a text is one line that a database keeps and a page shows.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// trimmed returns at most n bytes of a text, whole characters only.
func trimmed(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
