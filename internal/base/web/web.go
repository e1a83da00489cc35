// Package web serves HTTP: typed operations on the standard router, the single-page
// app beside them, one place that turns errors into answers, and one line of log
// per request.
//
// An operation takes a context and a typed input and returns a typed output or an
// error of package errs. The package validates the input, renders the output as
// JSON and describes both in OpenAPI at /api/openapi.json, and for people at /api/docs.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/peisear/peisear/internal/base/trace"
)

// MaxBody bounds a request's body, in bytes. Beyond it the answer is 413.
const MaxBody = 1 << 20

// API collects operations and serves them.
type API struct {
	huma    huma.API
	mux     *http.ServeMux
	log     *slog.Logger
	proxies Proxies
	foreign []string // patterns of routes that other sites may send to
	meter   *meter
	tracer  *trace.Tracer // nil: there are no spans
}

// strict makes huma take field names as they are written; it knows the setting for
// the whole process only. Otherwise "TITLE" would pass as title.
var strict = sync.OnceFunc(func() { huma.ValidateStrictCasing = true }) //nolint:gochecknoglobals // as huma's own

// New returns an API without operations. Below /api, unknown paths answer a JSON 404 and
// known ones with another method a 405.
// Forwarded headers are believed from the given proxies only.
func New(log *slog.Logger, proxies Proxies) *API {
	strict()
	config := huma.DefaultConfig("Peisear", "1")
	config.OpenAPIPath = "/api/openapi"
	config.DocsPath = ""     // huma's page loads scripts from outside; ours is in docs.go
	config.SchemasPath = ""  // the schemas are in the document
	config.CreateHooks = nil // no $schema in answers
	config.Formats = formats()
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearerScheme: {
		Type: "http", Scheme: "bearer", Description: "the access token of a session, or an API token",
	}}
	config.Transformers = append(config.Transformers, ownProblem)
	mux := http.NewServeMux()
	a := &API{huma: humago.New(mux, config), mux: mux, log: log, proxies: proxies, meter: newMeter()}
	a.huma.UseMiddleware(named)
	mux.HandleFunc("GET /api/docs", a.docs())
	mux.HandleFunc("/api", a.noRoute)
	mux.HandleFunc("/api/", a.noRoute)
	return a
}

// noRoute takes the requests below /api that no route takes. That the path has routes of
// other methods is hidden from the router by noRoute itself, so it asks for each.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		_, pattern := a.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL})
		if strings.Contains(pattern, " ") { // routes name a method, noRoute's own patterns do not
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		refuseMethod(w, allowed...)
		return
	}
	WriteError(w, r, errNoPath)
}

// Stream registers a handler that writes its answer itself, for as long as the
// client listens, under an id like an operation's.
func (a *API) Stream(id, pattern string, h http.HandlerFunc) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		about := requestOf(r.Context())
		about.operation, about.stream = id, true
		h(w, r)
	})
}

// FromAnywhere lets pages of other sites send to a route, which is refused otherwise:
// "POST /api/auth/apple/callback". The route believes no cookie.
func (a *API) FromAnywhere(pattern string) { a.foreign = append(a.foreign, pattern) }

// Document returns the OpenAPI 3.1 description of all operations, as JSON.
func (a *API) Document() ([]byte, error) { return a.huma.OpenAPI().MarshalJSON() }

// Handler serves the operations behind the given middleware, the first outermost.
func (a *API) Handler(middleware ...func(http.Handler) http.Handler) http.Handler {
	var h http.Handler = a.mux
	for i := len(middleware); i > 0; i-- {
		h = middleware[i-1](h)
	}
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, errCrossOrigin) }))
	for _, pattern := range a.foreign {
		sameOrigin.AddInsecureBypassPattern(pattern)
	}
	h = sameOrigin.Handler(h)
	return a.logged(secured(keepable(h)))
}

// Operation describes an operation.
type Operation = huma.Operation

// Op describes an operation by its id, like note.create, its route, like
// "POST /api/notes", and the status of its success.
func Op(id, route string, status int) Operation {
	method, path, _ := strings.Cut(route, " ")
	tag, _, _ := strings.Cut(id, ".")
	return Operation{OperationID: id, Method: method, Path: path, DefaultStatus: status, Tags: []string{tag}}
}

const mutationHeader = "Idempotency-Key"

// bearerScheme is what the description calls a bearer token.
const bearerScheme = "bearer"

// Signed says in the description that the operation is for whoever has signed in. It
// enforces nothing.
func Signed(op Operation) Operation {
	op.Security = []map[string][]string{{bearerScheme: {}}}
	return op
}

// Mutation is embedded in the input of every operation that changes something.
type Mutation struct {
	Tx string `header:"Idempotency-Key" maxLength:"64" doc:"the client's id for the mutation; sent again, it is applied once"`
}

// Handle registers an operation. It panics when part of the input would be ignored.
func Handle[I, O any](a *API, op Operation, h func(context.Context, *I) (*O, error)) {
	mustSeeAll(reflect.TypeFor[I]())
	op.MaxBodyBytes = MaxBody
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	a.mustValidate(op.Path, op.OperationID, reflect.TypeFor[I]())
}

// mustValidate refuses an operation whose body would be validated as another one's.
// huma calls the schema of an inline struct by the name of the type around it; two
// packages may have types of one name, and the second use of the second gets the schema
// of the first.
func (a *API) mustValidate(path, id string, input reflect.Type) {
	body, ok := input.FieldByName("Body")
	if !ok {
		return
	}
	of := body.Type
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	item := a.huma.OpenAPI().Paths[path]
	for _, op := range []*Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
		if op == nil || op.OperationID != id || op.RequestBody == nil {
			continue
		}
		for _, content := range op.RequestBody.Content {
			if ref := content.Schema.Ref; ref != "" && a.huma.OpenAPI().Components.Schemas.TypeFromRef(ref) != of {
				panic(fmt.Sprintf("web: the body of %s would be validated as another's: call %s otherwise", id, input))
			}
		}
	}
}

// Answers describes an operation whose body is written as bytes: it may be any of
// the given values' types.
func Answers(a *API, op *Operation, description string, values ...any) {
	registry := a.huma.OpenAPI().Components.Schemas
	schema := &huma.Schema{}
	for _, v := range values {
		t := reflect.TypeOf(v)
		schema.OneOf = append(schema.OneOf, registry.Schema(t, true, t.Name()))
	}
	op.Responses = map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
}

// mustSeeAll refuses unexported fields, embedded ones too: huma leaves them empty
// and validates nothing.
func mustSeeAll(input reflect.Type) {
	for f := range input.Fields() {
		if !f.IsExported() {
			panic(fmt.Sprintf("web: field %s of %s is not exported, it would stay empty", f.Name, input))
		}
	}
}
