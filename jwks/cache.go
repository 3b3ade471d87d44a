package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rsguard/rsguard/internal/keysat"
	"github.com/rsguard/rsguard/internal/observing"
)

// ErrUnavailable is wrapped by the errors of [Cache.Keys] and [Cache.Refresh]
// that report that the issuer could not be reached, or returned no usable key.
var ErrUnavailable = errors.New("jwks: the issuer's keys are unavailable")

// ErrConfig is wrapped together with [ErrUnavailable] if the cause is a mistake
// in the [Config] rather than an outage. That is so if the issuer answers, but
// has never answered with its metadata, or with a key set.
var ErrConfig = errors.New("jwks: the issuer's keys are not where the Config says")

// A Cache holds the keys of one issuer. A lookup that finds them too old
// fetches them again. It is safe for concurrent use. Make one per issuer with
// [NewCache], and keep it as long as the program runs. The zero Cache has no
// keys: its lookups fail with [ErrUnavailable].
type Cache struct {
	cfg        Config
	systemTime bool   // cfg.Now is time.Now
	jitter     jitter // spreads the fetches of many processes
	fallback   *keySet
	teller     *observing.Teller
	unknown    unknownCount

	current atomic.Pointer[snapshot] // read without a lock, replaced under mu

	mu      sync.Mutex           // never held across I/O
	source  source               // copied by each flight, replaced by the flight's when it lands
	missed  interval             // after a fetch for an unknown kid that did not bring it
	found   interval             // after one that did
	again   interval             // after one for a signature that was by none of the keys
	missing map[string]time.Time // when a fetch did not find a kid, in this generation
}

// NewCache returns a Cache for cfg. It does no I/O and starts no goroutine. The
// first lookup fetches the keys. The error joins all faults of cfg.
func NewCache(cfg Config) (*Cache, error) {
	systemTime := cfg.Now == nil
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, systemTime: systemTime, jitter: rand.Int64N, missing: make(map[string]time.Time)}
	c.teller = newTeller(&c.cfg)
	c.source = source{
		cfg: &c.cfg, client: newClient(cfg.Client), teller: c.teller,
		requests: make(chan struct{}, maxRequests), furtherRequests: make(chan struct{}, maxRequests),
	}

	if cfg.InsecureHTTP {
		c.log(slog.LevelWarn,
			"jwks: plain http is accepted: an attacker on the network can replace the issuer's keys",
			slog.String("issuer", c.cfg.name()), slog.String("option", "InsecureHTTP"))
	}
	if len(cfg.Fallback) > 0 {
		c.fallback = newKeySet(cfg.Fallback, nil, 0)
	}
	c.current.Store(firstSnapshot(&c.cfg, c.jitter))
	return c, nil
}

// Keys returns the keys with the key ID kid, or all keys if kid is empty. If no
// key has this ID, the result is empty and the error nil. That is certain only
// after the issuer was asked. If it could not be asked for a kid that is not
// held, the error wraps [ErrUnavailable]. A lookup of a known
// key takes no lock and allocates nothing while the keys are fresh. The package
// documentation describes when a lookup waits for the issuer. The caller must
// not change the result.
//
// If there are no keys that may be served, the error wraps [ErrUnavailable]. It
// has a method RetryAfter() time.Duration, which returns the time until another
// attempt can succeed. If ctx is done before the issuer has answered, the error
// wraps ctx.Err(). Other callers that wait for the same answer still get it.
func (c *Cache) Keys(ctx context.Context, kid string) ([]Key, error) {
	s := c.current.Load()
	if s == nil {
		return nil, errNotMade
	}
	// The clock is read after the snapshot. Otherwise the snapshot could be
	// newer than now.
	now := c.cfg.Now()
	l, waited := lookup{s.successes, now}, false
	if state := s.state(now); state != Fresh {
		var err error
		if s, waited, err = c.renew(ctx, s, state, now, kid); err != nil {
			return nil, err
		}
	}
	if keys, ok := s.set.keys.Find(kid); ok {
		return keys, nil
	}
	if waited {
		if s.failures > 0 || s.successes == l.successes {
			return nil, s.couldNotLook(c.cfg.Now())
		}
		if s.answers(l) {
			c.countUnknown(now)
			return nil, nil // a lookup waits once
		}
		l.successes = s.successes
	}
	keys, err := c.findUnknown(ctx, kid, l)
	if len(keys) == 0 && err == nil {
		c.countUnknown(now)
	}
	return keys, err
}

// keysAt is Keys for a caller that has got now from [time.Now] this moment. A
// Cache with a [Config].Now asks that instead. See package keysat.
func (c *Cache) keysAt(ctx context.Context, kid string, now time.Time) ([]Key, error) {
	if s := c.current.Load(); c.systemTime && s.state(now) == Fresh {
		if keys, ok := s.set.keys.Find(kid); ok {
			return keys, nil
		}
	}
	return c.Keys(ctx, kid)
}

func init() { keysat.Func = (*Cache).keysAt } //nolint:gochecknoinits // an address is put in place, no work is done

// Refresh fetches the keys now. It does so even if the keys are fresh, or if a
// fetch has just failed. Use it to fetch the keys before the first request, or to
// drop a key at once that the issuer has withdrawn. If a fetch is in progress,
// Refresh waits for it first, because its response may be from before. Calls at
// the same time share one fetch. The error wraps [ErrUnavailable], or
// ctx.Err() if ctx is done before the issuer has answered. After an error the
// keys held stay in use.
func (c *Cache) Refresh(ctx context.Context) error {
	if c.current.Load() == nil {
		return errNotMade
	}
	asked := c.cfg.Now()
	for {
		f, isNew := c.flightSince(asked)
		if _, err := f.wait(ctx, 0); err != nil {
			return err
		}
		if !isNew {
			continue
		}
		if s := c.current.Load(); f.spared && c.serving(s, c.cfg.Now()) != s.set {
			return nil // there is nothing of the issuer's own address to be served
		}
		return f.err
	}
}

// flightSince returns the fetch in progress, and whether it is one of Refresh
// that began at this time or later. If there is none, it begins one, which is
// new also if the clock was set back.
func (c *Cache) flightSince(asked time.Time) (f *flight, isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f = c.current.Load().inFlight(c.cfg.Now()); f != nil {
		return f, f.explicit && elapsed(f.began, asked) <= 0
	}
	return c.begin(&flight{explicit: true}), true
}

var errNotMade = fmt.Errorf("%w: the Cache was not made by NewCache", ErrUnavailable)

// renew does what a state other than FRESH requires. It returns the snapshot to
// serve from, and reports whether it waited for a fetch.
func (c *Cache) renew(ctx context.Context, s *snapshot, state State, now time.Time, kid string) (*snapshot, bool, error) {
	c.observe(s, state)
	if state == Revalidate || state == Expired && s.failedLately(now) {
		if s.inFlight(now) == nil && s.mustWait(now) == 0 {
			c.flight() // in the background
		}
		return s, false, nil
	}
	if set := c.serving(s, now); set != nil && s.failedLately(now) && (s.spare != nil || set.holds(kid)) {
		c.flight() // in the background, if it may be
		return s.with(set), false, nil
	}

	f, ended := c.flight(), false
	if f != nil {
		var err error
		if ended, err = f.wait(ctx, c.patience(s, state, kid)); err != nil {
			return nil, false, err
		}
	}
	s = c.current.Load()
	now = c.cfg.Now()
	state = s.state(now)
	c.observe(s, state)
	if ended && f.err != nil && s.failures == 0 && (state == Empty || state == Dead) {
		return nil, false, f.err // it was frozen, and the fetch in its place has not ended
	}
	switch set := c.serving(s, now); set {
	case nil:
		return nil, false, &unavailable{s.err, max(s.mustWait(now), time.Second)}
	case s.set:
		return s, f != nil, nil
	default:
		return s.with(set), true, nil
	}
}

// patience returns how long a lookup waits for a fetch. Zero means until the
// fetch ends: without it there are no keys to serve, or only keys that may have
// been withdrawn. A kid that isn't held may be made up, so a lookup of one must
// not wait for both steps of a fetch.
func (c *Cache) patience(s *snapshot, state State, kid string) time.Duration {
	if state == Expired {
		if _, ok := s.set.keys.Find(kid); !ok {
			return c.cfg.Timeout
		}
	}
	return 0
}

// unavailable is the error of a lookup that found nothing to serve, or of a
// fetch that failed. It doesn't wrap its cause, because an error of the fetch's
// own context must not look like one of the caller's.
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

// RetryAfter returns the time until another attempt can succeed.
func (e *unavailable) RetryAfter() time.Duration { return e.after }
