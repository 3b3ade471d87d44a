package clientauth

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Store shares tokens among the processes of a service, so that all of them
// together make about as many token requests as one. Package redistokens has
// one for Redis and Valkey. A Store must be safe for concurrent use.
//
// Values are encrypted before a Store gets them, and say which request they
// answer. A Store keeps bytes and needs no secret. Each call has a context with
// a deadline of a tenth of Config.Timeout. If a call fails or doesn't return in
// that time, the process requests its token from the issuer.
type Store interface {
	// Load returns the value of that name, or nil if there is none. It must not
	// return one of more than [MaxStored] bytes.
	Load(ctx context.Context, name string) ([]byte, error)

	// Lease reports whether holder may request the token of that name, which
	// then no other holder may until the lease ends or is given back by Save.
	Lease(ctx context.Context, name, holder string, lease time.Duration) (bool, error)

	// Save keeps a value for so long, and gives back the lease if it is the
	// holder's. If value is nil, it does the latter alone.
	Save(ctx context.Context, name, holder string, value []byte, life time.Duration) error
}

// MaxStored is the size in bytes of the largest value in a [Store].
const MaxStored = 256 << 10

// Times that need no option.
const (
	lease       = 3 * time.Second        // after that, a request may begin beside one that has not ended
	poll        = 100 * time.Millisecond // between two looks at a request in progress, and as much again at random
	clockSkew   = 30 * time.Second       // between the clocks of two processes
	failureLife = time.Second            // how long a failure counts for the others, unless the issuer asks for more
	reportAgain = time.Minute            // between two records of values that are not used
)

// A place is where the Store has the token of one request.
type place struct {
	name   string
	bound  []byte // what its value is sealed for
	holder string
}

// obtain gets the token of w from the Store or from the issuer. One from the
// Store must be later than the one that is held, whose number is after.
func (c *state) obtain(ctx context.Context, w wanted, after int64) (*grant, *Error) {
	if c.shared == nil {
		return c.fetch(ctx, w)
	}
	p := c.place(w)
	waiting, cancel := context.WithTimeout(ctx, c.cfg.Timeout/5*3) // the rest is for a request of our own
	defer cancel()
	var found *record
	leased, works := false, true
	for waiting.Err() == nil {
		var err error
		if found, err = c.load(waiting, p); err != nil {
			works = false
			break
		}
		g, failure := c.accept(ctx, found, w, after), found.failure(c.cfg.Now())
		if g != nil || failure != nil {
			if leased {
				c.save(ctx, p, nil)
			}
			if g != nil {
				return g, nil
			}
			return nil, failure
		}
		if leased {
			break
		}
		if leased, err = c.lease(waiting, p); err != nil {
			works = false
			break
		}
		if !leased {
			sleep(waiting, poll+rand.N(poll)) //nolint:gosec // G404: spreading needs no secrecy
		}
		// Otherwise look again: what was missing may have come in between.
	}
	g, failure := c.fetch(ctx, w)
	if g != nil {
		g.seq = max(after, found.number()) + 1
	}
	if next := found.next(g, failure, c.cfg.Now()); leased || works && next != nil {
		c.save(ctx, p, next)
	}
	return g, failure
}

// accept returns the token of a record if it is later than the one that is held
// and passes the checks of one that comes from the issuer.
func (c *state) accept(ctx context.Context, r *record, w wanted, after int64) *grant {
	if r == nil || r.Token == "" || r.Seq <= after {
		return nil
	}
	now := c.cfg.Now()
	age := now.Round(0).Sub(time.UnixMilli(r.Requested))
	if age < -clockSkew {
		c.report("it was requested in the future: compare the clocks")
		return nil
	}
	lifetime := time.Duration(r.Lifetime) * time.Millisecond
	if lifetime <= 0 || lifetime > c.cfg.MaxLifetime {
		return nil
	}
	g, err := c.checked(ctx, offer{r.Token, r.Type, r.Scope, lifetime}, w, now.Add(-max(age, 0)))
	if err != nil {
		c.report(err.Error())
		return nil
	}
	if g.seq = r.Seq; !g.isGood(now) {
		return nil
	}
	return g
}

func (c *state) load(ctx context.Context, p place) (*record, error) {
	var value []byte
	err := c.shared.call(ctx, func(ctx context.Context) (err error) {
		value, err = c.shared.store.Load(ctx, p.name)
		return err
	})
	c.noteStore(ctx, err)
	if err != nil || len(value) == 0 {
		return nil, err
	}
	r, err := c.shared.seal.open(value, p.bound)
	if err != nil {
		c.report(err.Error())
		return nil, nil //nolint:nilnil // it is as if there were none
	}
	return r, nil
}

func (c *state) lease(ctx context.Context, p place) (leased bool, err error) {
	err = c.shared.call(ctx, func(ctx context.Context) (err error) {
		leased, err = c.shared.store.Lease(ctx, p.name, p.holder, lease)
		return err
	})
	c.noteStore(ctx, err)
	return leased && err == nil, err
}

// save keeps r, if it is not nil, and gives back the lease. It does so too if
// the request has taken all of its time.
func (c *state) save(ctx context.Context, p place, r *record) {
	var value []byte
	var life time.Duration
	if r != nil {
		if life = r.life(c.cfg.Now()); life > 0 {
			value = c.shared.seal.close(r, p.bound)
		}
		if len(value) > MaxStored {
			value = nil
		}
	}
	ctx = context.WithoutCancel(ctx)
	c.noteStore(ctx, c.shared.call(ctx, func(ctx context.Context) error {
		return c.shared.store.Save(ctx, p.name, p.holder, value, life)
	}))
}

// sleep returns when the time is over, or ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
