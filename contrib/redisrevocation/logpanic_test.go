package redisrevocation_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/contrib/redisrevocation"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/revocation"
)

type panickingLog struct{ slog.Handler }

func (panickingLog) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingLog) Handle(context.Context, slog.Record) error { panic("a fault of the handler") }

// A log that panics, and an Observe that does, do not end the goroutine in which
// a Feed runs, and with it the program.
func TestFeed_logPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &still{members: []any{"not a rule", "4000000000"}} // which is logged
		told := 0
		feed, err := redisrevocation.New(redisrevocation.Config{
			Client: s, Logger: slog.New(panickingLog{}),
			Observe: func(_ context.Context, e observe.Event) {
				if e.Kind == observe.StateChanged {
					told++
				}
				panic("Observe")
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := revocation.New(revocation.Config{Feed: feed})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- feed.Run(ctx, list) }()
		for _, down := range []bool{false, true, false} {
			s.down.Store(down)
			time.Sleep(2 * redisrevocation.DefaultMaxLag)
			if got := feed.Status().Late; got != down {
				t.Errorf("Redis is down: %t: Status().Late = %t", down, got)
			}
		}
		cancel()
		if err := <-ended; err == nil || told < 2 {
			t.Errorf("Run() = %v and %d changes of state were told, want the context's error and 2", err, told)
		}
	})
}
