package account

import (
	"context"
	"net/http"
	"strings"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
)

type formerKey struct{}

// formerOf is the refresh token that a request came with.
func formerOf(ctx context.Context) string {
	token, _ := ctx.Value(formerKey{}).(string)
	return token
}

// rememberFormer keeps the refresh token of a request for DeviceOf: so no way in has to
// think of it.
func (s *Service) rememberFormer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, cookiePath+"/") {
			if c, err := r.Cookie(s.cookieName(r.Context())); err == nil {
				r = r.WithContext(context.WithValue(r.Context(), formerKey{}, c.Value))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// endFormer ends the session that a browser leaves behind when another one begins in it:
// nobody could end it from there any more. A token that we have not made ends nothing.
func (s *Service) endFormer(ctx context.Context, tx *db.Tx, from Device) error {
	presented, ok := parseRefresh(from.Former)
	if !ok {
		return nil
	}
	row, err := query.New(tx).GetSession(ctx, presented.id.String())
	if noRow(err) || err == nil && !s.genuine(presented, row) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.end(ctx, tx, row)
}
