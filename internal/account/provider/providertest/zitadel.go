package providertest

import (
	"crypto/sha256"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/peisear/peisear/internal/account/provider"
)

// Zitadel starts zitadel's OpenID Connect server over its example's memory of people,
// and returns what an operator would enter for it. test-user2, whose password is
// verysecure, can sign in.
func Zitadel(t testing.TB, redirect string) provider.Settings {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	clients := map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret, redirect)}
	people := storage.NewStorageWithClients(storage.NewUserStore(issuer), clients)
	config := &op.Config{CryptoKey: sha256.Sum256([]byte(t.Name())), CodeMethodS256: true}
	zitadel, err := op.NewProvider(config, people, op.StaticIssuer(issuer), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	finish := op.AuthCallbackURL(zitadel)
	mux := http.NewServeMux()
	mux.Handle("/", zitadel)
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="/login/username"><input name="id" value="%s"><input name="username" value=""><input name="password" value=""></form>`,
			html.EscapeString(r.FormValue("authRequestID")))
	})
	mux.HandleFunc("POST /login/username", func(w http.ResponseWriter, r *http.Request) {
		if err := people.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), r.FormValue("id")); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		ctx := op.ContextWithIssuer(r.Context(), issuer)
		http.Redirect(w, r, finish(ctx, r.FormValue("id")), http.StatusFound)
	})
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(server.Close)
	return provider.Settings{ID: provider.OpenID, ClientID: ClientID, Secret: ClientSecret, Issuer: issuer, Name: "Zitadel"}
}
