package live

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzip"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/web"
)

// Access returns who is behind a request, and the scopes that the user may follow.
// Unauthorized: nobody has signed in, or the session has ended.
type Access func(ctx context.Context) (Who, []string, error)

var (
	errNoScope    = errs.New(errs.NotFound, "no such scope")
	errBeginAnew  = errs.New(errs.Conflict, "the scope has not come so far: begin anew with a snapshot")
	errOtherEpoch = errs.New(errs.Conflict, "the log has begun another epoch: begin anew with a snapshot")
)

type syncInput struct {
	Scope          string           `path:"scope" maxLength:"80" doc:"user:<id>, project:<id> or org"`
	Since          web.Param[int64] `query:"since" minimum:"0" doc:"the last seq that the client has; without it the answer is a snapshot"`
	Epoch          string           `query:"epoch" maxLength:"64" doc:"the epoch that the seq belongs to"`
	After          string           `query:"after" maxLength:"4096" doc:"the next of a page; then since is the first page's seq"`
	IfNoneMatch    string           `header:"If-None-Match"`
	AcceptEncoding string           `header:"Accept-Encoding"`
}

type syncOutput struct {
	Status   int
	Type     string `header:"Content-Type"`
	ETag     string `header:"ETag"`
	Cache    string `header:"Cache-Control"`
	Vary     string `header:"Vary"`
	Encoding string `header:"Content-Encoding"`
	Body     []byte
}

// Delta is a part of a scope's log.
type Delta struct {
	Scope   string  `json:"scope"`
	Epoch   string  `json:"epoch"`
	Entries []Entry `json:"entries" nullable:"false"`
	More    bool    `json:"more" doc:"ask again from the last seq"`
}

// Routes registers snapshot, delta and stream.
func (l *Log) Routes(api *web.API, access Access) {
	op := web.Signed(web.Op("live.sync", "GET /api/sync/{scope}", http.StatusOK))
	op.Summary = "A scope's rows, or with since what has changed after that seq, or with after more of the rows"
	web.Answers(api, &op, "a snapshot without since, a delta with it, a page of a snapshot with after", Snapshot{}, Delta{})
	web.Handle(api, op, func(ctx context.Context, in *syncInput) (*syncOutput, error) { return l.sync(ctx, access, in) })
	api.Stream("live.stream", "GET /api/live", func(w http.ResponseWriter, r *http.Request) {
		if err := l.stream(w, r, access); err != nil {
			web.WriteError(w, r, err)
		}
	})
}

func (l *Log) sync(ctx context.Context, access Access, in *syncInput) (*syncOutput, error) {
	_, scopes, err := access(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(scopes, in.Scope) {
		return nil, errNoScope
	}
	epoch, err := l.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case in.After != "":
		return l.fillPage(ctx, epoch, in)
	case in.Since.Sent:
		return l.delta(ctx, epoch, in)
	}
	head, err := l.Head(ctx, in.Scope)
	if err != nil {
		return nil, err
	}
	tag := etag(epoch, head)
	out := &syncOutput{Status: http.StatusNotModified, ETag: tag, Cache: "private, no-cache", Vary: "Authorization, Accept-Encoding"}
	if web.Matches(in.IfNoneMatch, tag) {
		return out, nil
	}
	p, err := l.packed(ctx, in.Scope, epoch, head, func() (*Snapshot, error) { return l.Snapshot(ctx, in.Scope) })
	if err != nil {
		return nil, err
	}
	out.ETag = etag(p.epoch, p.seq)
	return out, out.unpack(p, web.Encoding(in.AcceptEncoding, "gzip"))
}

// unpack makes p the answer, in the encoding, which is gzip or none.
func (out *syncOutput) unpack(p *packed, encoding string) error {
	out.Status, out.Type = http.StatusOK, "application/json"
	if out.Body, out.Encoding = p.data, encoding; encoding != "" {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(p.data))
	if err != nil {
		return err
	}
	out.Body, err = io.ReadAll(r)
	return err
}

func (l *Log) delta(ctx context.Context, epoch string, in *syncInput) (*syncOutput, error) {
	if in.Epoch != "" && in.Epoch != epoch {
		return nil, errOtherEpoch
	}
	d, err := l.since(ctx, in.Scope, in.Since.Value)
	if err != nil {
		return nil, err
	}
	d.Epoch = epoch
	out := &syncOutput{Status: http.StatusOK, Type: "application/json", Cache: "no-store"}
	out.Body, err = appendDelta(make([]byte, 0, d.size()), d)
	return out, err
}
