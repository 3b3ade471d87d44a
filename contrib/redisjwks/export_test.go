package redisjwks

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Aliases for the tests of the stores.
type (
	Query  = query
	Found  = found
	Ending = ending
)

func (q Query) With(name string, after int64, maxAge, interval time.Duration) Query {
	return query{name: name, after: after, maxAge: maxAge, interval: interval, keep: time.Hour}
}

func (q Query) Ignoring(good, fail int64) Query {
	q.ignoreGood, q.ignoreFail = good, fail
	return q
}

// FromNow and AnyTime are values of query.after.
const (
	FromNow = fromNow
	AnyTime = anyTime
)

// Seen is what a test compares of a found.
type Seen struct {
	Granted, Fresh, Failing, Leased bool
	After, Seq                      int64
	Good, Fail                      string
}

func (f Found) Seen() Seen {
	return Seen{f.granted, f.fresh, f.failing, f.leased, f.after, f.seq, string(f.good), string(f.fail)}
}

// Now is found.now.
func (f Found) Now() int64 { return f.now }

// Ended makes an ending.
func Ended(name string, seq, began int64, blob string, failedFor time.Duration) Ending {
	return ending{name, seq, began, []byte(blob), failedFor, time.Hour}
}

// A Store is a store.
type Store interface {
	Begin(ctx context.Context, q Query) (Found, error)
	End(ctx context.Context, e Ending) error
}

func (s *redisStore) Begin(ctx context.Context, q Query) (Found, error) { return s.begin(ctx, q) }
func (s *redisStore) End(ctx context.Context, e Ending) error           { return s.end(ctx, e) }

// NewRedisStore is the one of New.
func NewRedisStore(cfg Config) Store {
	cfg = cfg.withDefaults()
	return &redisStore{client: cfg.Client, timeout: cfg.Timeout}
}

// A MemoryStore does in a synctest bubble what redisStore does in Redis.
type MemoryStore struct {
	mu     sync.Mutex
	hashes map[string]*hash
	down   error
	frozen bool
	held   bool
}

type hash struct {
	seq, lease, next           int64
	good, fail                 []byte
	goodSeq, goodAt            int64
	failSeq, failUntil, expiry int64
}

// SetDown makes every command fail, after Timeout if frozen.
func (s *MemoryStore) SetDown(err error, frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.frozen = err, frozen
}

// Hold makes the store say that another process is fetching, for ever.
func (s *MemoryStore) Hold(held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = held
}

func (s *MemoryStore) Begin(ctx context.Context, q Query) (Found, error) { return s.begin(ctx, q) }
func (s *MemoryStore) End(ctx context.Context, e Ending) error           { return s.end(ctx, e) }

func (s *MemoryStore) lock() error {
	s.mu.Lock()
	err, frozen := s.down, s.frozen
	if err == nil {
		return nil
	}
	s.mu.Unlock()
	if frozen {
		<-time.After(DefaultTimeout)
	}
	return err
}

func (s *MemoryStore) of(name string, now int64) *hash {
	if s.hashes == nil {
		s.hashes = map[string]*hash{}
	}
	h := s.hashes[name]
	if h == nil || h.expiry <= now {
		h = &hash{expiry: now}
		s.hashes[name] = h
	}
	return h
}

func (s *MemoryStore) begin(_ context.Context, q query) (f found, err error) {
	if err := s.lock(); err != nil {
		return found{}, err
	}
	defer s.mu.Unlock()
	f.now = time.Now().UnixMilli()
	h := s.of(q.name, f.now)
	f.seq, f.goodSeq, f.failSeq = max(h.seq, h.goodSeq, h.failSeq), h.goodSeq, h.failSeq
	if h.goodSeq != q.ignoreGood {
		f.good = h.good
	}
	if h.failSeq != q.ignoreFail {
		f.fail = h.fail
	}
	if f.after = q.after; f.after == fromNow {
		f.after = f.seq
	}
	until := func(at int64) time.Duration { return time.Duration(at-f.now) * time.Millisecond }
	switch {
	case f.good != nil && (f.after >= 0 && f.goodSeq > f.after || f.after < 0 && f.now-h.goodAt < q.maxAge.Milliseconds()):
		f.fresh = true
	case f.fail != nil && h.failUntil > f.now:
		f.failing, f.wait = true, until(h.failUntil)
	case s.held:
		f.leased, f.wait = true, lease
	case h.lease > f.now:
		f.leased, f.wait = true, until(h.lease)
	case h.next > f.now:
		f.wait = until(h.next)
	default:
		f.granted = true
		f.seq++
		h.seq, h.lease, h.next = f.seq, f.now+lease.Milliseconds(), f.now+q.interval.Milliseconds()
		h.expiry = f.now + q.keep.Milliseconds()
	}
	return f, nil
}

func (s *MemoryStore) end(ctx context.Context, e ending) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.lock(); err != nil {
		return err
	}
	defer s.mu.Unlock()
	now := time.Now().UnixMilli()
	h := s.of(e.name, now)
	switch {
	case e.failedFor == 0:
		if e.seq > h.goodSeq {
			h.good, h.goodSeq, h.goodAt = e.blob, e.seq, e.began
		}
		if e.seq > h.failSeq {
			h.fail, h.failSeq, h.failUntil = nil, 0, 0
		}
	case e.seq > h.goodSeq && e.seq > h.failSeq:
		h.fail, h.failSeq, h.failUntil = e.blob, e.seq, now+e.failedFor.Milliseconds()
	}
	if e.seq >= h.seq {
		h.lease = 0
	}
	h.expiry = now + e.keep.Milliseconds()
	return nil
}

// Change lets an attacker change what is stored.
func (s *MemoryStore) Change(f func(good, fail *[]byte, goodSeq, goodAt *int64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hashes {
		f(&h.good, &h.fail, &h.goodSeq, &h.goodAt)
	}
}

// WithStore returns a Transport with another store.
func WithStore(cfg Config, s *MemoryStore) (*Transport, error) {
	cfg.Client = nobody{}
	t, err := New(cfg)
	if err == nil {
		t.store = s
	}
	return t, err
}

// nobody is a client that is not asked.
type nobody struct{}

func (nobody) Process(context.Context, redis.Cmder) error { return errors.New("nobody was asked") }
