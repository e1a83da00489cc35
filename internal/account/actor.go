package account

import (
	"context"
	"net/http"
	"strings"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
)

// Role is what a user may do in the whole instance.
type Role string

// The roles. A user may do everything with what is theirs; an admin also decides
// who may come in.
const (
	User  Role = "user"
	Admin Role = "admin"
)

// Actor is who asks for something to be done.
type Actor struct {
	ID      string
	Role    Role
	Session string // "" outside of a session
	Grant   *Grant // nil unless a program acts for the user, by an API token
}

// Operator is whoever sits at the machine: the command line, which has no session.
func Operator() Actor { return Actor{ID: operatorID, Role: Admin} }

const operatorID = "operator"

// Scope is the change log's scope of what belongs to the actor alone.
func (a Actor) Scope() string { return "user:" + a.ID }

var (
	errSignIn      = errs.New(errs.Unauthorized, "sign in first")
	errToken       = errs.New(errs.Unauthorized, "the access token is not valid: refresh it or sign in again")
	errExpired     = errs.New(errs.Unauthorized, "the access token has expired: refresh it")
	errEnded       = errs.New(errs.Unauthorized, "the session has ended: sign in again")
	errUnsure      = errs.New(errs.Unavailable, "cannot tell who you are right now; try again in a moment")
	errSessionOnly = errs.New(errs.Forbidden, "only somebody who has signed in may do this, no program in their name")
	errAdminOnly   = errs.New(errs.Forbidden, "only an admin may do this")
)

// asking is what the middleware has found out about a request.
type asking struct {
	id  Identity
	err error
}

type askingKey struct{}

// Authenticate finds out who is asking. A request without an actor goes on as a
// stranger's: public operations do not mind, and Handle refuses it.
func (s *Service) Authenticate(next http.Handler) http.Handler {
	return s.rememberFormer(Authenticated(next, s.identify))
}

// identify returns whose token it is. It asks memory only, unless that may be out
// of date. Unauthorized: the token is not valid, or what it stands for has ended.
// Unavailable: the database was needed and did not answer.
func (s *Service) identify(ctx context.Context, token string) (Identity, error) {
	if b := s.bearers.of(token); b != nil {
		return s.present(ctx, b, token)
	}
	id, err := s.tokens.Verify(token)
	if err != nil {
		return Identity{}, err
	}
	if !s.revoked.fresh(s.now()) {
		return id, s.lookUp(ctx, id)
	}
	if s.revoked.ended(id) {
		return Identity{}, errEnded
	}
	return id, nil
}

// Authenticated is the middleware over any way to tell whose a bearer token is. Where
// the token may only read, nothing behind it sees a request that could change
// something, public operations included.
func Authenticated(next http.Handler, identify func(ctx context.Context, token string) (Identity, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := bearer(r); ok {
			var a asking
			a.id, a.err = identify(r.Context(), token)
			if a.err == nil && !a.id.maySend(r.Method) {
				web.WriteError(w, r, errReadOnly)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), askingKey{}, a))
		}
		next.ServeHTTP(w, r)
	})
}

func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

func identityFrom(ctx context.Context) (Identity, error) {
	a, ok := ctx.Value(askingKey{}).(asking)
	if !ok {
		return Identity{}, errSignIn
	}
	return a.id, a.err
}

// From returns the actor of a request. It is for the edge; services take the actor
// as a parameter. Unauthorized: nobody has signed in, or not any more.
func From(ctx context.Context) (Actor, error) {
	id, err := identityFrom(ctx)
	return id.Actor, err
}

// Who returns whose a live connection is. Unauthorized: as in From, also when the
// session has ended since the request began.
func (s *Service) Who(ctx context.Context) (live.Who, error) {
	id, err := identityFrom(ctx)
	if err == nil && s.revoked.ended(id) {
		err = errEnded
	}
	return live.Who{User: id.ID, Session: id.credential(), Expires: id.Expires}, err
}

// Operation is the code of an operation of signed-in users: by is who is asking.
type Operation[I, O any] func(ctx context.Context, by Actor, in *I) (*O, error)

// Handle registers an operation for signed-in users. An API token that is limited to
// scopes of the change log may not use it; HandleIn and HandleScoped are for
// operations that such a token may use.
func Handle[I, O any](api *web.API, op web.Operation, h Operation[I, O]) {
	HandleScoped(api, op, func(ctx context.Context, by Actor, in *I) (*O, error) {
		if by.Limited() {
			return nil, errLimited
		}
		return h(ctx, by, in)
	})
}

// HandleIn registers an operation inside of one scope of the change log: a limited
// token may use it when the scope is among its own.
//
//	account.HandleIn(api, web.Op("note.list", "GET /api/notes", 200), account.Actor.Scope, s.list)
func HandleIn[I, O any](api *web.API, op web.Operation, scope func(Actor) string, h Operation[I, O]) {
	HandleScoped(api, op, func(ctx context.Context, by Actor, in *I) (*O, error) {
		if !by.May(scope(by)) {
			return nil, errLimited
		}
		return h(ctx, by, in)
	})
}

// HandleScoped registers an operation that finds out by itself which scopes it is
// about, and asks Actor.May for each.
func HandleScoped[I, O any](api *web.API, op web.Operation, h Operation[I, O]) {
	web.Handle(api, web.Signed(op), func(ctx context.Context, in *I) (*O, error) {
		by, err := From(ctx)
		if err != nil {
			return nil, err
		}
		return h(ctx, by, in)
	})
}

// HandleOwn registers an operation on the actor's own account, for which a session is
// needed: programs that act for a user do not change how the user signs in.
func HandleOwn[I, O any](api *web.API, op web.Operation, h Operation[I, O]) {
	Handle(api, op, func(ctx context.Context, by Actor, in *I) (*O, error) {
		if by.Session == "" {
			return nil, errSessionOnly
		}
		return h(ctx, by, in)
	})
}

// RequireRole lets only users of a role use the operation, and for admins only such
// API tokens as were made for it. It believes the token and asks nobody:
//
//	account.Handle(api, web.Op("invite.list", "GET /api/invites", 200),
//		account.RequireRole(account.Admin, s.list))
func RequireRole[I, O any](role Role, h Operation[I, O]) Operation[I, O] {
	return func(ctx context.Context, by Actor, in *I) (*O, error) {
		if role == Admin && !by.mayAdminister() {
			return nil, errAdminToken
		}
		if by.Role != role {
			return nil, errRole(role)
		}
		return h(ctx, by, in)
	}
}

func errRole(role Role) error {
	if role == Admin {
		return errAdminOnly
	}
	return errs.New(errs.Forbidden, "your role does not allow this")
}
