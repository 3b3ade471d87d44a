package redisjwks_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisjwks"
	"github.com/rsguard/rsguard/internal/redisserver"
)

// A step of the contract of a store.
type step struct {
	name  string
	query redisjwks.Query
	want  redisjwks.Seen
	end   *redisjwks.Ending // of the step's fetch, or of an earlier one
}

// contract is what both stores do. No step depends on how long it takes, as
// long as all take less than a minute.
func contract(t *testing.T, s redisjwks.Store, name string) {
	t.Helper()
	const hour, ms = time.Hour, time.Millisecond
	var q redisjwks.Query
	anyTime := q.With(name, redisjwks.AnyTime, hour, ms)
	fromNow := q.With(name, redisjwks.FromNow, hour, ms)
	after := func(n int64) redisjwks.Query { return q.With(name, n, hour, ms) }
	rare := q.With(name, redisjwks.FromNow, hour, time.Minute)
	ended := func(seq int64, blob string, failedFor time.Duration) *redisjwks.Ending {
		e := redisjwks.Ended(name, seq, time.Now().UnixMilli(), blob, failedFor)
		return &e
	}
	other := q.With(name+" other", redisjwks.AnyTime, hour, ms)
	endedOther := func(seq int64, blob string, failedFor time.Duration) *redisjwks.Ending {
		e := redisjwks.Ended(name+" other", seq, time.Now().UnixMilli(), blob, failedFor)
		return &e
	}
	for _, st := range []step{
		{"the first", anyTime, redisjwks.Seen{Granted: true, After: -1, Seq: 1}, nil},
		{"the second", anyTime, redisjwks.Seen{Leased: true, After: -1, Seq: 1}, nil},
		{"a forced one, while the first is under way", fromNow, redisjwks.Seen{Leased: true, After: 1, Seq: 1}, ended(1, "one", 0)},
		{"the second again", anyTime, redisjwks.Seen{Fresh: true, After: -1, Seq: 1, Good: "one"}, nil},
		{"the forced one again, for which that is too old", after(1), redisjwks.Seen{Granted: true, After: 1, Seq: 2, Good: "one"}, ended(2, "two", 0)},
		{"the forced one of another process", after(1), redisjwks.Seen{Fresh: true, After: 1, Seq: 2, Good: "two"}, nil},
		{"one for which it is unusable", anyTime.Ignoring(2, 0), redisjwks.Seen{Granted: true, After: -1, Seq: 3}, nil},
		{"one for which it is good", anyTime, redisjwks.Seen{Fresh: true, After: -1, Seq: 3, Good: "two"}, ended(3, "no", 20*time.Second)},
		{"what is good outlives a failure", anyTime, redisjwks.Seen{Fresh: true, After: -1, Seq: 3, Good: "two", Fail: "no"}, nil},
		{"a forced one after a failure", fromNow, redisjwks.Seen{Failing: true, After: 3, Seq: 3, Good: "two", Fail: "no"}, nil},
		{"for which the failure is unusable", fromNow.Ignoring(0, 3), redisjwks.Seen{Granted: true, After: 3, Seq: 4, Good: "two"}, ended(4, "four", 0)},
		{"the failure is over", rare, redisjwks.Seen{Granted: true, After: 4, Seq: 5, Good: "four"}, ended(5, "five", 0)},
		{"the next must wait", rare, redisjwks.Seen{After: 5, Seq: 5, Good: "five"}, ended(4, "late", 0)},
		{"a late end replaces nothing", anyTime, redisjwks.Seen{Fresh: true, After: -1, Seq: 5, Good: "five"}, ended(5, "late", 20*time.Second)},
		{"a late failure", rare.Ignoring(5, 0), redisjwks.Seen{After: 5, Seq: 5}, nil},
		{"of another URL", other, redisjwks.Seen{Granted: true, After: -1, Seq: 1}, endedOther(1, "brief", ms)},
		{"a failure that is over is still known", other, redisjwks.Seen{Granted: true, After: -1, Seq: 2, Fail: "brief"}, endedOther(2, "two", 0)},
		{"until a success", other, redisjwks.Seen{Fresh: true, After: -1, Seq: 2, Good: "two"}, nil},
	} {
		<-time.After(2 * ms) // the interval
		f, err := s.Begin(t.Context(), st.query)
		if got := f.Seen(); err != nil || got != st.want {
			t.Errorf("begin(%s) = %+v, %v, want %+v", st.name, got, err, st.want)
		}
		if st.end != nil {
			if err := s.End(t.Context(), *st.end); err != nil {
				t.Errorf("end(%s) error = %v", st.name, err)
			}
		}
	}
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { contract(t, &redisjwks.MemoryStore{}, "a") })
}

func TestRedisStore(t *testing.T) {
	t.Parallel()
	contract(t, redisStore(t, redisserver.Address(t)), prefix(t))
}

func redisStore(t *testing.T, addr string) redisjwks.Store {
	t.Helper()
	return redisjwks.NewRedisStore(redisjwks.Config{Client: newClient(t, addr), Timeout: 5 * time.Second})
}

// A cluster of one node has all that matters: slots, and a client that asks
// where they are.
func TestRedisStore_cluster(t *testing.T) {
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
	contract(t, redisjwks.NewRedisStore(redisjwks.Config{Client: client, Timeout: 5 * time.Second}), "a")
}

// Of many that begin at the same time through many connections, one fetches.
func TestRedisStore_atomic(t *testing.T) {
	t.Parallel()
	s := redisStore(t, redisserver.Address(t))
	var granted atomic.Int32
	var wg sync.WaitGroup
	name := prefix(t)
	for range 32 {
		wg.Go(func() {
			var q redisjwks.Query
			f, err := s.Begin(t.Context(), q.With(name, redisjwks.AnyTime, time.Hour, time.Minute))
			if err != nil {
				t.Errorf("begin() error = %v", err)
			}
			if f.Seen().Granted {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	if got := granted.Load(); got != 1 {
		t.Errorf("%d of 32 were told to fetch, want 1", got)
	}
}

// What is stored is one hash, which ends by itself.
func TestRedisStore_bounds(t *testing.T) {
	t.Parallel()
	addr := redisserver.Address(t)
	s, client, name := redisStore(t, addr), newClient(t, addr), prefix(t)
	var q redisjwks.Query
	begin := func() redisjwks.Seen {
		t.Helper()
		f, err := s.Begin(t.Context(), q.With(name, redisjwks.AnyTime, time.Hour, time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		return f.Seen()
	}
	begin()
	if ttl, err := client.PTTL(t.Context(), name).Result(); err != nil || ttl <= 0 || ttl > time.Hour {
		t.Errorf("after begin the key lives for %v, %v, want up to an hour", ttl, err)
	}
	if err := client.Persist(t.Context(), name).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.End(t.Context(), redisjwks.Ended(name, 1, time.Now().UnixMilli(), "one", 0)); err != nil {
		t.Fatal(err)
	}
	if ttl, err := client.PTTL(t.Context(), name).Result(); err != nil || ttl <= 0 || ttl > time.Hour {
		t.Errorf("after end the key lives for %v, %v, want up to an hour", ttl, err)
	}
	// Another program's value of 8 MiB is not sent to us, and its times don't
	// block for longer than ours do.
	far := time.Now().Add(1000 * time.Hour).UnixMilli()
	if err := client.HSet(t.Context(), name, "good", strings.Repeat("x", 8<<20), "goodseq", 1, "lease", far, "next", far, "fail", strings.Repeat("x", 8<<20), "failseq", 9, "failuntil", far).Err(); err != nil {
		t.Fatal(err)
	}
	if got := begin(); !got.Granted || got.Good != "" || got.Fail != "" {
		t.Errorf("begin() with odd values = %d and %d bytes, granted %t, want a fetch", len(got.Good), len(got.Fail), got.Granted)
	}
	if err := client.HSet(t.Context(), name, "seq", "x", "goodseq", "-", "lease", "nan", "next", "1e999", "failseq", "{}").Err(); err != nil {
		t.Fatal(err)
	}
	begin()
	if err := client.Set(t.Context(), name, "a string", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), q.With(name, redisjwks.AnyTime, time.Hour, time.Millisecond)); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("begin() with a value of another type: error = %v, want Redis's", err)
	}
}

func TestRedisStore_unavailable(t *testing.T) {
	t.Parallel()
	server := redisserver.New(t)
	s := redisjwks.NewRedisStore(redisjwks.Config{Client: newClient(t, server.Addr()), Timeout: 200 * time.Millisecond})
	var q redisjwks.Query
	begin := func(ctx context.Context) error {
		_, err := s.Begin(ctx, q.With("a", redisjwks.AnyTime, time.Hour, time.Second))
		return err
	}
	if err := begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Freeze()
	start := time.Now()
	if err := begin(t.Context()); !isTimeout(err) {
		t.Errorf("begin() while Redis doesn't answer: error = %v, want a timeout", err)
	}
	if err := s.End(t.Context(), redisjwks.Ended("a", 1, 1, "x", 0)); !isTimeout(err) {
		t.Errorf("end() while Redis doesn't answer: error = %v, want a timeout", err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("both took %v while Redis doesn't answer, want about twice Timeout, 200ms", took)
	}
	server.Resume()
	if err := begin(t.Context()); err != nil {
		t.Errorf("begin() when Redis answers again: error = %v", err)
	}
	server.Kill()
	if err := begin(t.Context()); err == nil {
		t.Error("begin() without Redis: no error")
	}
	server.Restart()
	if err := begin(t.Context()); err != nil {
		t.Errorf("begin() with a new Redis: error = %v", err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
