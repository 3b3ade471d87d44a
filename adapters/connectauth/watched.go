package connectauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/procedures"
	"github.com/rsguard/rsguard/validator"
)

// serveWatched serves an accepted request whose context ends with its token. A
// handler of a stream that waits for a message doesn't see its context. So the
// reading of the body fails too, with the error of a rejection, which handlers
// return.
func serveWatched(e *procedures.Entry, next http.Handler, w http.ResponseWriter, r *http.Request) {
	b := &watchedBody{ReadCloser: r.Body, ctx: r.Context(), waits: http.NewResponseController(w)}
	b.rejection = sync.OnceValue(func() error {
		var ended *validator.Error
		errors.As(context.Cause(b.ctx), &ended)
		h := make(http.Header)
		if _, refusal := e.Guard.Reject(h, r, ended); refusal != nil {
			return errorOf(r, h, refusal)
		}
		return nil
	})
	stop := context.AfterFunc(b.ctx, b.wake)
	defer b.leave(stop)
	r.Body = b
	next.ServeHTTP(w, r)
	_ = b.over() // so that the end of a handler that doesn't read is observed too
}

// A watchedBody fails when the context of its request has ended because of its
// token.
type watchedBody struct {
	io.ReadCloser
	ctx       context.Context //nolint:containedctx // it is the request's
	rejection func() error    // called once, after the end
	waits     *http.ResponseController

	mu   sync.Mutex
	left bool // the handler has returned, and the controller must not be used
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if rejected := b.over(); rejected != nil {
		return 0, rejected
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if rejected := b.over(); rejected != nil {
			return n, rejected
		}
	}
	return n, err
}

// over returns the error of the rejection if the token has ended.
func (b *watchedBody) over() error {
	if !b.ended() {
		return nil
	}
	return b.rejection()
}

// ended reports whether the token has ended, and not because the client has
// gone.
func (b *watchedBody) ended() bool {
	var ended *validator.Error
	return b.ctx.Err() != nil && errors.As(context.Cause(b.ctx), &ended)
}

// wake ends a Read that waits.
func (b *watchedBody) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.left && b.ended() {
		_ = b.waits.SetReadDeadline(past) // otherwise the next message ends it
	}
}

func (b *watchedBody) leave(stop func() bool) {
	stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = true
}

var past = time.Unix(1, 0)
