package grpcauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/rsguard/rsguard/validator"
)

// A stream is one with the claims in its context.
type stream struct {
	grpc.ServerStream
	ctx  context.Context //nolint:containedctx // it is what Context returns
	term *term           // nil if the stream may outlive its token
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendMsg(m any) error {
	if err := s.term.over(); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}

func (s *stream) RecvMsg(m any) error {
	if err := s.term.over(); err != nil {
		return err
	}
	return s.ServerStream.RecvMsg(m)
}

// A term is the time that a stream may last.
type term struct {
	claims  *validator.Claims     // or nil
	end     time.Time             // or zero
	now     func() time.Time      // the Validator's clock
	watched context.Context       //nolint:containedctx // it is done if the token was revoked
	reject  func(err error) error // called once, after the end; nil lets the stream go on

	mu      sync.Mutex
	expired bool
	err     error // of reject
}

type termKey struct{}

// isThatOf reports whether the stream of ctx has a term that ends for the same
// token at the same time.
func (t *term) isThatOf(ctx context.Context) bool {
	outer, ok := ctx.Value(termKey{}).(*term)
	return ok && t.claims != nil && outer.claims == t.claims && outer.end.Equal(t.end)
}

// left returns the time until the end, by the wall clock, since the monotonic
// one may stop while the machine sleeps.
func (t *term) left() time.Duration { return t.end.Round(0).Sub(t.now().Round(0)) }

// over returns an error if the term has ended.
func (t *term) over() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expired {
		return t.err
	}
	if err := t.ended(); err != nil {
		t.expired, t.err = true, errInternal // if reject panics
		t.err = t.reject(err)
	}
	return t.err
}

// ended returns why the term has ended, or nil if it has not.
func (t *term) ended() error {
	var why *validator.Error
	if t.watched.Err() != nil && errors.As(context.Cause(t.watched), &why) { // and not because the client has gone
		return why
	}
	if !t.end.IsZero() && t.left() <= 0 {
		return &validator.Error{Code: validator.CodeExpired, Err: fmt.Errorf("the token of the stream has expired: it was accepted until %s", t.end.UTC().Format(time.RFC3339))}
	}
	return nil
}

// state returns whether over has found that the term has ended, and its error.
func (t *term) state() (expired bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expired, t.err
}

// run calls handle and returns its error, or that of the term's end. Then
// handle is left to end by itself: its context is done, and the stream fails
// because the interceptor has returned.
func (t *term) run(handle func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(context.WithValue(t.watched, termKey{}, t))
	defer cancel(nil)
	type result struct {
		err   error
		panic any
		fell  bool // handle has not returned
	}
	done := make(chan result, 1)
	go func() {
		r := result{fell: true}
		defer func() {
			if r.fell {
				r.panic = recover()
			}
			done <- r
		}()
		r.err = handle(ctx)
		r.fell = false
	}()
	var expiry <-chan time.Time
	var timer *time.Timer
	if !t.end.IsZero() {
		timer = time.NewTimer(t.left())
		defer timer.Stop()
		expiry = timer.C
	}
	revoked := t.watched.Done()
	for {
		select {
		case r := <-done:
			if r.fell {
				panic(r.panic) // as if handle had been called here
			}
			if _, err := t.state(); err != nil {
				return err // the handler may have made another of it
			}
			return r.err
		case <-revoked:
			if err := t.over(); err != nil {
				cancel(err)
				return err
			}
			revoked = nil // the client has gone, and the handler is to notice
		case <-expiry:
			if err := t.over(); err != nil {
				cancel(err)
				return err
			}
			if expired, _ := t.state(); !expired { // the clock was set back
				timer.Reset(max(t.left(), time.Millisecond))
			}
		}
	}
}
