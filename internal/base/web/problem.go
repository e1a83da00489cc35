package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/peisear/peisear/internal/base/errs"
)

var (
	errNoPath      = errs.New(errs.NotFound, "no such path")
	errCrossOrigin = errs.New(errs.Forbidden, "requests from another site are refused")
)

// Problem is the body of every error, RFC 9457.
type Problem struct {
	Status  int      `json:"status"`
	Title   string   `json:"title"`
	Detail  string   `json:"detail"`
	Code    string   `json:"code,omitempty" doc:"a word for programs, where the status alone does not say what to do"`
	Errors  []Detail `json:"errors,omitempty"`
	Current any      `json:"current,omitempty"` // for a stale update: the row as it is now

	retryAfter string
}

// Detail names one input at fault, in the form that input validation uses too.
type Detail struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error and the methods after it are how huma renders a returned error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type of the body.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders says when another try is worth it.
func (p *Problem) GetHeaders() http.Header {
	if p.retryAfter == "" {
		return nil
	}
	return http.Header{"Retry-After": {p.retryAfter}}
}

// status is the one mapping of kinds to HTTP.
func status(kind errs.Kind) int {
	switch kind {
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.Unauthorized:
		return http.StatusUnauthorized
	case errs.Forbidden:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	case errs.RateLimited:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

func problem(err error) *Problem {
	e := errs.Of(err)
	p := &Problem{Status: status(e.Kind), Detail: e.Message, Code: e.Code, Current: e.Current}
	p.Title = http.StatusText(p.Status)
	if e.Field != "" {
		p.Errors = []Detail{{Location: e.Field, Message: e.Message}}
	}
	if e.RetryAfter > 0 {
		p.retryAfter = strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds())))
	}
	return p
}

// problem also logs what only we can mend, under the request's id. Being busy, with
// word of when to come back, is an answer and no fault; so is what has a code.
func (a *API) problem(ctx context.Context, err error) *Problem {
	p := problem(err)
	if p.Status >= http.StatusInternalServerError && p.retryAfter == "" && p.Code == "" && !errors.Is(err, context.Canceled) {
		a.log.ErrorContext(ctx, "operation", "request", RequestID(ctx), "error", err.Error())
	}
	return p
}

// ownProblem renders what huma refuses by itself in our form. Its own form repeats
// the value at fault, which may be a password.
func ownProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Status: m.Status, Title: m.Title, Detail: m.Detail}
	for _, d := range m.Errors {
		p.Errors = append(p.Errors, located(d.Location, d.Message))
	}
	switch {
	case len(p.Errors) == 0 && (m.Status == http.StatusBadRequest || m.Status == http.StatusRequestEntityTooLarge):
		p.Errors = []Detail{{Location: bodyPlace, Message: m.Detail}} // it is missing, or too large
	case len(p.Errors) > 0:
		p.Detail = p.Errors[0].Location + ": " + p.Errors[0].Message
	}
	return p, nil
}

// located names the field where huma does so in its words only: a member that is
// missing, and what decode refuses.
func located(at, message string) Detail {
	var name string
	if n, _ := fmt.Sscanf(message, validation.MsgExpectedRequiredProperty, &name); n == 1 {
		return Detail{Location: at + "." + name, Message: "is required"}
	}
	if place, rest, ok := strings.Cut(message, ": "); ok && at == bodyPlace && strings.HasPrefix(place, bodyPlace) {
		return Detail{Location: place, Message: rest}
	}
	return Detail{Location: at, Message: message}
}

// refuseMethod answers 405 with the methods that the path takes.
func refuseMethod(w http.ResponseWriter, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	p := &Problem{Status: http.StatusMethodNotAllowed, Detail: "the path takes " + strings.Join(allowed, ", ") + " only"}
	p.Title = http.StatusText(p.Status)
	p.write(w)
}

// WriteError answers with a problem, for handlers outside of Handle.
func WriteError(w http.ResponseWriter, _ *http.Request, err error) { problem(err).write(w) }

func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	if p.retryAfter != "" {
		w.Header().Set("Retry-After", p.retryAfter)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone
}
