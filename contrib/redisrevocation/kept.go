package redisrevocation

import (
	"sync"
	"time"
)

// kept are the records of the latest rules, at most so many. The oldest goes
// for a new one.
type kept struct {
	mu    sync.Mutex
	most  int
	there map[string]struct{}
	ring  []entry
	next  int // in ring, once it is full
}

type entry struct {
	record string
	until  int64 // Unix time
}

func (k *kept) add(record string, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.there[record]; ok || k.most == 0 {
		return
	}
	if k.there == nil {
		k.there = make(map[string]struct{})
	}
	k.there[record] = struct{}{}
	e := entry{record, until.Unix()}
	if len(k.ring) < k.most {
		k.ring = append(k.ring, e)
		return
	}
	delete(k.there, k.ring[k.next].record)
	k.ring[k.next] = e
	k.next = (k.next + 1) % k.most
}

// live returns the records of rules that have not ended, and forgets the others.
func (k *kept) live(now time.Time) []entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	live := make([]entry, 0, len(k.ring))
	for i := range k.ring {
		e := k.ring[(k.next+i)%len(k.ring)]
		if e.until > now.Add(-afterEnd).Unix() {
			live = append(live, e)
		} else {
			delete(k.there, e.record)
		}
	}
	k.ring, k.next = live, 0
	return append([]entry(nil), live...)
}

func (k *kept) len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.ring)
}
