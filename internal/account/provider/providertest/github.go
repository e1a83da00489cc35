package providertest

import (
	"net/http"
	"net/url"
	"strconv"
)

// github is GitHub Enterprise Server's layout; github.com has the same with the API at
// a host of its own.
func (s *Server) github(mux *http.ServeMux) {
	mux.HandleFunc("GET /login/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		answer := url.Values{"state": {q.Get("state")}}
		if q.Get("client_id") != ClientID || q.Get("redirect_uri") != s.Redirect {
			answer.Set("error", "redirect_uri_mismatch")
		} else {
			answer.Set("code", s.grant(q))
		}
		s.with(func() {
			if s.answer != nil {
				s.answer(answer)
			}
		})
		http.Redirect(w, r, s.Redirect+"?"+answer.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /login/oauth/access_token", s.githubToken)
	mux.HandleFunc("GET /api/v3/meta", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"verifiable_password_authentication": true})
	})
	mux.HandleFunc("GET /api/v3/user", s.githubAPI(func(p Person) any {
		id, _ := strconv.ParseInt(p.Subject, 10, 64)
		return map[string]any{"login": "ann-example", "id": id, "node_id": "MDQ6VXNlcjE=", "name": p.Name, "email": nil}
	}))
	mux.HandleFunc("GET /api/v3/user/emails", s.githubAPI(func(p Person) any {
		return []map[string]any{
			{"email": "old@example.org", "primary": false, "verified": true, "visibility": nil},
			{"email": p.Email, "primary": true, "verified": p.Verified, "visibility": "private"},
		}
	}))
}

// githubToken says no with status 200, and in a form where nobody asks for JSON.
func (s *Server) githubToken(w http.ResponseWriter, r *http.Request) {
	g, wrong := s.accepts(r)
	answer := url.Values{"access_token": {"access-of-" + g.person.Subject}, "token_type": {"bearer"}, "scope": {"read:user,user:email"}}
	switch wrong {
	case "invalid_client":
		answer = url.Values{"error": {"incorrect_client_credentials"}, "error_description": {"The client_id and/or client_secret passed are incorrect."}}
	case "invalid_grant":
		answer = url.Values{"error": {"bad_verification_code"}, "error_description": {"The code passed is incorrect or expired."}}
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(answer.Encode()))
}

func (s *Server) githubAPI(body func(Person) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var p Person
		s.with(func() { p = s.person })
		switch {
		case r.Header.Get("Authorization") != "Bearer access-of-"+p.Subject:
			writeJSON(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
		case r.Header.Get("User-Agent") == "" || r.Header.Get("X-GitHub-Api-Version") == "":
			writeJSON(w, http.StatusForbidden, map[string]any{"message": "Request forbidden by administrative rules."})
		case p.Email == "" && r.URL.Path == "/api/v3/user/emails":
			writeJSON(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
		default:
			writeJSON(w, http.StatusOK, body(p))
		}
	}
}
