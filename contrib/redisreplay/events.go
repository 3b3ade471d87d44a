package redisreplay

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/observe"
)

func newTeller(cfg *Config) *observing.Teller {
	return &observing.Teller{Observe: cfg.Observe, Now: cfg.Now, Part: observe.Replays, Name: cfg.Prefix}
}

// addressOf returns the address of a client that has one, and otherwise "".
func addressOf(client any) string {
	if c, ok := client.(*redis.Client); ok {
		return c.Options().Addr
	}
	return ""
}

// The states that Config.Observe is told of.
var unknown, up, down = "", "UP", "DOWN"

// tellEnd tells how a command has ended. That a request is gone says nothing of
// Redis.
func (s *Store) tellEnd(ctx context.Context, request *observing.Request, err error) {
	if !request.On() {
		return
	}
	outcome := outcomeOf(ctx, err)
	request.End(ctx, outcome, 0, 0)
	is := &up
	switch outcome {
	case observe.Canceled:
		return
	case observe.OK:
	default:
		is = &down
	}
	if was := s.state.Swap(is); was != is {
		s.teller.Tell(ctx, observe.Event{Kind: observe.StateChanged, State: *is, Was: *was, Failing: is == &down})
	}
}

func outcomeOf(ctx context.Context, err error) observe.Outcome {
	var timeout net.Error
	var reply redis.Error
	switch {
	case err == nil:
		return observe.OK
	case ctx.Err() != nil:
		return observe.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return observe.Timeout
	case errors.Is(err, errEnded), errors.As(err, &reply):
		return observe.Failed
	}
	return observe.Unreachable
}
