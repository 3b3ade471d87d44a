package redisreplay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisreplay"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/observe"
)

func TestConfig_Observe(t *testing.T) {
	t.Parallel()
	server := redisserver.New(t)
	var seen []string
	cfg := redisreplay.Config{
		// Longer than a busy machine stands still.
		Client: newClient(t, server.Addr()), Prefix: "orders:", Timeout: 10 * time.Second,
		Observe: func(_ context.Context, e observe.Event) {
			if e.Part != observe.Replays || e.Name != "orders:" || e.Time.IsZero() ||
				e.Kind != observe.StateChanged && (e.Request != observe.AddProof || e.Host != server.Addr()) {
				t.Errorf("event = %v at %v", e, e.Time)
			}
			switch e.Kind {
			case observe.RequestBegan:
				seen = append(seen, "begin")
			case observe.RequestEnded:
				seen = append(seen, string(e.Outcome))
			default:
				seen = append(seen, fmt.Sprintf("%s→%s failing=%t", e.Was, e.State, e.Failing))
			}
		},
	}
	store, err := redisreplay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	step := func(name, want string) {
		t.Helper()
		if got := strings.Join(seen, ", "); got != want {
			t.Errorf("%s: events = %q, want %q", name, got, want)
		}
		seen = nil
	}
	later := time.Now().Add(time.Minute)
	add := func(ctx context.Context, key string) { _, _ = store.Add(ctx, key, later) }

	add(t.Context(), "1")
	step("a new key", "begin, ok, →UP failing=false")
	add(t.Context(), "1")
	step("the same", "begin, ok")
	if _, err := store.Add(t.Context(), "old", time.Now().Add(-time.Second)); err != nil {
		t.Error(err)
	}
	step("one that has expired, without a command", "")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	add(gone, "2")
	step("a request that is gone", "begin, canceled")

	if err := newClient(t, server.Addr()).ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	add(t.Context(), "3")
	step("a Redis that is full", "begin, failed, UP→DOWN failing=true")
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("Ping() = %v, want nil", err)
	}

	server.Kill()
	add(t.Context(), "4")
	step("no Redis", "begin, unreachable")
	if err := store.Ping(t.Context()); err == nil {
		t.Error("Ping() without Redis = nil, want an error")
	}
	server.Restart()
	add(t.Context(), "5")
	step("a new Redis", "begin, ok, DOWN→UP failing=false")

	cfg.Timeout = time.Second
	if store, err = redisreplay.New(cfg); err != nil {
		t.Fatal(err)
	}
	server.Freeze()
	defer server.Resume()
	add(t.Context(), "6")
	step("a Redis that hangs", "begin, timeout, →DOWN failing=true")
	if err := store.Ping(t.Context()); err == nil || !isTimeout(err) {
		t.Errorf("Ping() to a Redis that hangs = %v, want a timeout", err)
	}
}

// processor answers without a server.
type processor struct{}

func (processor) Process(context.Context, redis.Cmder) error { return nil }

// Without Observe, Add allocates less than with it, and no more than the client
// needs.
func TestConfig_Observe_nil(t *testing.T) {
	var costs [2]float64
	for i, observed := range []func(context.Context, observe.Event){nil, func(context.Context, observe.Event) {}} {
		store, err := redisreplay.New(redisreplay.Config{Client: processor{}, Observe: observed})
		if err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Minute)
		costs[i] = testing.AllocsPerRun(100, func() { _, _ = store.Add(t.Context(), "key", later) })
	}
	if costs[0] > 12 || costs[0] >= costs[1] {
		t.Errorf("allocations of Add() = %v without Observe, %v with it", costs[0], costs[1])
	}
}

// A panic in Observe changes no answer.
func TestConfig_Observe_panic(t *testing.T) {
	t.Parallel()
	store, err := redisreplay.New(redisreplay.Config{
		Client: processor{}, Observe: func(context.Context, observe.Event) { panic("Observe") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if isNew, err := store.Add(t.Context(), "key", time.Now().Add(time.Minute)); !isNew || err != nil {
		t.Errorf("Add() with an Observe that panics = %t, %v, want true, nil", isNew, err)
	}
}

func TestStore_Ping_zero(t *testing.T) {
	t.Parallel()
	if err := new(redisreplay.Store).Ping(t.Context()); err == nil {
		t.Error("Ping() of a zero Store = nil, want an error")
	}
}
