package testutil

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
)

// TestReplayStore checks that a [dpop.ReplayStore] does what its documentation
// requires:
//
//   - A key is new once, also if it is redeemed several times at the same
//     moment.
//   - A key that the store can't remember is not called new.
//   - Keys that differ in any character are different keys.
//
// The store must use the real time. It may hold other keys.
func TestReplayStore(t *testing.T, store dpop.ReplayStore) {
	t.Helper()

	add := func(t *testing.T, key string, expires time.Duration, want bool) {
		t.Helper()
		got, err := store.Add(t.Context(), key, time.Now().Add(expires))
		if got != want || err != nil {
			t.Errorf("Add(%s, in %v) = %t, %v, want %t, nil", key, expires, got, err, want)
		}
	}

	t.Run("a key is new once", func(t *testing.T) {
		one, another := replayKey(), replayKey()
		add(t, one, time.Minute, true)
		add(t, one, time.Minute, false)
		add(t, another, time.Minute, true)
		add(t, one, time.Hour, false)
		add(t, another, time.Second, false)
	})
	t.Run("a key that has expired is not new", func(t *testing.T) {
		key := replayKey()
		add(t, key, -time.Millisecond, false)
		add(t, key, -time.Hour, false)
		add(t, key, time.Minute, true)
	})
	t.Run("keys differ by one character", func(t *testing.T) {
		key := replayKey()
		add(t, key, time.Minute, true)
		for i := range key {
			other := byte('A')
			if key[i] == other {
				other = 'a'
			}
			add(t, key[:i]+string(other)+key[i+1:], time.Minute, true)
		}
		if upper := strings.ToUpper(key); upper != key {
			add(t, upper, time.Minute, true)
		}
	})
	t.Run("one of many gets it", func(t *testing.T) {
		for range 10 {
			key, expires := replayKey(), time.Now().Add(time.Minute)
			var news atomic.Int32
			var start, done sync.WaitGroup
			start.Add(1)
			for range 32 {
				done.Go(func() {
					start.Wait()
					isNew, err := store.Add(t.Context(), key, expires)
					if err != nil {
						t.Errorf("Add(%s) error = %v", key, err)
					}
					if isNew {
						news.Add(1)
					}
				})
			}
			start.Done()
			done.Wait()
			if got := news.Load(); got != 1 {
				t.Errorf("%d of 32 calls of Add(%s) at the same time = true, want 1", got, key)
			}
		}
	})
	t.Run("a context that is done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if isNew, err := store.Add(ctx, replayKey(), time.Now().Add(time.Minute)); isNew && err != nil {
			t.Errorf("Add() with a context that is done = true, %v, want no error beside true", err)
		}
	})
}

// replayKey has the length of a [dpop.Verifier]'s keys.
func replayKey() string {
	var key [32]byte
	_, _ = rand.Read(key[:])
	return base64.RawURLEncoding.EncodeToString(key[:])
}
