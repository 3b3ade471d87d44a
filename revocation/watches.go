package revocation

import (
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
	end   link   // among those that end at the same time
	stop  func() bool
	gone  bool
}

func (w *watch) hasEnded(now time.Time) bool { return !w.until.IsZero() && !now.Before(w.until) }

// A link is the place of a watch in the list of those with the same value. One
// of no watch is the place of a scan.
type link struct {
	of         *watch
	key        uint64
	prev, next *link
}

// A watches holds the tokens that are watched: by each of their values, so that
// a rule finds those that it names without a look at the others, and by their
// end. The zero watches is ready for use. It is safe for concurrent use. No
// function of a caller runs while it is locked, and it is locked for a few
// watches at a time.
type watches struct {
	count atomic.Int64

	mu    sync.Mutex
	by    map[uint64]*link // the first of each list
	ends  timetable
	timer *time.Timer
	due   time.Time // of the timer, by the runtime's clock; zero if it is not set

	scans   map[uint64]*scan // by their key
	queue   []*scan          // those that are left to work
	working bool
}

// add adds w under keys. It reports false if there are most of them.
func (ws *watches) add(w *watch, keys []uint64, most int) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.count.Load() >= int64(most) {
		return false
	}
	keys = append(keys, every)
	w.links = make([]link, len(keys))
	for i, key := range keys {
		w.links[i].of = w
		ws.insert(&w.links[i], key)
	}
	if !w.until.IsZero() {
		ws.ends.add(w)
	}
	ws.count.Add(1)
	return true
}

// insert makes l the first of the list of key. ws.mu is held.
func (ws *watches) insert(l *link, key uint64) {
	if ws.by == nil {
		ws.by = make(map[uint64]*link)
	}
	l.key, l.prev, l.next = key, nil, ws.by[key]
	if l.next != nil {
		l.next.prev = l
	}
	ws.by[key] = l
}

// take takes l out of its list. ws.mu is held.
func (ws *watches) take(l *link) {
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

// remove removes w.
func (ws *watches) remove(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.drop(w)
}

// drop removes w. It reports false if another call has, or add has not added it.
// ws.mu is held.
func (ws *watches) drop(w *watch) bool {
	if w.gone || w.links == nil {
		return false
	}
	w.gone = true
	for i := range w.links {
		ws.take(&w.links[i])
	}
	w.links = nil
	if !w.until.IsZero() {
		ws.ends.remove(w)
	}
	ws.count.Add(-1)
	return true
}

// An endedWatch is a watch that ends, and why.
type endedWatch struct {
	*watch
	cause error
	stop  func() bool
}

// end removes watches and cancels their contexts.
func (ws *watches) end(list []endedWatch) {
	ws.mu.Lock()
	for i := range list {
		if w := list[i].watch; ws.drop(w) {
			list[i].stop = w.stop
		} else {
			list[i].watch = nil
		}
	}
	ws.mu.Unlock()
	for _, e := range list {
		if e.watch == nil {
			continue
		}
		if e.stop != nil {
			e.stop()
		}
		e.cancel(e.cause)
	}
}

// every is the key under which every watch is.
const every = 0

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
	if until, ok := ws.ends.first(); ok {
		d = pause(now, until)
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
