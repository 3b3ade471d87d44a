package jwks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnavailable is in the chain of the errors of [Cache.Keys] and [Cache.Refresh] that say that the issuer could not
// be reached, or gave no usable key.
var ErrUnavailable = errors.New("jwks: the issuer's keys are unavailable")

// ErrConfig is in the chain of those of these errors that are a mistake in the
// [Config] rather than an outage: the issuer answers, but what it answers is
// not its metadata, or not a key set, and never has been.
var ErrConfig = errors.New("jwks: the issuer's keys are not where the Config says")

// A Cache holds the keys of one issuer, and fetches them when a lookup finds
// that they should be newer. It is safe for concurrent use. Make one per issuer
// with [NewCache], and keep it as long as the program runs. The zero Cache has
// no keys: its lookups fail with [ErrUnavailable].
type Cache struct {
	cfg        Config
	systemTime bool   // cfg.Now is time.Now
	source     source // used by the flight alone

	current atomic.Pointer[snapshot] // read by everybody, replaced under mu

	mu       sync.Mutex           // never held across I/O
	forced   time.Time            // when the last fetch for an unknown kid began
	everBeen bool                 // there was such a fetch
	missing  map[string]time.Time // kids that were just fetched for, in vain, in this generation
}

// NewCache makes a Cache. It does no I/O and starts no goroutine: the keys are fetched by the first lookup. Its error
// joins everything that is wrong with cfg.
func NewCache(cfg Config) (*Cache, error) {
	systemTime := cfg.Now == nil
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, systemTime: systemTime, missing: make(map[string]time.Time)}
	c.source = source{cfg: &c.cfg, client: newClient(cfg.Client), requests: make(chan struct{}, maxRequests)}

	first := &snapshot{logged: phase{state: Empty}}
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
	if s == nil {
		return nil, errNotMade
	}
	// The clock is read after the snapshot, for else the snapshot could be from the clock's future.
	now := c.cfg.Now()
	successes, waited := s.successes, false
	if state := s.state(now); state != Fresh {
		var err error
		if s, waited, err = c.renew(ctx, s, state, now, kid); err != nil {
			return nil, err
		}
	}
	if keys, ok := s.set.find(kid); ok || waited {
		return keys, nil // nobody waits twice
	}
	return c.findUnknown(ctx, kid, successes)
}

// KeysAt is Keys for a caller that has got now from [time.Now] this moment: to read the clock is half of what a lookup of
// a key that is held costs. With an older now it returns keys that Keys would no longer. A Cache with a [Config].Now asks
// that instead.
func (c *Cache) KeysAt(ctx context.Context, kid string, now time.Time) ([]Key, error) {
	if s := c.current.Load(); c.systemTime && s.state(now) == Fresh {
		if keys, ok := s.set.find(kid); ok {
			return keys, nil
		}
	}
	return c.Keys(ctx, kid)
}

// Refresh fetches the keys now, or waits for the fetch in progress, whatever the age of those that are held and
// however recently a fetch has failed. Use it to warm up at start. Its error wraps [ErrUnavailable], or ctx.Err()
// if ctx is done before the issuer has answered. Keys that are held stay in use after an error.
func (c *Cache) Refresh(ctx context.Context) error {
	if c.current.Load() == nil {
		return errNotMade
	}
	c.mu.Lock()
	f := c.current.Load().flight
	if f == nil {
		f = c.begin()
	}
	c.mu.Unlock()
	if _, err := f.wait(ctx, 0); err != nil {
		return err
	}
	return f.err
}

var errNotMade = fmt.Errorf("%w: the Cache was not made by NewCache", ErrUnavailable)

// renew does what a state other than FRESH asks for. It returns the snapshot to serve from, and whether it waited for a
// fetch, or an error.
func (c *Cache) renew(ctx context.Context, s *snapshot, state State, now time.Time, kid string) (*snapshot, bool, error) {
	c.observe(s, state)
	if state == Revalidate || state == Expired && s.failedLately(now) {
		if s.flight == nil && s.mustWait(now) == 0 {
			c.flight() // behind this request's back
		}
		return s, false, nil
	}

	f := c.flight()
	if f != nil {
		if _, err := f.wait(ctx, c.patience(s, state, kid)); err != nil {
			return nil, false, err
		}
	}
	s = c.current.Load()
	now = c.cfg.Now()
	state = s.state(now)
	c.observe(s, state)
	// Without a failure it is as good as it gets, even if it took longer to come than it is to live.
	if s.failures > 0 && (state == Empty || state == Dead) {
		return nil, false, &unavailable{s.err, max(s.mustWait(now), time.Second)}
	}
	return s, f != nil, nil
}

// patience is how long a lookup waits for a fetch, or zero for as long as that takes: there is nothing to serve
// before, or nothing better than keys that may have been withdrawn. But who asks for a key that isn't among
// those that are held may have made it up, and is not to hold a request for the sake of both steps of a fetch.
func (c *Cache) patience(s *snapshot, state State, kid string) time.Duration {
	if state == Expired {
		if _, ok := s.set.find(kid); !ok {
			return c.cfg.Timeout
		}
	}
	return 0
}

// unavailable is the error for a lookup that found nothing to serve, or a fetch that failed. Its cause isn't in
// its chain: an error of the fetch's own context must not look like one of the caller's.
type unavailable struct {
	cause error
	after time.Duration
}

func (e *unavailable) Error() string {
	return fmt.Sprintf("%v: %v", ErrUnavailable, e.cause)
}

func (e *unavailable) Unwrap() []error {
	if errors.Is(e.cause, ErrConfig) {
		return []error{ErrUnavailable, ErrConfig}
	}
	return []error{ErrUnavailable}
}

// RetryAfter says when it is worthwhile to ask again.
func (e *unavailable) RetryAfter() time.Duration { return e.after }
