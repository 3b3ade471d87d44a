package redisreplay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisreplay"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/testutil"
)

func TestStore(t *testing.T) {
	t.Parallel()

	store := newStore(t, redisserver.Address(t))
	later := time.Now().Add(time.Minute)
	for _, step := range []struct {
		name    string
		key     string
		expires time.Time
		want    bool
	}{
		{"a new key", "a", later, true},
		{"the same", "a", later, false},
		{"the same, to expire later", "a", later.Add(time.Hour), false},
		{"another", "b", later, true},
		{"one that has expired already", "c", time.Now().Add(-time.Second), false},
		{"and wasn't kept", "c", later, true},
	} {
		got, err := store.Add(t.Context(), step.key, step.expires)
		if got != step.want || err != nil {
			t.Errorf("Add(%q), %s = %t, %v, want %t, nil", step.key, step.name, got, err, step.want)
		}
	}
}

func TestStore_contract(t *testing.T) {
	t.Parallel()
	testutil.TestReplayStore(t, newStore(t, redisserver.Address(t)))
}

// What a key is stored as, by one command in one round trip.
func TestStore_command(t *testing.T) {
	t.Parallel()

	addr := redisserver.Address(t)
	client := newClient(t, addr)
	if err := client.Ping(t.Context()).Err(); err != nil { // so that the connection is there, and its greeting said
		t.Fatal(err)
	}
	var commands []string
	client.AddHook(hook(func(cmd redis.Cmder) { commands = append(commands, fmt.Sprint(cmd.Args()...)) }))
	now := time.Unix(1_700_000_000, 0)
	p := prefix(t)
	store, err := redisreplay.New(redisreplay.Config{Client: client, Prefix: p, Timeout: 5 * time.Second, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := store.Add(t.Context(), "key", now.Add(90*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if len(commands) != 2 {
		t.Errorf("two calls of Add sent %q, want two commands", commands)
	}
	if want := fmt.Sprint("set", p+"key", "", "nx", "px", int64(150_001)); commands[0] != want {
		t.Errorf("Add() sent %q, want %q", commands[0], want)
	}
	ttl, err := client.PTTL(t.Context(), p+"key").Result()
	if err != nil || ttl <= 0 || ttl > 150_001*time.Millisecond {
		t.Errorf("the key lives for %v, %v, want up to 150.001 s: 90 s and ClockSkew", ttl, err)
	}
}

// Redis goes by its own clock. What it may have forgotten, when the clock of
// the server is set back, is not new.
func TestStore_clockSetBack(t *testing.T) {
	t.Parallel()

	t0 := time.Unix(1_700_000_000, 0)
	now := t0
	forgetful := clientFunc(func(context.Context, redis.Cmder) error { return nil }) // every key is new to it
	store, err := redisreplay.New(redisreplay.Config{Client: forgetful, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		at      time.Duration
		expires time.Duration
		ok      bool
	}{
		{"a key", 0, 90 * time.Second, true},
		{"back by ClockSkew, for which the key is kept", -time.Minute, 90 * time.Second, true},
		{"a key that expires later", 0, 100 * time.Second, true},
		{"back by more, a key that may have been there", -time.Minute - 1, 100 * time.Second, false},
		{"back by more, a key that is later than any", -time.Minute - 1, 101 * time.Second, true},
		{"back by hours, a key that may have been there", -3 * time.Hour, -3*time.Hour + 90*time.Second, false},
		{"where it was, a key that may have been there", 0, 100 * time.Second, false},
		{"where it was, a key that is later than any", 12 * time.Second, 102 * time.Second, true},
		{"later", time.Hour, time.Hour + 90*time.Second, true},
	} {
		now = t0.Add(step.at)
		isNew, err := store.Add(t.Context(), step.name, t0.Add(step.expires))
		if isNew != step.ok || (err == nil) != step.ok {
			t.Errorf("Add(%s) = %t, %v, want ok = %t", step.name, isNew, err, step.ok)
		}
	}
}

// The clock may be read by many at the same time, in any order.
func TestStore_clockIsReadByMany(t *testing.T) {
	t.Parallel()

	var clock atomic.Int64
	clock.Store(1_700_000_000e9)
	store, err := redisreplay.New(redisreplay.Config{
		Client:    clientFunc(func(context.Context, redis.Cmder) error { return nil }),
		ClockSkew: -1,
		Now:       func() time.Time { return time.Unix(0, clock.Add(1)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				expires := time.Unix(0, clock.Load()).Add(time.Minute)
				if isNew, err := store.Add(t.Context(), "key", expires); !isNew || err != nil {
					t.Errorf("Add() = %t, %v, want true, nil: the clock was never set back", isNew, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

type clientFunc func(context.Context, redis.Cmder) error

func (f clientFunc) Process(ctx context.Context, cmd redis.Cmder) error { return f(ctx, cmd) }

type hook func(redis.Cmder)

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h(cmd)
		return next(ctx, cmd)
	}
}
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Of many that add one key at the same time through many connections, one gets
// true.
func TestStore_atomic(t *testing.T) {
	t.Parallel()

	store := newStore(t, redisserver.Address(t))
	for round := range 20 {
		var added atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				isNew, err := store.Add(t.Context(), strconv.Itoa(round), time.Now().Add(time.Minute))
				if err != nil {
					t.Errorf("Add() error = %v", err)
				}
				if isNew {
					added.Add(1)
				}
			})
		}
		wg.Wait()
		if got := added.Load(); got != 1 {
			t.Errorf("round %d: %d of 16 calls of Add were told that the key is new, want 1", round, got)
		}
	}
}

// A cluster of one node has all that matters: slots, and a client that asks
// where they are.
func TestStore_cluster(t *testing.T) {
	t.Parallel()

	s := redisserver.New(t, "--cluster-enabled", "yes")
	node := newClient(t, s.Addr())
	if err := node.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		info, err := node.ClusterInfo(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			break
		}
		node.Wait(t.Context(), 1, 100*time.Millisecond) // on the server's side, for a replica that doesn't exist
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}, ContextTimeoutEnabled: true, MaxRedirects: 3})
	defer client.Close()
	store, err := redisreplay.New(redisreplay.Config{Client: client, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	testutil.TestReplayStore(t, store)
}

// An entry leaves when it expires, by Redis's own clock.
func TestStore_expiry(t *testing.T) {
	t.Parallel()

	addr := redisserver.Address(t)
	client := newClient(t, addr)
	p := prefix(t)
	store, err := redisreplay.New(redisreplay.Config{Client: client, Prefix: p, Timeout: 5 * time.Second, ClockSkew: -1})
	if err != nil {
		t.Fatal(err)
	}
	if isNew, err := store.Add(t.Context(), "key", time.Now().Add(50*time.Millisecond)); !isNew || err != nil {
		t.Fatalf("Add() = %t, %v", isNew, err)
	}
	// BLPOP waits on the server's side for a key that is never written.
	if err := client.BLPop(t.Context(), time.Second, p+"nothing").Err(); !errors.Is(err, redis.Nil) {
		t.Fatalf("BLPop() error = %v, want redis.Nil after a second", err)
	}
	if n := keys(t.Context(), t, client, p); n != 0 {
		t.Errorf("%d keys are left after they have expired, want none", n)
	}
}

func TestStore_unavailable(t *testing.T) {
	t.Parallel()

	s := redisserver.New(t)
	store, err := redisreplay.New(redisreplay.Config{Client: newClient(t, s.Addr()), Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	add := func(ctx context.Context, key string) (bool, error) {
		return store.Add(ctx, key, time.Now().Add(time.Minute))
	}
	if isNew, err := add(t.Context(), "1"); !isNew || err != nil {
		t.Fatalf("Add() = %t, %v", isNew, err)
	}

	s.Freeze()
	start := time.Now()
	if isNew, err := add(t.Context(), "2"); isNew || !isTimeout(err) {
		t.Errorf("Add() while Redis doesn't answer = %t, %v, want false and a timeout", isNew, err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Add() while Redis doesn't answer took %v, want about its Timeout, 200ms", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if isNew, err := add(ctx, "3"); isNew || err == nil {
		t.Errorf("Add() with a context that is done = %t, %v, want false and an error", isNew, err)
	}
	s.Resume()
	if isNew, err := add(t.Context(), "4"); !isNew || err != nil {
		t.Errorf("Add() when Redis answers again = %t, %v, want true, nil", isNew, err)
	}

	s.Kill()
	if isNew, err := add(t.Context(), "5"); isNew || err == nil {
		t.Errorf("Add() without Redis = %t, %v, want false and an error", isNew, err)
	}
	s.Restart()
	if isNew, err := add(t.Context(), "5"); !isNew || err != nil {
		t.Errorf("Add() with a new Redis = %t, %v, want true, nil", isNew, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// An error of Redis is an error, not an answer.
func TestStore_refused(t *testing.T) {
	t.Parallel()

	s := redisserver.New(t)
	client := newClient(t, s.Addr())
	for _, setting := range [][2]string{{"maxmemory-policy", "noeviction"}, {"maxmemory", "1"}} {
		if err := client.ConfigSet(t.Context(), setting[0], setting[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if isNew, err := newStore(t, s.Addr()).Add(t.Context(), "key", time.Now().Add(time.Minute)); isNew || err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Add() to a Redis that is full = %t, %v, want false and its error", isNew, err)
	}
}

func TestNew_wrong(t *testing.T) {
	t.Parallel()

	deaf := options("127.0.0.1:1")
	deaf.ContextTimeoutEnabled = false
	client := newClient(t, "127.0.0.1:1")
	for _, tt := range []struct {
		name string
		cfg  redisreplay.Config
		want []string // nothing: it is right
	}{
		{"a client", redisreplay.Config{Client: client}, nil},
		{"a cluster", redisreplay.Config{Client: redis.NewClusterClient(&redis.ClusterOptions{ContextTimeoutEnabled: true})}, nil},
		{"the longest timeout", redisreplay.Config{Client: client, Timeout: 10 * time.Second}, nil},
		{"nothing", redisreplay.Config{}, []string{"Client is nil"}},
		{"a nil client", redisreplay.Config{Client: (*redis.Client)(nil)}, []string{"Client is nil"}},
		{"a client without deadlines", redisreplay.Config{Client: redis.NewClient(deaf)}, []string{"ContextTimeoutEnabled"}},
		{"a cluster without deadlines", redisreplay.Config{Client: redis.NewClusterClient(&redis.ClusterOptions{})}, []string{"ContextTimeoutEnabled"}},
		{"a ring without deadlines", redisreplay.Config{Client: redis.NewRing(&redis.RingOptions{})}, []string{"ContextTimeoutEnabled"}},
		{"all at once", redisreplay.Config{Timeout: time.Minute}, []string{"Client is nil", "Timeout is 1m0s"}},
		{"a negative timeout", redisreplay.Config{Client: client, Timeout: -1}, []string{"Timeout is -1ns"}},
	} {
		_, err := redisreplay.New(tt.cfg)
		if (err == nil) != (tt.want == nil) {
			t.Errorf("New(%s) error = %v, want one: %t", tt.name, err, tt.want != nil)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("New(%s) error = %v, want %q in it", tt.name, err, want)
			}
		}
	}
}

func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", ContextTimeoutEnabled: true, MaxRetries: -1})
	replays, err := redisreplay.New(redisreplay.Config{Client: client, Prefix: "orders:dpop:"})
	if err != nil {
		panic(err)
	}
	_, err = dpop.New(dpop.Config{Replays: replays})
	fmt.Println(err)
	// Output: <nil>
}
