package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// How long one batch may take, and how often it is sent again to a collector that asks for it.
const (
	sendPatience = 10 * time.Second
	sendTries    = 4
	firstPause   = 200 * time.Millisecond // then doubled
)

// client sends batches by OTLP over HTTP, in protobuf.
type client struct {
	to     Collector
	http   *http.Client
	logger *slog.Logger
	silent bool // the collector does not take them, and that was said

	ctx    context.Context //nolint:containedctx // of all that it does; giveUp ends it
	giveUp context.CancelFunc
}

func newClient(to Collector, logger *slog.Logger) *client {
	c := &client{to: to, http: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}, logger: logger} //nolint:forcetypeassert // net/http's own
	c.ctx, c.giveUp = context.WithCancel(context.Background())
	return c
}

// upload sends a batch. When it cannot, the batch is lost, and the log says so once until
// one was sent again.
func (c *client) upload(data *tracepb.TracesData) {
	ctx, cancel := context.WithTimeout(c.ctx, sendPatience)
	defer cancel()
	// The message of a request, ExportTraceServiceRequest, is the same on the wire; its
	// package brings gRPC.
	body, err := proto.Marshal(data)
	if err == nil {
		err = c.send(ctx, body)
	}
	if err != nil && !c.silent {
		c.logger.WarnContext(ctx, "the collector does not take traces; they are lost until it does", "error", err.Error())
	}
	c.silent = err != nil
}

func (c *client) send(ctx context.Context, body []byte) error {
	for try, pause := 1, firstPause; ; try, pause = try+1, 2*pause {
		after, err := c.once(ctx, body)
		if err == nil || after < 0 || try == sendTries {
			return err
		}
		select {
		case <-time.After(max(after, pause)):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// once also tells how long to wait before another try, below 0 for not at all.
func (c *client) once(ctx context.Context, body []byte) (after time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to.Address, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "peisear")
	for name, value := range c.to.Headers {
		r.Header.Set(name, value)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()                                      //nolint:errcheck // read only
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection is used again
	switch answer.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return time.Duration(seconds) * time.Second, fmt.Errorf("status %d", answer.StatusCode)
	}
	return -1, fmt.Errorf("status %d", answer.StatusCode)
}
