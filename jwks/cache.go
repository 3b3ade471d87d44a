package jwks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnavailable is in the chain of the errors of [Cache.Keys] and [Cache.Refresh] that say that the issuer could not
// be reached, or gave no usable key.
var ErrUnavailable = errors.New("jwks: the issuer's keys are unavailable")

// A Cache holds the keys of one issuer, and fetches them when a lookup finds that they should be newer. It is safe for
// concurrent use. Make one per issuer with [NewCache], and keep it as long as the program runs.
type Cache struct {
	cfg    Config
	source source // used by the flight alone

	current atomic.Pointer[snapshot] // read by everybody, replaced under mu

	mu       sync.Mutex           // never held across I/O
	forced   time.Time            // when the last fetch for an unknown kid began
	everBeen bool                 // there was such a fetch
	missing  map[string]time.Time // kids that were just fetched for, in vain, in this generation
}

// NewCache makes a Cache. It does no I/O and starts no goroutine: the keys are fetched by the first lookup. Its error
// joins everything that is wrong with cfg.
func NewCache(cfg Config) (*Cache, error) {
	cfg, err := cfg.completed()
	if err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, missing: make(map[string]time.Time)}
	c.source = source{cfg: &c.cfg, client: newClient(cfg.Client)}

	first := &snapshot{logged: phase{Empty, false}}
	if len(cfg.Seed) > 0 {
		// Nobody knows how old a seed is. A TTL of zero makes it EXPIRED: the issuer is asked first.
		first.set = newKeySet(cfg.Seed, nil, 1)
		first.fetched, first.staleFor = cfg.Now(), cfg.MaxStale
		first.logged.state = Expired
	}
	c.current.Store(first)
	return c, nil
}

// Keys returns the keys with this key ID, or all keys if kid is empty. That there is none is no error: the result is
// empty. Keys that are held are returned at once, without a lock and without an allocation; the package's
// documentation says when a lookup waits for the issuer instead.
//
// If there are no keys that may be served, the error wraps [ErrUnavailable], and says by a method
// RetryAfter() time.Duration when it is worthwhile to try again. If ctx is done before the issuer has answered,
// the error wraps ctx.Err(); others that wait for the same answer still get it. The result must not be changed.
func (c *Cache) Keys(ctx context.Context, kid string) ([]Key, error) {
	s := c.current.Load()
	// The clock is read after the snapshot, for else the snapshot could be from the clock's future.
	now := c.cfg.Now()
	successes := s.successes
	if state := s.state(now); state != Fresh {
		var err error
		if s, err = c.renew(ctx, s, state, now); err != nil {
			return nil, err
		}
	}
	if keys, ok := s.set.find(kid); ok {
		return keys, nil
	}
	return c.findUnknown(ctx, kid, successes)
}

// Refresh fetches the keys now, or waits for the fetch in progress, whatever the age of those that are held and
// however recently a fetch has failed. Use it to warm up at start. Its error wraps [ErrUnavailable], or ctx.Err()
// if ctx is done before the issuer has answered. Keys that are held stay in use after an error.
func (c *Cache) Refresh(ctx context.Context) error {
	c.mu.Lock()
	f := c.current.Load().flight
	if f == nil {
		f = c.begin()
	}
	c.mu.Unlock()
	if err := f.wait(ctx); err != nil {
		return err
	}
	return f.err
}

// renew does what a state other than FRESH asks for. It returns the snapshot to serve from, or an error.
func (c *Cache) renew(ctx context.Context, s *snapshot, state State, now time.Time) (*snapshot, error) {
	c.observe(s, state)
	if state == Revalidate || state == Expired && s.failures > 0 {
		if s.flight == nil && s.mustWait(now) == 0 {
			c.flight() // behind this request's back
		}
		return s, nil
	}

	f := c.flight()
	if f != nil {
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
	}
	s = c.current.Load()
	now = c.cfg.Now()
	if f != nil && f.err == nil {
		return s, nil // as good as it gets, even if it took longer than it is to live
	}
	if state = s.state(now); state == Empty || state == Dead {
		c.observe(s, state)
		return nil, &unavailable{s.err, max(s.mustWait(now), time.Second)}
	}
	return s, nil
}

// maxWaiters is how many lookups of unknown kids wait for one fetch. More would let a flood of made-up tokens
// pile up behind a slow issuer.
const maxWaiters = 64

// findUnknown looks for a kid that isn't in the snapshot with that many successful fetches behind it.
func (c *Cache) findUnknown(ctx context.Context, kid string, successes int) ([]Key, error) {
	f, own := c.flightFor(kid, successes)
	if f != nil {
		if err := f.wait(ctx); err != nil {
			c.mu.Lock()
			f.waiters--
			c.mu.Unlock()
			return nil, err
		}
	}
	keys, ok := c.current.Load().set.find(kid)
	if !ok && own && f.err == nil {
		c.remember(kid)
	}
	return keys, nil
}

// flightFor returns the fetch that a lookup of an unknown kid is to wait for, if any, and whether it began for it.
func (c *Cache) flightFor(kid string, successes int) (f *flight, own bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	switch {
	case c.isMissing(kid, now):
		return nil, false
	case s.successes != successes:
		return nil, false // there is a set from after the lookup began
	case s.flight != nil && s.flight.waiters < maxWaiters:
		s.flight.waiters++
		return s.flight, false
	case s.flight != nil || s.mustWait(now) > 0 || !c.mayForce(now):
		return nil, false
	}
	c.forced, c.everBeen = now, true
	f = c.begin()
	f.waiters++
	return f, true
}

// mayForce reports whether the last forced fetch was long enough ago.
func (c *Cache) mayForce(now time.Time) bool {
	if c.cfg.UnknownKeyInterval < 0 {
		return false
	}
	passed := elapsed(c.forced, now)
	return !c.everBeen || passed < 0 || passed >= c.cfg.UnknownKeyInterval
}

// How many kids are remembered as unknown, and for how long. It matters only where UnknownKeyInterval is shorter.
const (
	maxMissing = 1024
	missingFor = 30 * time.Second
)

func (c *Cache) isMissing(kid string, now time.Time) bool {
	at, ok := c.missing[kid]
	return ok && isRecent(at, now)
}

func isRecent(missing, now time.Time) bool {
	passed := elapsed(missing, now)
	return 0 <= passed && passed < missingFor
}

func (c *Cache) remember(kid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if len(c.missing) >= maxMissing {
		maps.DeleteFunc(c.missing, func(_ string, at time.Time) bool { return !isRecent(at, now) })
	}
	if len(c.missing) < maxMissing {
		c.missing[strings.Clone(kid)] = now // a kid is part of a token, which shan't be kept
	}
}

// A flight is one fetch and those who wait for it. It ends within twice Config.Timeout.
type flight struct {
	done    chan struct{}
	err     error // wraps ErrUnavailable; to be read when done is closed
	waiters int   // lookups of unknown kids; guarded by Cache.mu
}

// wait returns nil when the flight has ended, in whatever way, and an error that wraps ctx.Err() if ctx ends before.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	default:
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("jwks: waiting for the issuer's keys: %w", ctx.Err())
	}
}

// flight returns the fetch in progress, or begins one if the keys are not FRESH and the last failure is long enough
// ago, or returns nil.
func (c *Cache) flight() *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	if s.flight != nil || s.state(now) == Fresh || s.mustWait(now) > 0 {
		return s.flight
	}
	return c.begin()
}

// begin starts a fetch. c.mu is held, and none is in progress.
func (c *Cache) begin() *flight {
	s := *c.current.Load()
	s.flight = &flight{done: make(chan struct{})}
	s.fetches++
	c.current.Store(&s)
	go c.fly(&s)
	return s.flight
}

// fly fetches the keys. It belongs to nobody's request: whoever began it may be gone before it ends.
func (c *Cache) fly(s *snapshot) {
	var a answer
	began, err := c.cfg.Now(), errors.New("the fetch was ended from within")
	defer func() {
		// A Transport may be anybody's. What it does here would else end the program.
		if p := recover(); p != nil {
			err = fmt.Errorf("the HTTP client panicked with a %T", p)
		}
		c.land(began, a, err)
	}()
	a, err = c.source.fetch(s.validator, s.set != nil)
}

// land puts the outcome of a fetch in place, and tells those who wait.
func (c *Cache) land(began time.Time, a answer, err error) {
	c.mu.Lock()
	now := c.cfg.Now()
	s := *c.current.Load()
	f := s.flight
	s.flight = nil
	changed := false
	if err != nil {
		f.err = s.fail(began, now, err)
	} else {
		changed = s.succeed(began, a)
	}
	if changed {
		clear(c.missing)
	}
	was := s.logged
	s.logged = phase{s.state(now), s.failures > 0}
	c.current.Store(&s)
	close(f.done)
	c.mu.Unlock()

	c.logPhase(&s, was, now)
	if changed && len(s.set.leftOut) > 0 {
		c.logLeftOut(s.set)
	}
}

// fail changes a copy of the snapshot: the keys stay as they were.
func (s *snapshot) fail(began, now time.Time, err error) error {
	s.failures++
	s.failed, s.err = began, err
	s.backoff = backoff(s.failures, s.set == nil)
	if status := (*statusError)(nil); errors.As(err, &status) && status.retryAfter > 0 {
		s.backoff = max(s.backoff, elapsed(began, now)+status.retryAfter)
	}
	return &unavailable{err, max(s.mustWait(now), time.Second)}
}

// succeed changes a copy of the snapshot, and reports whether there is another set in it now. Keys that are not in
// the answer are gone: the issuer has withdrawn them.
func (s *snapshot) succeed(began time.Time, a answer) (changed bool) {
	s.successes++
	s.failures, s.backoff, s.err = 0, 0, nil
	s.fetched = began
	s.validator = a.validator
	if !a.notModified || a.said { // RFC 9111, Section 4.3.4: what a 304 doesn't say stays as it was
		s.ttl, s.staleFor = a.ttl, a.staleFor
	}
	s.freshFor = s.ttl/10*8 - jitter(s.ttl/10)
	if a.notModified || s.set.equal(a.keys, a.leftOut) {
		return false
	}
	generation := 1
	if s.set != nil {
		generation += s.set.generation
	}
	s.set = newKeySet(a.keys, a.leftOut, generation)
	return true
}

// unavailable is the error for a lookup that found nothing to serve, or a fetch that failed. Its cause is text only:
// an error of the fetch's own context must not look like one of the caller's.
type unavailable struct {
	cause error
	after time.Duration
}

func (e *unavailable) Error() string {
	return fmt.Sprintf("%v: %v", ErrUnavailable, e.cause)
}

func (e *unavailable) Unwrap() error { return ErrUnavailable }

// RetryAfter says when it is worthwhile to ask again.
func (e *unavailable) RetryAfter() time.Duration { return e.after }
