package revocation

import (
	"slices"
	"time"
)

const (
	// batch is how many watches are looked at, or ended, at a time. The lock is
	// held for so many.
	batch = 128
	// atOnce is how many watches a rule looks at before its caller goes on. The
	// others are left to a goroutine.
	atOnce = 8 * batch
	// turn is for how many batches one scan can keep others waiting.
	turn = 16
)

// A scan goes through the watches of a value for a rule that has been added. It
// keeps its place by a link of its own, so watches can come and go meanwhile.
// Those that come are in front of it, and look for rules themselves.
type scan struct {
	place link
	again bool          // another rule was added meanwhile
	done  chan struct{} // closed at the end
	batch []*watch
	ended []endedWatch
}

// scan returns a scan of the watches of a value, or nil if there are none. There
// is one for a value at a time. If there was one, it will begin again, and made
// is false.
func (ws *watches) scan(key uint64) (s *scan, made bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if s := ws.scans[key]; s != nil {
		s.again = true
		return s, false
	}
	if ws.by[key] == nil {
		return nil, false
	}
	if ws.scans == nil {
		ws.scans = make(map[uint64]*scan)
	}
	s = &scan{done: make(chan struct{})}
	ws.insert(&s.place, key)
	ws.scans[key] = s
	return s, true
}

// next sets s.batch to the watches that come next.
func (ws *watches) next(s *scan) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	s.batch = s.batch[:0]
	last := &s.place
	for len(s.batch) < batch && last.next != nil {
		if last = last.next; last.of != nil {
			s.batch = append(s.batch, last.of)
		}
	}
	if last == &s.place {
		return
	}
	ws.take(&s.place)
	s.place.prev, s.place.next = last, last.next
	if last.next != nil {
		last.next.prev = &s.place
	}
	last.next = &s.place
}

// finished reports whether s is at its end. If so, it is over.
func (ws *watches) finished(s *scan) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	switch {
	case s.place.next != nil:
		return false
	case s.again:
		s.again = false
		ws.take(&s.place)
		ws.insert(&s.place, s.place.key)
		return s.place.next == nil && ws.over(s)
	}
	return ws.over(s)
}

// over ends a scan. ws.mu is held.
func (ws *watches) over(s *scan) bool {
	ws.take(&s.place)
	delete(ws.scans, s.place.key)
	close(s.done)
	return true
}

// leave leaves a scan to the goroutine that work is. It reports whether that has
// to be started.
func (ws *watches) leave(s *scan) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.queue = append(ws.queue, s)
	started := ws.working
	ws.working = true
	return !started
}

// left returns a scan that was left, or nil if there is none and work ends.
func (ws *watches) left() *scan {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.queue) == 0 {
		ws.queue, ws.working = nil, false
		return nil
	}
	s := ws.queue[0]
	ws.queue = slices.Delete(ws.queue, 0, 1)
	return s
}

// selective are the dimensions by how few tokens a value of theirs names.
var selective = [dimensions]dimension{byID, bySessionID, bySubject, byActor, byClientID, byOrgID}

// added ends the watches of tokens that a new rule names. It looks at a bounded
// number of them. If that was not all, the others are looked at in the
// background, and the channel that it returns is closed at the end.
func (l *List) added(r *Rule) <-chan struct{} {
	if l.watches.count.Load() == 0 {
		return nil
	}
	key := l.key.issuerKey(r.Issuer)
	for _, d := range selective {
		if value := r.value(d); value != "" {
			key = l.key.value(d, value)
			break
		}
	}
	s, made := l.watches.scan(key)
	switch {
	case s == nil:
		return nil
	case !made:
		return s.done
	}
	for range atOnce / batch {
		if l.step(s) {
			return nil
		}
	}
	if l.watches.leave(s) {
		go l.work()
	}
	return s.done
}

// work carries on with the scans that were left, in turns, until there are none.
func (l *List) work() {
	for s := l.watches.left(); s != nil; s = l.watches.left() {
		for i := 0; !l.step(s); i++ {
			if i == turn {
				l.watches.leave(s)
				break
			}
		}
	}
}

// step looks at the watches that come next in a scan. It reports whether those
// were the last.
func (l *List) step(s *scan) bool {
	l.watches.next(s)
	s.ended = s.ended[:0]
	for _, w := range s.batch {
		// The question is that of every request, so a watch ends if and only
		// if the next request would be rejected.
		if err := l.verdict(w); err != nil {
			s.ended = append(s.ended, endedWatch{watch: w, cause: err})
		}
	}
	l.watches.end(s.ended)
	return l.watches.finished(s)
}

// endAll ends all watches with the same cause.
func (l *List) endAll(cause error) {
	var list []endedWatch
	for {
		list = l.watches.some(list[:0], cause)
		if len(list) == 0 {
			return
		}
		l.watches.end(list)
	}
}

// some appends some of the watches.
func (ws *watches) some(list []endedWatch, cause error) []endedWatch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for l := ws.by[every]; l != nil && len(list) < batch; l = l.next {
		if l.of != nil {
			list = append(list, endedWatch{watch: l.of, cause: cause})
		}
	}
	return list
}

// endExpired ends the watches whose tokens have expired by now.
func (l *List) endExpired(now time.Time) {
	var some []*watch
	var list []endedWatch
	for {
		some, list = l.watches.endedBy(now, some[:0]), list[:0]
		if len(some) == 0 {
			return
		}
		for _, w := range some {
			list = append(list, endedWatch{watch: w, cause: w.expired()})
		}
		l.watches.end(list)
	}
}

// endedBy returns some of the watches whose tokens have ended by now.
func (ws *watches) endedBy(now time.Time, list []*watch) []*watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.ends.endedBy(now, batch, list)
}
