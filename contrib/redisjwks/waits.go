package redisjwks

import (
	"sync"
	"time"
)

// waits holds since when the requests of this process have waited for those of
// others, without an outcome of any kind. What is stored may be wrong, so a
// process does not wait for ever.
type waits struct {
	mu    sync.Mutex
	began map[string]time.Time // by the name of the URL
}

// maxWaits bounds the URLs. A Transport is asked for a few.
const maxWaits = 1000

// since returns how long the requests have waited.
func (w *waits) since(name string, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if began, ok := w.began[name]; ok {
		return now.Sub(began)
	}
	return 0
}

// begin notes a request that has waited in vain since start.
func (w *waits) begin(name string, start time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.began[name]; ok {
		return
	}
	if w.began == nil || len(w.began) == maxWaits {
		w.began = make(map[string]time.Time)
	}
	w.began[name] = start
}

// end notes the outcome of a fetch that ended at that time or before. It is that
// of one that has been waited for, or of a later one.
func (w *waits) end(name string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if began, ok := w.began[name]; ok && !at.Before(began) {
		delete(w.began, name)
	}
}
