package grpcauth

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
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
	end    time.Time
	expire func() error // called once, after end; nil lets the stream go on

	mu      sync.Mutex
	expired bool
	err     error // of expire
}

// over returns an error if the term has ended.
func (t *term) over() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.expired && !time.Now().Round(0).Before(t.end) {
		t.expired, t.err = true, errInternal // if expire panics
		t.err = t.expire()
	}
	return t.err
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
func (t *term) run(ctx context.Context, handle func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
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
	timer := time.NewTimer(time.Until(t.end.Round(0)))
	defer timer.Stop()
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
		case <-timer.C:
			if err := t.over(); err != nil {
				cancel(err)
				return err
			}
			if expired, _ := t.state(); !expired { // the clock was set back
				timer.Reset(max(time.Until(t.end.Round(0)), time.Millisecond))
			}
		}
	}
}
