package redistokens_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/contrib/redistokens"
	"github.com/rsguard/rsguard/internal/redisserver"
)

func newStore(tb testing.TB, addr string) (store *redistokens.Store, client *redis.Client, at string) {
	tb.Helper()
	client, at = newClient(tb, addr), prefix(tb)
	store, err := redistokens.New(redistokens.Config{Client: client, Prefix: at, Timeout: 5 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	return store, client, at
}

func TestStore(t *testing.T) {
	t.Parallel()
	s, client, at := newStore(t, redisserver.Address(t))
	ctx := t.Context()
	load := func(what, want string) {
		t.Helper()
		if got, err := s.Load(ctx, "n"); err != nil || string(got) != want {
			t.Errorf("%s: Load() = %.20q (%d bytes), %v, want %.20q", what, got, len(got), err, want)
		}
	}
	lease := func(what, holder string, d time.Duration, want bool) {
		t.Helper()
		if got, err := s.Lease(ctx, "n", holder, d); err != nil || got != want {
			t.Errorf("%s: Lease(%s) = %t, %v, want %t", what, holder, got, err, want)
		}
	}
	save := func(holder string, value []byte, life time.Duration) {
		t.Helper()
		if err := s.Save(ctx, "n", holder, value, life); err != nil {
			t.Errorf("Save(%s) error = %v", holder, err)
		}
	}

	load("nothing", "")
	lease("the first", "a", time.Minute, true)
	lease("another", "b", time.Minute, false)
	lease("the first again", "a", time.Minute, false)
	load("a lease alone", "")
	save("b", nil, 0)
	lease("a lease that another has given back", "b", time.Minute, false)
	save("b", []byte("1"), time.Minute)
	load("saved without the lease", "1")
	lease("saved without the lease", "b", time.Minute, false)
	save("a", []byte("2\x00\xff"), time.Minute)
	load("saved", "2\x00\xff")
	lease("given back", "b", time.Minute, true)
	save("b", nil, 0)
	load("given back without a value", "2\x00\xff")

	largest := bytes.Repeat([]byte("x"), clientauth.MaxStored)
	save("", largest, time.Minute)
	load("the largest", string(largest))
	save("", append(largest, 'x'), time.Minute)
	load("one byte more", "")

	// A lease and a value end by themselves.
	save("", []byte("3"), 50*time.Millisecond)
	until(t, func() bool { got, err := s.Load(ctx, "n"); return err == nil && got == nil })
	lease("a short one", "c", 50*time.Millisecond, true)
	until(t, func() bool { got, err := s.Lease(ctx, "n", "d", time.Minute); return err == nil && got })
	if left := client.PTTL(ctx, at+"n").Val(); left <= 0 || left > time.Minute {
		t.Errorf("a lease alone is kept for %v, want a minute", left)
	}

	// What an attacker or another program has left there.
	client.HSet(ctx, at+"n", "until", "99999999999999", "holder", "z")
	lease("a lease for ever", "e", time.Minute, true)
	client.HSet(ctx, at+"n", "until", "x")
	lease("no number", "f", time.Minute, true)
	client.Set(ctx, at+"n", "text", 0)
	if _, err := s.Load(ctx, "n"); err == nil {
		t.Error("Load() of another type: no error")
	}
	save("", []byte("4"), time.Minute)
	load("saved over another type", "4")
}

// until waits for Redis's clock.
func until(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("nothing has changed in 10s")
		}
	}
}

// Of many that want a lease at once, one gets it.
func TestStore_Lease_once(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t, redisserver.Address(t))
	var mu sync.Mutex
	granted := 0
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			got, err := s.Lease(t.Context(), "n", fmt.Sprint(i), time.Minute)
			if err != nil {
				t.Errorf("Lease() error = %v", err)
			}
			if got {
				mu.Lock()
				defer mu.Unlock()
				granted++
			}
		})
	}
	group.Wait()
	if granted != 1 {
		t.Errorf("%d of 200 have the lease, want 1", granted)
	}
}

// A Redis that is frozen or killed gives an error in time, and works again
// afterwards.
func TestStore_outage(t *testing.T) {
	t.Parallel()
	server := redisserver.New(t)
	s, err := redistokens.New(redistokens.Config{Client: newClient(t, server.Addr()), Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"Load":  func() error { _, err := s.Load(t.Context(), "n"); return err },
		"Lease": func() error { _, err := s.Lease(t.Context(), "n", "a", time.Second); return err },
		"Save":  func() error { return s.Save(t.Context(), "n", "a", []byte("1"), time.Minute) },
		"Ping":  func() error { return s.Ping(t.Context()) },
	}
	check := func(what string, works bool) {
		t.Helper()
		for name, call := range calls {
			start := time.Now()
			if err := call(); (err == nil) != works {
				t.Errorf("%s: %s() error = %v, want one: %t", what, name, err, !works)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s: %s() took %v, want 100ms", what, name, took)
			}
		}
	}
	works := func() bool { return s.Ping(t.Context()) == nil }
	until(t, works)
	server.Freeze()
	check("frozen", false)
	server.Resume()
	until(t, works)
	server.Kill()
	check("killed", false)
	server.Restart()
	until(t, works)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Load(gone, "n"); !errors.Is(err, context.Canceled) {
		t.Errorf("Load() with a context that has ended = %v, want %v", err, context.Canceled)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	heeding := options("127.0.0.1:1")
	heeding.Password = "canary"
	deaf := options("127.0.0.1:1")
	deaf.ContextTimeoutEnabled = false
	for _, tt := range []struct {
		name string
		cfg  redistokens.Config
		want string
	}{
		{"good", redistokens.Config{Client: redis.NewClient(heeding)}, ""},
		{"no client", redistokens.Config{}, "Config.Client"},
		{"a nil client", redistokens.Config{Client: (*redis.Client)(nil)}, "Config.Client"},
		{"a client without timeouts", redistokens.Config{Client: redis.NewClient(deaf)}, "ContextTimeoutEnabled"},
		{"a negative Timeout", redistokens.Config{Client: redis.NewClient(heeding), Timeout: -1}, "Config.Timeout"},
		{"the longest Timeout", redistokens.Config{Client: redis.NewClient(heeding), Timeout: 10 * time.Second}, ""},
		{"a longer Timeout", redistokens.Config{Client: redis.NewClient(heeding), Timeout: 10*time.Second + 1}, "Config.Timeout"},
	} {
		s, err := redistokens.New(tt.cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New() = %v, want a fault of %q", tt.name, err, tt.want)
		}
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "cfg", tt.cfg)
		fmt.Fprintf(&b, "%v %+v %#v %x", tt.cfg, tt.cfg, tt.cfg, tt.cfg)
		if s != nil {
			slog.New(slog.NewTextHandler(&b, nil)).Info("x", "s", s)
			fmt.Fprintf(&b, "%v %+v %#v", s, *s, s)
		}
		if strings.Contains(b.String(), "canary") {
			t.Errorf("%s: printed as %s", tt.name, b.String())
		}
	}
	zero := new(redistokens.Store)
	if _, err := zero.Load(t.Context(), "n"); err == nil || zero.Ping(t.Context()) == nil {
		t.Error("the zero Store works")
	}
}
