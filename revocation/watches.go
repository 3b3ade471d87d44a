package revocation

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// A watch is a token that is watched.
type watch struct {
	claims *validator.Claims
	until  time.Time // the token's end, or zero
	cancel context.CancelCauseFunc

	// The rest is guarded by the mutex of watches.
	links []link // one for each value of the token
	stop  func() bool
	at    int // in the heap of ends, from 1
	gone  bool
}

func (w *watch) hasEnded(now time.Time) bool { return !w.until.IsZero() && !now.Before(w.until) }

// A link is the place of a watch in the list of those with the same value.
type link struct {
	of         *watch
	key        uint64
	prev, next *link
}

// A watches holds the tokens that are watched: by each of their values, so that
// a rule finds those that it names without a look at the others, and by their
// end. The zero watches is ready for use. It is safe for concurrent use. No
// function of a caller runs while it is locked.
type watches struct {
	count atomic.Int64

	mu    sync.Mutex
	by    map[uint64]*link // the first of each list
	ends  endsHeap
	timer *time.Timer
	due   time.Time // of the timer, by the runtime's clock; zero if it is not set
}

// add adds w under keys. It reports false if there are most of them.
func (ws *watches) add(w *watch, keys []uint64, most int) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.count.Load() >= int64(most) {
		return false
	}
	if ws.by == nil {
		ws.by = make(map[uint64]*link)
	}
	keys = append(keys, every)
	w.links = make([]link, len(keys))
	for i, key := range keys {
		l := &w.links[i]
		*l = link{of: w, key: key, next: ws.by[key]}
		if l.next != nil {
			l.next.prev = l
		}
		ws.by[key] = l
	}
	if !w.until.IsZero() {
		heap.Push(&ws.ends, w)
	}
	ws.count.Add(1)
	return true
}

// attach notes how w is told that its context is done.
func (ws *watches) attach(w *watch, stop func() bool) {
	ws.mu.Lock()
	gone := w.gone
	w.stop = stop
	ws.mu.Unlock()
	if gone {
		stop()
	}
}

// remove removes w. It reports false if another call has, or add has not added
// it.
func (ws *watches) remove(w *watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w.gone || w.links == nil {
		return false
	}
	w.gone = true
	for i := range w.links {
		l := &w.links[i]
		if l.next != nil {
			l.next.prev = l.prev
		}
		switch {
		case l.prev != nil:
			l.prev.next = l.next
		case l.next != nil:
			ws.by[l.key] = l.next
		default:
			delete(ws.by, l.key)
		}
	}
	w.links = nil
	if w.at > 0 {
		heap.Remove(&ws.ends, w.at-1)
	}
	ws.count.Add(-1)
	return true
}

// end removes w and cancels its context.
func (ws *watches) end(w *watch, cause error) {
	if !ws.remove(w) {
		return
	}
	ws.mu.Lock()
	stop := w.stop
	ws.mu.Unlock()
	if stop != nil {
		stop()
	}
	w.cancel(cause)
}

// every is the key under which every watch is.
const every = 0

// with returns the watches of tokens that may have the value of key.
func (ws *watches) with(key uint64) []*watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var list []*watch
	for l := ws.by[key]; l != nil; l = l.next {
		list = append(list, l.of)
	}
	return list
}

// endedBy returns the watches whose tokens have ended.
func (ws *watches) endedBy(now time.Time) []*watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.ends.endedBy(now, 0, nil)
}

// wake has tick called after d at the latest.
func (ws *watches) wake(d time.Duration, tick func()) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	due := time.Now().Add(d)
	switch {
	case ws.timer == nil:
		ws.timer = time.AfterFunc(d, tick)
	case ws.due.IsZero() || due.Before(ws.due):
		ws.timer.Reset(d)
	default:
		return
	}
	ws.due = due
}

// sleep is for the end of a tick at this time. It sets the timer again, unless
// nothing is watched any more.
func (ws *watches) sleep(now time.Time) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.count.Load() == 0 {
		ws.due = time.Time{}
		return
	}
	d := period
	if len(ws.ends) > 0 {
		d = pause(now, ws.ends[0].until)
	}
	ws.due = time.Now().Add(d)
	ws.timer.Reset(d)
}

// period bounds how late a step of the clock or a late Feed is noticed.
const period = time.Second

// pause returns for how long nothing has to be done about a token.
func pause(now, until time.Time) time.Duration {
	if until.IsZero() {
		return period
	}
	return min(max(until.Sub(now), time.Millisecond), period)
}

// An endsHeap has the watch that ends first at the beginning.
type endsHeap []*watch

func (h endsHeap) Len() int           { return len(h) }
func (h endsHeap) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h endsHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i+1, j+1
}

// Push and Pop are for package heap.
func (h *endsHeap) Push(x any) {
	w := x.(*watch) //nolint:forcetypeassert // from add
	*h = append(*h, w)
	w.at = len(*h)
}

func (h *endsHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	w.at = 0
	return w
}

// endedBy appends those from the i-th on, and its children, that have ended.
func (h endsHeap) endedBy(now time.Time, i int, list []*watch) []*watch {
	if i >= len(h) || !h[i].hasEnded(now) {
		return list
	}
	list = append(list, h[i])
	return h.endedBy(now, 2*i+2, h.endedBy(now, 2*i+1, list))
}
