package validator

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// How [NewMuxFunc] keeps what its function returns. Its documentation has the
// numbers.
const (
	muxSize       = 1 << 14          // tenants kept; those in use stay when others must go
	muxRenewal    = 5 * time.Minute  // from one call for a tenant in use to the next, at most
	muxLifetime   = 10 * time.Minute // of a tenant, until a call has to confirm it first
	muxStale      = time.Hour        // how much longer a tenant lives while calls fail
	muxForgetting = 5 * time.Second  // of an answer that there is no such tenant, or of an error
	muxTimeout    = 5 * time.Second  // of a call
	muxRate       = 100              // calls a second for new issuers, and as many again at once
)

// NewMuxFunc returns a Mux for tenants that the service looks up, such as in a
// database. The function tenant gets the "iss" of a token, which is not
// verified yet. It must look for it among known issuers, and never use it as an
// address. It returns the Validator of this issuer, or nil and no error if
// there is no such tenant. The token is rejected with [CodeIssuer] if there is
// none, or if the Validator's own issuers lack this one.
//
// If tenant returns an error, the token is rejected with [CodeUnavailable], or
// with the Code of an [*Error] in the error's chain. A panic counts as an error
// without an [*Error]. The function must return when its ctx is done, which is
// after 5 seconds. If it returns no Validator, that is remembered for 5
// seconds.
//
// A tenant with several issuers is looked up once for each of them. The
// function should return the same Validator for all of them, and as long as
// nothing has changed. A new Validator begins without keys and without
// remembered tokens.
//
// Results are kept for at most 16,384 issuers. While tokens of an issuer come,
// the function is called again every 5 minutes in the background. A tenant that
// it no longer returns is rejected from then on. After 10 minutes without
// tokens or without a successful call, it is called before the next token is
// accepted. Only if that call fails with CodeUnavailable, the known Validator
// is used for one more hour, so that an outage of a database does not stop the
// service. [Mux.Forget] ends a tenant at once.
//
// All requests that wait for an issuer share one call. For issuers that never
// had a Validator, there are at most 100 calls per second, and tokens that
// exceed that are rejected with CodeUnavailable. Made-up issuers can therefore
// delay the first token of a new tenant, but no token of a tenant that was here
// before. To prevent that, limit the requests of unknown clients in front of
// the Mux, such as by their address. The longest token that the Mux reads has
// [DefaultMaxTokenSize] bytes.
func NewMuxFunc(tenant func(ctx context.Context, issuer string) (*Validator, error)) *Mux {
	mustBe(tenant != nil, "NewMuxFunc: nil function")
	m := &Mux{maxTokenSize: DefaultMaxTokenSize, memory: newMemory(0)}
	m.tenants = &tenants{
		ask: tenant,
		now: m.now,
		// The cache has no expiry, which would take a goroutine.
		known: otter.Must(&otter.Options[string, *knownTenant]{MaximumSize: muxSize, Logger: &otter.NoopLogger{}}),
		calls: make(map[string]*call),
		seen:  newSeenSet(),
		first: rate.NewLimiter(muxRate, muxRate),
		// Each known tenant is looked up every few minutes, or every few
		// seconds if that fails. All of them may be due at once, such as in the
		// morning.
		renewals: rate.NewLimiter(muxRate, muxSize),
	}
	return m
}

// tenants remembers the results of a function for issuers.
//
// An attacker can make up issuers, and use the names of tenants. What is known
// of tenants is therefore kept apart from what is known of other issuers, and
// calls for the two are limited apart.
type tenants struct {
	ask   func(ctx context.Context, issuer string) (*Validator, error)
	now   func() time.Time
	known *otter.Cache[string, *knownTenant] // issuers that have a Validator, and nothing else

	mu    sync.Mutex // never held while the function is called
	calls map[string]*call
	seen  *seenSet // issuers that have had a Validator, also if known has no more room for them

	first, renewals *rate.Limiter
	waiting         int    // requests that wait for a call of the kind first
	running         [2]int // calls that have not returned, of each kind
	sweepAt         int    // the size of calls that begins the next sweep
}

// A knownTenant is an issuer's Validator.
type knownTenant struct {
	v     *Validator
	asked time.Time    // when the call began that has returned v
	next  atomic.Int64 // when to call next, in Unix nanoseconds

	// Guarded by tenants.mu.
	failed time.Time // when a call for it failed last
	err    error
}

func newKnownTenant(v *Validator, asked time.Time) *knownTenant {
	k := &knownTenant{v: v, asked: asked}
	// Spread, so that tenants that came together are not renewed together.
	k.next.Store(asked.Add(muxRenewal - rand.N(muxRenewal/5)).UnixNano()) //nolint:gosec // G404: spreading needs no secrecy
	return k
}

// lived reports whether k was confirmed less than d ago. If the clock was set
// back, that is unknown.
func (k *knownTenant) lived(d time.Duration, now time.Time) bool {
	age := now.Sub(k.asked)
	return 0 <= age && age < d
}

func (k *knownTenant) due(now time.Time) bool { return now.UnixNano() >= k.next.Load() }

// lately is how long a failed call counts as recent.
const lately = 2 * time.Minute

func (k *knownTenant) failedLately(now time.Time) bool {
	ago := now.Sub(k.failed)
	return !k.failed.IsZero() && 0 <= ago && ago < lately
}

// retryAt sets the next call after a failed one.
func (k *knownTenant) retryAt(now time.Time) {
	k.next.Store(now.Add(muxForgetting + rand.N(muxForgetting/2)).UnixNano()) //nolint:gosec // G404: spreading needs no secrecy
}

// find returns the Validator of issuer, or nil if there is none.
func (t *tenants) find(ctx context.Context, issuer string) (*Validator, error) {
	if len(issuer) > maxIssuer {
		return nil, nil
	}
	now := t.now()
	if k, ok := t.known.GetIfPresent(issuer); ok && k.lived(muxLifetime, now) && !k.due(now) {
		return k.v, nil // without a lock
	}

	t.mu.Lock()
	k, c, err := t.resolve(ctx, issuer, now)
	if c == nil {
		t.mu.Unlock()
		if k != nil {
			return k.v, nil
		}
		return nil, err
	}
	if c.kind == firstLook {
		if t.waiting >= maxWaiting {
			t.mu.Unlock()
			return nil, tenantsUnavailable(errTooManyIssuers)
		}
		t.waiting++
	}
	t.mu.Unlock()

	v, err := c.wait(ctx)

	t.mu.Lock()
	defer t.mu.Unlock()
	if c.kind == firstLook {
		t.waiting--
	}
	if err != nil && ctx.Err() == nil && k != nil && !c.forgotten && outlives(k, err, now) {
		return k.v, nil
	}
	return v, err
}

// resolve decides what a request for issuer gets: the Validator of k, the
// result of the call c or k if that fails, err, or that there is no such
// tenant. t.mu is held.
func (t *tenants) resolve(ctx context.Context, issuer string, now time.Time) (k *knownTenant, c *call, err error) {
	k, _ = t.known.GetIfPresent(issuer)
	c = t.calls[issuer]
	if c != nil && c.over(now) {
		delete(t.calls, issuer)
		c = nil
	}
	switch {
	case k == nil && c == nil:
		kind := firstLook
		if t.seen.has(issuer) {
			kind = renewal
		}
		c, err = t.begin(ctx, issuer, kind, now)
		return nil, c, err
	case k == nil && c.ended:
		return nil, nil, c.err
	case k == nil:
		return nil, c, nil
	}

	// No request waits for another call after one that has failed recently,
	// since it would probably fail too. A failure of an hour ago says nothing.
	patient := !k.lived(muxLifetime, now) && !k.failedLately(now)
	if c == nil && (patient || k.due(now)) {
		if c, err = t.begin(ctx, issuer, renewal, now); err != nil {
			k.failed, k.err = now, err
			k.retryAt(now)
		} else {
			k.next.Store(now.Add(muxTimeout + muxForgetting).UnixNano())
		}
	}
	switch {
	case c != nil && (patient || !k.lived(muxLifetime+muxStale, now)):
		return k, c, nil
	case k.lived(muxLifetime+muxStale, now):
		return k, nil, nil
	}
	return nil, nil, k.err
}

// outlives reports whether k stays in use after a call for it has failed.
func outlives(k *knownTenant, err error, now time.Time) bool {
	return CodeOf(err) == CodeUnavailable && k.lived(muxLifetime+muxStale, now)
}

// forget drops what is known of issuer. A call that has begun counts only for
// the requests that wait for it.
func (t *tenants) forget(issuer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.calls[issuer]; c != nil {
		c.forgotten = true
		delete(t.calls, issuer)
	}
	t.known.Invalidate(issuer)
}

// maxIssuer is the length in bytes of the longest issuer that the function of a
// [NewMuxFunc] gets.
const maxIssuer = 1 << 10
