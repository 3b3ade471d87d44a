package revocation

import (
	"container/heap"
	"time"
)

// A timetable holds watches by when their tokens end. Most tokens end at a whole
// second, so there are far fewer times than watches, and a watch comes and goes
// without a search. The zero timetable is ready for use.
type timetable struct {
	at   map[instant]*departure
	heap departures
}

// An instant is a time as a key.
type instant struct {
	second int64
	nano   int
}

// A departure is a time and the watches that end then.
type departure struct {
	instant
	until time.Time
	first *link
	index int // in the heap
}

func instantOf(t time.Time) instant { return instant{t.Unix(), t.Nanosecond()} }

func (t *timetable) add(w *watch) {
	at := instantOf(w.until)
	d := t.at[at]
	if d == nil {
		if t.at == nil {
			t.at = make(map[instant]*departure)
		}
		d = &departure{instant: at, until: w.until}
		t.at[at] = d
		heap.Push(&t.heap, d)
	}
	w.end = link{of: w, next: d.first}
	if d.first != nil {
		d.first.prev = &w.end
	}
	d.first = &w.end
}

func (t *timetable) remove(w *watch) {
	l := &w.end
	if l.next != nil {
		l.next.prev = l.prev
	}
	if l.prev != nil {
		l.prev.next = l.next
		return
	}
	d := t.at[instantOf(w.until)]
	if d.first = l.next; d.first == nil {
		delete(t.at, d.instant)
		heap.Remove(&t.heap, d.index)
	}
}

// first returns when the next token ends. It reports false if none does.
func (t *timetable) first() (time.Time, bool) {
	if len(t.heap) == 0 {
		return time.Time{}, false
	}
	return t.heap[0].until, true
}

// endedBy appends up to n of the watches whose tokens have ended, and that end
// at the same time.
func (t *timetable) endedBy(now time.Time, n int, list []*watch) []*watch {
	if len(t.heap) == 0 || now.Before(t.heap[0].until) {
		return list
	}
	for l := t.heap[0].first; l != nil && len(list) < n; l = l.next {
		list = append(list, l.of)
	}
	return list
}

// departures is a heap with the earliest at the beginning.
type departures []*departure

func (h departures) Len() int           { return len(h) }
func (h departures) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h departures) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push and Pop are for package heap.
func (h *departures) Push(x any) {
	d := x.(*departure) //nolint:forcetypeassert // from add
	d.index = len(*h)
	*h = append(*h, d)
}

func (h *departures) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return d
}
