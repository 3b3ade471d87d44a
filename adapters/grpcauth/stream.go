package grpcauth

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// A stream is one with the claims in its context.
type stream struct {
	grpc.ServerStream
	ctx   context.Context //nolint:containedctx // it is what Context returns
	alive func() error    // nil if the stream may outlive its token
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendMsg(m any) error {
	if s.alive != nil {
		if err := s.alive(); err != nil {
			return err
		}
	}
	return s.ServerStream.SendMsg(m)
}

func (s *stream) RecvMsg(m any) error {
	if s.alive != nil {
		if err := s.alive(); err != nil {
			return err
		}
	}
	return s.ServerStream.RecvMsg(m)
}

// errExpired is a rejection like that of an expired token.
var errExpired = rejection(codes.Unauthenticated, http.StatusUnauthorized, "invalid_token")

// runUntil calls run and returns its error, or errExpired at the time end. Run
// is then left to end by itself: its context is done, and the stream fails
// because the interceptor has returned.
func runUntil(ctx context.Context, end time.Time, run func(ctx context.Context, alive func() error) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := func() error {
		if !time.Now().Round(0).Before(end) {
			return errExpired
		}
		return nil
	}
	type result struct {
		err   error
		panic any
		fell  bool // run has not returned
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
		r.err = run(ctx, alive)
		r.fell = false
	}()
	timer := time.NewTimer(time.Until(end.Round(0)))
	defer timer.Stop()
	for {
		select {
		case r := <-done:
			if r.fell {
				panic(r.panic) // as if run had been called here
			}
			return r.err
		case <-timer.C:
			if alive() == nil { // the clock was set back
				timer.Reset(max(time.Until(end.Round(0)), time.Millisecond))
				continue
			}
			cancel(errExpired)
			return errExpired
		}
	}
}
