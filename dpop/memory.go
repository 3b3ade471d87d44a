package dpop

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// DefaultCapacity is how many proofs a [MemoryStore] holds. At the default
// MaxAge and Leeway, a proof is remembered for 90 seconds, and for 120 if its
// client's clock is 30 seconds ahead. So these are the proofs of 11,000
// requests in each second, and of 8,700 if all clocks are ahead.
const DefaultCapacity = 1 << 20

// ErrFull is the error of a [MemoryStore] that can't remember another proof.
var ErrFull = errors.New("dpop: the replay store is full")

// A MemoryStore is a [ReplayStore] in the memory of one process. The zero value
// is ready for use; the fields are not to be changed after the first. It is
// safe for concurrent use, and must not be copied.
//
// When it is full, it refuses new proofs with [ErrFull] until old ones expire:
// to forget one instead would let it be used again. An entry takes about 90
// bytes at most, from the time it is added until it expires; the memory of a
// burst is kept for the next. No goroutine cleans up: each Add removes some of
// what has expired.
//
// A clock that goes ahead and back, or back alone, makes no used proof good
// again. What expires no later than a proof that was removed is not new, so for
// the moment after such a step a client may have to send another proof.
type MemoryStore struct {
	// Capacity is how many proofs are remembered at most, give or take what
	// chance puts into one shard more than into another. Zero means
	// [DefaultCapacity]; a negative value remembers nothing, and so refuses
	// all.
	Capacity int

	// Now tells the time. Nil means [time.Now].
	Now func() time.Time

	once   sync.Once
	shards []shard
}

var _ ReplayStore = (*MemoryStore)(nil)

// Add is [ReplayStore.Add]. Its only errors are [ErrFull], and ctx's if ctx is
// done.
func (m *MemoryStore) Add(ctx context.Context, key string, expires time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.once.Do(m.init)
	// Half a hash is enough: who finds two proofs with the same one can't use
	// the second. It also spreads keys that somebody has chosen.
	sum := sha256.Sum256([]byte(key))
	return m.shards[int(sum[16])%len(m.shards)].add(digest(sum[:16]), m.Now().UnixNano(), expires.UnixNano())
}

// Len returns how many proofs are remembered, and removes those that have
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
	// A small store has few shards, so that chance doesn't fill one of them
	// long before the others.
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
	// More are removed than added, so that they never gather, and few, so that
	// no Add pays for the end of a burst.
	s.sweep(now, 4)
	switch {
	case s.expiries[key] > now, expires <= max(now, s.removed):
		// A clock that was set back since says that what was removed is valid
		// yet.
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
	// The key may have been added again after it expired, and then it stays for
	// its other entry.
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
