package validator

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/rsguard/rsguard/internal/fault"
)

// A call is one call of the function of [NewMuxFunc], for all requests that
// wait for its result. If the result is no Validator, it is remembered for
// muxForgetting.
type call struct {
	issuer string
	kind   callKind
	began  time.Time
	ctx    context.Context //nolint:containedctx // the call's own, which ends it
	done   chan struct{}   // closed when v and err are known
	v      *Validator
	err    error // an *Error

	// Guarded by tenants.mu.
	ended     bool
	at        time.Time // when it ended
	forgotten bool      // by Mux.Forget
}

// A callKind says which limits apply to a call.
type callKind int

const (
	firstLook callKind = iota // for issuers that never had a Validator, and may be made up
	renewal                   // for those that had one
)

// These bound what unknown issuers can cause: requests that wait for a first
// look, and calls of either kind that don't return.
const maxWaiting = 1 << 10

var maxRunning = [...]int{firstLook: maxWaiting, renewal: muxSize}

var (
	errTooManyIssuers = errors.New("too many new issuers at once")
	errTooManyCalls   = errors.New("too many calls of the Mux's function have not returned")
	errSilent         = errors.New("the Mux's function has not returned in time")
)

// over reports whether c's result is no longer remembered.
func (c *call) over(now time.Time) bool {
	ago := now.Sub(c.at)
	return c.ended && (ago < 0 || ago >= muxForgetting)
}

// begin calls the function, or returns an error if there are too many calls.
// t.mu is held.
func (t *tenants) begin(ctx context.Context, issuer string, kind callKind, now time.Time) (*call, error) {
	limit := [...]*rate.Limiter{firstLook: t.first, renewal: t.renewals}[kind]
	switch {
	case t.running[kind] >= maxRunning[kind]:
		return nil, tenantsUnavailable(errTooManyCalls)
	case !limit.AllowN(now, 1):
		return nil, tenantsUnavailable(errTooManyIssuers)
	}
	t.sweep(now)
	// The call belongs to no request. The request that began it may end before
	// it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), muxTimeout)
	// The issuer is a part of a token. Without the clone, the whole token would
	// be kept.
	c := &call{issuer: strings.Clone(issuer), kind: kind, began: now, ctx: ctx, done: make(chan struct{})}
	t.calls[c.issuer] = c
	t.running[kind]++
	silent := tenantsUnavailable(errSilent)
	stop := context.AfterFunc(ctx, func() { t.end(c, nil, silent) })
	go func() {
		var v *Validator
		var err error = silent // the result if the function ends the goroutine
		defer func() {
			stop()
			t.end(c, v, err)
			cancel()
			t.mu.Lock()
			defer t.mu.Unlock()
			t.running[kind]--
		}()
		v, err = t.answer(c)
	}()
	return c, nil
}

// answer calls the function. The error is an [*Error] with a Code.
func (t *tenants) answer(c *call) (v *Validator, err error) {
	defer func() {
		if refusal := (*Error)(nil); err != nil && (!errors.As(err, &refusal) || refusal == nil || refusal.Code == "") {
			err = tenantsUnavailable(err)
		}
	}()
	if panicked := fault.Contain(func() { v, err = t.ask(c.ctx, c.issuer) }); panicked != nil {
		return nil, fmt.Errorf("the Mux's function: %w", panicked)
	}
	switch {
	case err != nil:
		return nil, err
	case v != nil && v.cfg == nil:
		return nil, tenantsUnavailable(errNotMade)
	case v != nil && !slices.Contains(v.cfg.Issuers, c.issuer):
		return nil, &Error{Code: CodeIssuer, Err: &mismatch{
			name: "iss", found: []string{c.issuer}, want: v.cfg.Issuers, advice: "the Mux's function returned a Validator of others",
		}}
	}
	return v, nil
}

// end stores a result and wakes the requests that wait. Only the first result
// counts. A function that returns too late has not returned.
func (t *tenants) end(c *call, v *Validator, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.ended {
		return
	}
	c.v, c.err = v, err
	c.ended, c.at = true, t.now()
	close(c.done)
	if c.forgotten {
		return
	}
	switch {
	case v != nil:
		delete(t.calls, c.issuer)
		t.seen.add(c.issuer)
		t.known.Set(c.issuer, newKnownTenant(v, c.began))
	case err == nil || CodeOf(err) != CodeUnavailable:
		t.seen.remove(c.issuer)
		t.known.Invalidate(c.issuer)
	default:
		if k, ok := t.known.GetIfPresent(c.issuer); ok {
			delete(t.calls, c.issuer)
			k.failed, k.err = c.at, err
			k.retryAt(c.at)
		}
	}
}

// wait returns the result, or ctx's error.
func (c *call) wait(ctx context.Context) (*Validator, error) {
	select {
	case <-c.done: // also if ctx is done
	default:
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.v, c.err
}

// sweep forgets old results. The rate of calls bounds those that are
// remembered, so the map stays in proportion to it.
func (t *tenants) sweep(now time.Time) {
	if len(t.calls) < max(t.sweepAt, maxWaiting) {
		return
	}
	for issuer, c := range t.calls {
		if c.over(now) {
			delete(t.calls, issuer)
		}
	}
	t.sweepAt = 2 * len(t.calls)
}

// A seenSet remembers issuers that have had a Validator, many more than there
// are Validators in memory. It keeps a hash that an attacker can't predict.
// When the young half is full, it takes the place of the old half, whose
// issuers are forgotten.
type seenSet struct {
	seed       maphash.Seed
	young, old map[uint64]struct{}
}

// maxSeen is the size of each half.
const maxSeen = 8 * muxSize

func newSeenSet() *seenSet {
	return &seenSet{seed: maphash.MakeSeed(), young: make(map[uint64]struct{})}
}

func (s *seenSet) has(issuer string) bool {
	hash := maphash.String(s.seed, issuer)
	_, young := s.young[hash]
	_, old := s.old[hash]
	return young || old
}

func (s *seenSet) add(issuer string) {
	if len(s.young) >= maxSeen {
		s.young, s.old = make(map[uint64]struct{}), s.young
	}
	s.young[maphash.String(s.seed, issuer)] = struct{}{}
}

func (s *seenSet) remove(issuer string) {
	hash := maphash.String(s.seed, issuer)
	delete(s.young, hash)
	delete(s.old, hash)
}
