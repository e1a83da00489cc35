package board_test

import (
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/board"
)

// as is the headers of a request that the user makes, and more.
func as(t *testing.T, by account.Actor, more map[string]string) map[string]string {
	t.Helper()
	header := accounttest.Sign(t, by)
	maps.Copy(header, more)
	return header
}

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		api := web.New(slog.New(slog.DiscardHandler), nil)
		board.Feature(w.Service).Routes(api)
		member := as(t, w.member, nil)
		resend := as(t, w.member, map[string]string{"Idempotency-Key": "k1"})
		path := "/api/issues/" + w.cards["A"].Key + "/move"
		to := func(status, more string) string { return `{"statusId":"` + status + `"` + more + `}` }
		below := to(w.done, `,"after":"`+w.cards["X"].ID+`","before":null,"version":1`)
		bad := func(name, body, has string) basetest.Scenario {
			return basetest.Scenario{Name: name, Method: "POST", Path: path, Header: member, Body: body, Status: 422, Has: []string{has}, HasNot: []string{"sql", "SQL"}}
		}
		status := func(s basetest.Scenario, status int) basetest.Scenario { s.Status = status; return s }
		basetest.RunScenarios(t, api.Handler(accounttest.Authenticate), []basetest.Scenario{
			{Name: "without a token", Method: "POST", Path: path, Body: to(w.done, ""), Status: 401},
			{Name: "as a stranger", Method: "POST", Path: path, Header: as(t, w.stranger, nil), Body: to(w.done, ""), Status: 404, HasNot: []string{w.p.ID}},
			{Name: "as a viewer", Method: "POST", Path: path, Header: as(t, w.viewer, nil), Body: to(w.done, ""), Status: 403},
			bad("no status", `{}`, "statusId"),
			bad("status is null", `{"statusId":null}`, "statusId"),
			bad("status is no id", to("done", ""), "body.statusId"),
			bad("unknown status", to(uuid.NewString(), ""), "body.statusId"),
			bad("another's status", to(w.elsewhere, ""), "body.statusId"),
			bad("unknown neighbour", to(w.done, `,"after":"`+uuid.NewString()+`"`), "body.after"),
			bad("another's neighbour", to(w.done, `,"before":"`+w.foreign.Key+`"`), "body.before"),
			bad("neighbour of a wrong type", to(w.done, `,"before":7`), "body.before"),
			bad("empty neighbour", to(w.done, `,"after":""`), "body.after"),
			bad("long neighbour", to(w.done, `,"after":"`+strings.Repeat("x", 41)+`"`), "body.after"),
			bad("version of a wrong type", to(w.done, `,"version":"1"`), "body.version"),
			bad("unknown field", to(w.done, `,"rank":"a0"`), "rank"),
			status(bad("not JSON", `{"statusId":`, ""), 400),
			{Name: "stale", Method: "POST", Path: path, Header: member, Body: to(w.done, `,"version":7`), Status: 409, Has: []string{`"current":{`, `"version":1`}},
			{Name: "move", Method: "POST", Path: path, Header: resend, Body: below, Status: 200, Has: []string{`"key":"` + w.cards["A"].Key, `"statusId":"` + w.done, `"version":2`, `"description":""`}},
			{Name: "move sent again", Method: "POST", Path: path, Header: resend, Body: below, Status: 200, Has: []string{`"version":2`}},
			{Name: "unknown issue", Method: "POST", Path: "/api/issues/MESOS-99/move", Header: member, Body: to(w.done, ""), Status: 404, Has: []string{"no such issue"}},
			{Name: "no key", Method: "POST", Path: "/api/issues/" + w.cards["A"].ID + "/move", Header: member, Body: to(w.done, ""), Status: 404, Has: []string{"no such issue"}},
		})
		if got := columns(t, w); got != "B C D||X A Y" {
			t.Error(got)
		}
	})
}
