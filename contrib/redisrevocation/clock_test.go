package redisrevocation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisrevocation"
	"github.com/rsguard/rsguard/revocation"
)

// A still is a Redis in which nothing happens, until it is down.
type still struct {
	down    atomic.Bool
	members []any // of the set, each with its score
}

func (s *still) Process(_ context.Context, cmd redis.Cmder) error {
	if s.down.Load() {
		return errors.New("down")
	}
	if cmd, ok := cmd.(*redis.Cmd); ok {
		switch cmd.Args()[0] {
		case "eval":
			cmd.SetVal([]any{"mark:1", "1-0", int64(1)})
		case "zscan":
			cmd.SetVal([]any{"0", s.members})
		}
	}
	return nil
}

func (s *still) XRead(ctx context.Context, args *redis.XReadArgs) *redis.XStreamSliceCmd {
	cmd := redis.NewXStreamSliceCmd(ctx)
	if s.down.Load() {
		cmd.SetErr(errors.New("down"))
		return cmd
	}
	select {
	case <-time.After(args.Block):
		cmd.SetErr(redis.Nil)
	case <-ctx.Done():
		cmd.SetErr(ctx.Err())
	}
	return cmd
}

// A clock that steps doesn't hide that the feed is lost, and a feed that is not
// lost is late for no longer than until its next contact.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{0, -24 * time.Hour, -time.Minute, time.Minute, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var stepped atomic.Int64
			s := new(still)
			feed, err := redisrevocation.New(redisrevocation.Config{
				Client: s, RejectIfLate: true, Logger: slog.New(slog.DiscardHandler),
				// Round removes the monotonic reading, which has no steps.
				Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(stepped.Load())) },
			})
			if err != nil {
				t.Fatal(err)
			}
			list, err := revocation.New(revocation.Config{Feed: feed})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _ = feed.Run(ctx, list) }()
			time.Sleep(time.Minute)
			if err := feed.Current(); err != nil {
				t.Fatalf("Current() = %v, want none", err)
			}

			stepped.Store(int64(step))
			time.Sleep(3 * time.Second)
			if err := feed.Current(); err != nil {
				t.Errorf("a step of %v: Current() = %v after 3 seconds, want none", step, err)
			}

			s.down.Store(true)
			stepped.Store(0)
			time.Sleep(redisrevocation.DefaultMaxLag + time.Second)
			if err := feed.Current(); err == nil {
				t.Errorf("a step of %v while Redis is down: Current() = nil after %v, want an error", -step, redisrevocation.DefaultMaxLag+time.Second)
			}
			cancel()
			synctest.Wait()
		})
	}
}

// A rule with a member that is not known, such as one of a later version, may
// be for fewer tokens than it seems. It is skipped, and not half applied.
func TestUnknownMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(time.Hour).Unix()
		s := &still{members: []any{
			fmt.Sprintf(`{"iss":%q,"sid":"known","until":%d}`, issuer, until), "1",
			fmt.Sprintf(`{"iss":%q,"sid":"unknown","region":"eu","until":%d}`, issuer, until), "2",
		}}
		feed, err := redisrevocation.New(redisrevocation.Config{Client: s, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		list, err := revocation.New(revocation.Config{Feed: feed})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = feed.Run(ctx, list) }()
		time.Sleep(time.Minute)
		if got := list.Status().Rules; got != 1 {
			t.Errorf("Status().Rules = %d, want 1", got)
		}
		if got := feed.Status(); got.Skipped != 1 || got.Late {
			t.Errorf("Status() = %+v, want one skipped, and not late", got)
		}
		cancel()
		synctest.Wait()
	})
}
