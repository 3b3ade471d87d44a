package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rsguard/rsguard/observe"
)

// A told keeps what an Observe is told of requests, in the order in which they
// began. That is the order in which a recorder keeps their exchanges, since the
// requests of one part follow each other.
type told struct {
	mu      sync.Mutex
	began   []observe.Event // and then, in its place, the end of it
	changed chan struct{}   // closed when one ends
}

func newTold() *told { return &told{changed: make(chan struct{})} }

// observe is a Config's Observe.
func (t *told) observe(_ context.Context, e observe.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case observe.RequestBegan:
		t.began = append(t.began, e)
	case observe.RequestEnded:
		for i, b := range slices.Backward(t.began) {
			if b.Kind == observe.RequestBegan && b.Request == e.Request && b.Host == e.Host {
				t.began[i] = e
				break
			}
		}
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// all waits until every request has ended, for at most a time, and returns the
// events. A caller of the library may have its answer before that.
func (t *told) all(ctx context.Context, most time.Duration) []observe.Event {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		t.mu.Lock()
		events, changed := slices.Clone(t.began), t.changed
		t.mu.Unlock()
		if !slices.ContainsFunc(events, func(e observe.Event) bool { return e.Kind == observe.RequestBegan }) {
			return events
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return events
		}
	}
}
