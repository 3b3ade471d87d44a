package dpop

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// DefaultCapacity is the default capacity of a [MemoryStore]. With the default
// MaxAge and Leeway, a proof is remembered for 90 seconds, or for 120 if its
// client's clock is 30 seconds ahead. The capacity thus suffices for 11,000
// requests per second, or for 8,700 if all clocks are ahead.
const DefaultCapacity = 1 << 20

// ErrFull is the error of a [MemoryStore] that is full.
var ErrFull = errors.New("dpop: the replay store is full")

// A MemoryStore is a [ReplayStore] in the memory of one process. The zero
// MemoryStore is ready for use. It is safe for concurrent use. It must not be
// copied, and its fields must not be changed after the first use.
//
// When it is full, it rejects new proofs with [ErrFull] until old ones expire,
// because a proof that is forgotten could be used again. An entry takes at most
// about 90 bytes until it expires. The memory of a burst is kept for the next
// one. Each Add removes some expired entries, so no goroutine is needed.
//
// A used proof stays used even if the clock is set ahead and back, or back
// alone. To that end, a proof that expires no later than one already removed is
// not new. After such a step of the clock, a client may therefore have to send
// another proof.
type MemoryStore struct {
	// Capacity is about how many proofs are remembered at most. It varies a
	// little, because proofs are spread over several parts by chance. If zero,
	// [DefaultCapacity] is used. If negative, nothing is remembered and all
	// proofs are rejected.
	Capacity int

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time

	once   sync.Once
	shards []shard
}

var _ ReplayStore = (*MemoryStore)(nil)

// Add implements [ReplayStore]. Its only errors are [ErrFull], and that of ctx
// if ctx is done.
func (m *MemoryStore) Add(ctx context.Context, key string, expires time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.once.Do(m.init)
	// Half a hash is enough. An attacker that finds two proofs with the same
	// half gains a proof that can't be used. The hash also spreads keys that an
	// attacker has chosen.
	sum := sha256.Sum256([]byte(key))
	return m.shards[int(sum[16])%len(m.shards)].add(digest(sum[:16]), m.Now().UnixNano(), expires.UnixNano())
}

// Len returns the number of remembered proofs. It removes those that have
// expired.
func (m *MemoryStore) Len() int {
	m.once.Do(m.init)
	n, now := 0, m.Now().UnixNano()
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		s.sweep(now, len(s.queue))
		n += len(s.queue)
		s.mu.Unlock()
	}
	return n
}

func (m *MemoryStore) init() {
	if m.Now == nil {
		m.Now = time.Now
	}
	if m.Capacity == 0 {
		m.Capacity = DefaultCapacity
	}
	// A small store has few shards, so that chance doesn't fill one long before
	// the others.
	const most, least = 64, 1 << 10
	m.shards = make([]shard, min(max(m.Capacity/least, 1), most))
	for i := range m.shards {
		m.shards[i].capacity = max((m.Capacity+len(m.shards)-1)/len(m.shards), 0)
	}
}

type digest [16]byte

// A shard is a part of the keys, with a lock of its own.
type shard struct {
	mu       sync.Mutex
	capacity int
	expiries map[digest]int64
	queue    []entry  // a heap: the first to expire is the first
	removed  int64    // the latest expiry of what was removed
	_        [56]byte // a cache line of its own for each lock
}

type entry struct {
	expires int64
	key     digest
}

func (s *shard) add(key digest, now, expires int64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// More entries are removed than added, so that expired ones don't
	// accumulate. Few are removed per call, so that no single Add pays for the
	// end of a burst.
	s.sweep(now, 4)
	switch {
	case s.expiries[key] > now, expires <= max(now, s.removed):
		// If the clock was set back since, proofs that were removed would be
		// valid again.
		return false, nil
	case len(s.queue) >= s.capacity:
		return false, ErrFull
	}
	if s.expiries == nil {
		s.expiries = make(map[digest]int64)
	}
	s.expiries[key] = expires
	s.push(entry{expires, key})
	return true, nil
}

// sweep removes up to n entries that have expired.
func (s *shard) sweep(now int64, n int) {
	for range n {
		if len(s.queue) == 0 || s.queue[0].expires > now {
			return
		}
		s.pop()
	}
}

// push and pop are those of container/heap, without its interface.
func (s *shard) push(e entry) {
	s.queue = append(s.queue, e)
	i := len(s.queue) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s.queue[parent].expires <= e.expires {
			break
		}
		s.queue[i] = s.queue[parent]
		i = parent
	}
	s.queue[i] = e
}

func (s *shard) pop() {
	first, last := s.queue[0], s.queue[len(s.queue)-1]
	s.removed = max(s.removed, first.expires)
	s.queue = s.queue[:len(s.queue)-1]
	// The key may have been added again after it expired. Then it stays for its
	// other entry.
	if s.expiries[first.key] == first.expires {
		delete(s.expiries, first.key)
	}
	if len(s.queue) == 0 {
		return
	}
	i := 0
	for child := 1; child < len(s.queue); child = 2*i + 1 {
		if right := child + 1; right < len(s.queue) && s.queue[right].expires < s.queue[child].expires {
			child = right
		}
		if last.expires <= s.queue[child].expires {
			break
		}
		s.queue[i] = s.queue[child]
		i = child
	}
	s.queue[i] = last
}
