// Package errs is the house's one error type. An error has a kind, which decides
// what the caller may do about it, and a message written for the person who
// caused it. Everything else (a driver's text, a stack) is cause: it reaches the
// log and nobody else.
//
//	return errs.New(errs.NotFound, "note not found")
//	defer errs.Wrap(&err, "notes.Get(%s)", id)
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what went wrong in terms a caller can act upon.
type Kind uint8

// The kinds. The zero value is Internal, so that nothing foreign looks harmless.
const (
	Internal     Kind = iota // our mistake; the message says nothing
	Invalid                  // the request can never succeed as it is
	Unauthorized             // sign in first
	Forbidden                // signed in, but not allowed
	NotFound                 // absent, or not for these eyes
	Conflict                 // the state of other rows forbids it
	TooLarge                 // beyond a limit on size
	RateLimited              // too often; later
	Unavailable              // not now; the same request may succeed later
)

// Error carries a kind and a message that is safe to show.
type Error struct {
	Kind    Kind
	Message string
	Field   string // the input at fault, "" when there is none
	Code    string // a word by which a program tells this error from others of its kind; "" for most
	Current any    // for a stale update: the row as it is now
	Cause   error  // for the log only

	RetryAfter time.Duration // for RateLimited and Unavailable: when it is worth another try; 0: unknown
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error of a kind with a message for the client.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Field returns an Invalid error that names the input at fault.
func Field(name, format string, args ...any) error {
	return &Error{Kind: Invalid, Field: name, Message: fmt.Sprintf(format, args...)}
}

// Taken returns a Conflict that names the input at fault.
func Taken(name, format string, args ...any) error {
	return &Error{Kind: Conflict, Field: name, Message: fmt.Sprintf(format, args...)}
}

// Stale returns a Conflict that carries the row as it is now.
func Stale(current any) error {
	return &Error{Kind: Conflict, Message: "changed by somebody else meanwhile", Current: current}
}

// Later returns an error of a kind that passes, RateLimited or Unavailable, with
// the time after which another try is worth it.
func Later(kind Kind, after time.Duration, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), RetryAfter: after}
}

// From gives a foreign error a kind and a message; its own text stays in the log.
func From(cause error, kind Kind, message string) error {
	return &Error{Kind: kind, Message: message, Cause: cause}
}

// Of returns the house's error inside err. A foreign error is Internal.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Message: "internal error", Cause: err}
}

// Is reports whether err is of the kind. A nil error is of none.
func Is(err error, kind Kind) bool { return err != nil && Of(err).Kind == kind }

// Plain leaves of an error what was written for people, for a command line. What is
// Internal or foreign stays as it is: nobody has written anything better.
func Plain(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		return errors.New(e.Message)
	}
	return err
}

// Wrap puts the name and arguments of the failing operation before the log's
// text. Kind and message stay as they are.
func Wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf(format+": %w", append(args, *err)...)
	}
}
