package dpop_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/testutil"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()

	now := t0
	m := &dpop.MemoryStore{Now: func() time.Time { return now }}
	for _, step := range []struct {
		name    string
		after   time.Duration
		key     string
		expires time.Duration
		want    bool
	}{
		{"a new key", 0, "a", 10 * time.Second, true},
		{"the same", 0, "a", 10 * time.Second, false},
		{"another", 0, "b", 5 * time.Second, true},
		{"the same, to expire later", 1 * time.Second, "a", time.Hour, false},
		{"just before it expires", 10*time.Second - 1, "a", time.Hour, false},
		{"when it has expired", 10 * time.Second, "a", 20 * time.Second, true},
		{"again", 19 * time.Second, "a", time.Hour, false},
		{"one that has expired already", 30 * time.Second, "c", 30 * time.Second, false},
		{"and wasn't kept", 30 * time.Second, "c", time.Hour, true},
		{"and then it was", 31 * time.Second, "c", time.Hour, false},
	} {
		now = t0.Add(step.after)
		got, err := m.Add(t.Context(), step.key, t0.Add(step.expires))
		if got != step.want || err != nil {
			t.Errorf("Add(%q), %s = %t, %v, want %t, nil", step.key, step.name, got, err, step.want)
		}
	}
	if got := m.Len(); got != 1 {
		t.Errorf("Len() = %d, want 1: what has expired is gone", got)
	}
}

// What a clock that was ahead has removed is not new when the clock is right
// again.
func TestMemoryStore_clockSteps(t *testing.T) {
	t.Parallel()

	now := t0
	m := &dpop.MemoryStore{Capacity: 1000, Now: func() time.Time { return now }} // so few that all are in one shard
	for _, step := range []struct {
		name    string
		at      time.Duration
		key     string
		expires time.Duration
		want    bool
	}{
		{"a new key", 0, "a", 90 * time.Second, true},
		{"one that expires earlier", 0, "b", 80 * time.Second, true},
		{"one that expires later", 0, "c", 3700 * time.Second, true},
		{"an hour ahead", time.Hour, "d", time.Hour + 90*time.Second, true},
		{"right again, the first key", time.Second, "a", 90 * time.Second, false},
		{"right again, the second key", time.Second, "b", 80 * time.Second, false},
		{"right again, a key that was not removed", time.Second, "c", 3700 * time.Second, false},
		{"right again, the key from ahead", time.Second, "d", time.Hour + 90*time.Second, false},
		{"right again, a new key that may have been removed", time.Second, "e", 90 * time.Second, false},
		{"right again, a new key", time.Second, "e", 91 * time.Second, true},
		{"an hour behind, the first key", -time.Hour, "a", 90 * time.Second, false},
		{"an hour behind, the latest key", -time.Hour, "e", 91 * time.Second, false},
		{"the key from ahead, in time", time.Hour, "d", time.Hour + 90*time.Second, false},
		{"a new key, in time", time.Hour, "f", time.Hour + 90*time.Second, true},
	} {
		now = t0.Add(step.at)
		m.Len() // which removes all that has expired
		got, err := m.Add(t.Context(), step.key, t0.Add(step.expires))
		if got != step.want || err != nil {
			t.Errorf("Add(%q), %s = %t, %v, want %t, nil", step.key, step.name, got, err, step.want)
		}
	}
}

func TestMemoryStore_full(t *testing.T) {
	t.Parallel()

	now := t0
	m := &dpop.MemoryStore{Capacity: 10, Now: func() time.Time { return now }}
	add := func(key string) (bool, error) { return m.Add(t.Context(), key, now.Add(time.Minute)) }
	for i := range 10 {
		if isNew, err := add(strconv.Itoa(i)); !isNew || err != nil {
			t.Fatalf("Add(key %d) = %t, %v, want true, nil", i, isNew, err)
		}
	}
	if isNew, err := add("10"); isNew || !errors.Is(err, dpop.ErrFull) {
		t.Errorf("Add(key 10) to 10 = %t, %v, want false, ErrFull", isNew, err)
	}
	if isNew, err := add("3"); isNew || err != nil {
		t.Errorf("Add(key 3 again) to a full store = %t, %v, want false, nil: it is known", isNew, err)
	}
	now = now.Add(time.Minute)
	if isNew, err := add("10"); !isNew || err != nil {
		t.Errorf("Add(key 10) after all have expired = %t, %v, want true, nil", isNew, err)
	}
}

// A large store holds about as much as it is said to, and not more.
func TestMemoryStore_capacity(t *testing.T) {
	t.Parallel()

	const capacity = 100_000
	m := &dpop.MemoryStore{Capacity: capacity, Now: func() time.Time { return t0 }}
	added := 0
	for i := range 2 * capacity {
		switch isNew, err := m.Add(t.Context(), strconv.Itoa(i), t0.Add(time.Minute)); {
		case isNew:
			added++
		case errors.Is(err, dpop.ErrFull):
			if added < capacity*9/10 {
				t.Fatalf("Add() = %v after %d keys, want room for %d at least", err, added, capacity*9/10)
			}
		default:
			t.Fatalf("Add(key %d) = %t, %v", i, isNew, err)
		}
	}
	if added > capacity+64 || added != m.Len() {
		t.Errorf("added %d keys, and Len() = %d, want %d at most", added, m.Len(), capacity)
	}
}

// The store agrees with the simplest one there is, over any order of expiries.
func TestMemoryStore_model(t *testing.T) {
	t.Parallel()

	r := rand.New(rand.NewPCG(1, 2))
	now := t0
	m := &dpop.MemoryStore{Capacity: 1 << 20, Now: func() time.Time { return now }}
	model := map[string]time.Time{}
	for i := range 50_000 {
		now = now.Add(time.Duration(r.IntN(int(10 * time.Millisecond))))
		key := strconv.Itoa(r.IntN(2000))
		expires := now.Add(time.Duration(r.IntN(int(20 * time.Second))))
		end, known := model[key]
		want := (!known || !end.After(now)) && expires.After(now)
		if want {
			model[key] = expires
		}
		if got, err := m.Add(t.Context(), key, expires); got != want || err != nil {
			t.Fatalf("call %d: Add(%q) = %t, %v, want %t, nil", i, key, got, err, want)
		}
	}
	for key, end := range model {
		if !end.After(now) {
			delete(model, key)
		}
	}
	if got := m.Len(); got != len(model) {
		t.Errorf("Len() = %d, want %d: what has expired is gone, and nothing else", got, len(model))
	}
}

func TestMemoryStore_contract(t *testing.T) {
	t.Parallel()
	testutil.TestReplayStore(t, new(dpop.MemoryStore))
}

func ExampleMemoryStore() {
	proofs, err := dpop.New(dpop.Config{Replays: &dpop.MemoryStore{Capacity: 10_000}})
	fmt.Println(proofs.Algorithms(), err)
	// Output: [ES256 EdDSA PS256 RS256] <nil>
}
