package live

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
)

// heartbeat keeps proxies from ending a quiet stream, and is how long a client may
// take to accept a message.
const heartbeat = 25 * time.Second

// stream is one browser's server-sent events, over all its scopes:
//
//	heads    {"epoch", "scopes": {scope: seq}}  where the scopes are; the client asks deltas
//	change   an Entry; in place of a big one come heads
//	purge    {"scope"}  the user may not follow it any more: forget it
//	resync   {}  the client was too slow: connect again
//	expired  {}  the access token is over: refresh it and connect again
type stream struct {
	log      *Log
	w        http.ResponseWriter
	access   Access
	follower *follower
	scopes   []string // that are followed now
}

var errDropped = errs.New(errs.Unavailable, "the stream was dropped: connect again")

type headsData struct {
	Epoch  string           `json:"epoch"`
	Scopes map[string]int64 `json:"scopes"`
}

type purgeData struct {
	Scope string `json:"scope"`
}

// stream answers GET /api/live. It subscribes first and then says where the scopes
// are, so that nothing is lost in between.
func (l *Log) stream(w http.ResponseWriter, r *http.Request, access Access) error {
	ctx := r.Context()
	who, scopes, err := access(ctx)
	if err != nil {
		return err
	}
	s := &stream{log: l, w: w, access: access, follower: newFollower(who)}
	defer l.hub.unfollow(s.follower)
	first, err := s.gain(ctx, scopes)
	if err != nil {
		return err
	}
	// A session that ended before it was followed has ended no stream: ask again.
	if _, _, err := access(ctx); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil // it asks for no more, and would wait for the end
	}
	l.hub.meter.streams.Inc()
	defer l.hub.meter.streams.Dec()
	if s.write(first) == nil {
		s.run(ctx)
	}
	return nil
}

// run delivers until either side ends.
func (s *stream) run(ctx context.Context) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	expiry := time.NewTimer(time.Until(s.follower.who.Expires))
	defer expiry.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.log.hub.ended:
			return
		case <-s.follower.quit:
			return
		case <-expiry.C:
			_ = s.write(event("expired", []byte("{}")))
			return
		case <-beat.C:
			err = s.write([]byte(":\n\n"))
		case m, ok := <-s.follower.messages:
			if !ok {
				_ = s.write(event("resync", []byte("{}")))
				return
			}
			err = s.deliver(ctx, m)
		}
		if errors.Is(err, errDropped) {
			_ = s.write(event("resync", []byte("{}")))
		}
		if err != nil {
			return
		}
	}
}

// deliver sends a message, unless its scope was lost while it waited.
func (s *stream) deliver(ctx context.Context, m message) error {
	switch {
	case m.data == nil:
		return s.regrant(ctx)
	case !slices.Contains(s.scopes, m.scope):
		return nil
	}
	return s.write(m.data)
}

// regrant looks again at what the user may follow, and tells the client what it has
// lost and gained.
func (s *stream) regrant(ctx context.Context) error {
	_, allowed, err := s.access(ctx)
	if err != nil {
		return err
	}
	for _, scope := range slices.Clone(s.scopes) {
		if !slices.Contains(allowed, scope) {
			if err := s.lose(scope); err != nil {
				return err
			}
		}
	}
	gained := slices.DeleteFunc(slices.Clone(allowed), func(scope string) bool { return slices.Contains(s.scopes, scope) })
	if len(gained) == 0 {
		return nil
	}
	text, err := s.gain(ctx, gained)
	if err != nil {
		return err
	}
	return s.write(text)
}

func (s *stream) lose(scope string) error {
	s.log.hub.unfollow(s.follower, scope)
	s.scopes = slices.DeleteFunc(s.scopes, func(have string) bool { return have == scope })
	data, err := json.Marshal(purgeData{scope})
	if err != nil {
		return err
	}
	return s.write(event("purge", data))
}

// gain follows more scopes and returns the event that says where they are.
func (s *stream) gain(ctx context.Context, scopes []string) ([]byte, error) {
	if !s.log.hub.follow(s.follower, scopes) {
		return nil, errDropped
	}
	s.scopes = append(s.scopes, scopes...)
	heads, err := s.log.heads(ctx, scopes)
	if err != nil {
		return nil, err
	}
	s.log.hub.begin(heads)
	epoch, err := s.log.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(headsData{epoch, heads})
	return event("heads", data), err
}

// event is the wire form of a server-sent event; data is one line.
func event(name string, data []byte) []byte {
	text := make([]byte, 0, len(name)+len(data)+len("event: \ndata: \n\n"))
	text = append(text, "event: "+name+"\ndata: "...)
	text = append(text, data...)
	return append(text, "\n\n"...)
}

// write gives the client one heartbeat's time to take the text.
func (s *stream) write(text []byte) error {
	control := http.NewResponseController(s.w)
	if err := control.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil {
		return errs.From(err, errs.Unavailable, "cannot stream")
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return control.Flush()
}
