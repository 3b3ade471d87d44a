package validator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// How [NewMuxFunc] keeps what its function returns.
const (
	MuxSize       = 1 << 14         // tenants kept; those in use stay when others must go
	MuxLifetime   = time.Hour       // of a tenant, until it is asked for again, and at most as long once more
	MuxForgetting = 5 * time.Second // of an answer that there is no such tenant, or of an error
	MuxTimeout    = 5 * time.Second // of a call of the function
	MuxRate       = 100             // calls a second for new tenants, and as many for others; as many again at once
)

// NewMuxFunc returns a Mux for tenants that the service looks up, in a database say. Tenant gets the "iss" of a token,
// which nobody has verified: it must be looked for among known ones, and never be made into an address. Tenant returns
// nil without an error if there is no such tenant, which refuses the token with [CodeIssuer]. Its error refuses the token
// with [CodeUnavailable], unless an [*Error] is in its chain; so does its panic. Its ctx ends after [MuxTimeout].
//
// What tenant returns is kept for all issuers of the Validator, [MuxSize] answers at most, for [MuxLifetime]. Then the
// Validator stays in use while tenant is called again, behind the requests' backs, and if that fails for as
// long once more: an outage of a database doesn't end what works. Tenant should return the same Validator as long as nothing
// has changed: a new one begins without keys and remembers no tokens.
//
// Tenant is called once for all requests that wait for an issuer. For new issuers it is called [MuxRate] times a second:
// what exceeds that is refused with [CodeUnavailable]. So whoever sends tokens of many made-up issuers can keep a tenant
// waiting whose first token comes meanwhile, though none that has been here before; limit the requests of strangers, by
// their address say, before they come here. The longest token that the Mux reads is of [DefaultMaxTokenSize].
func NewMuxFunc(tenant func(ctx context.Context, issuer string) (*Validator, error)) *Mux {
	mustBe(tenant != nil, "NewMuxFunc: nil function")
	return &Mux{newTenants(tenant).find, DefaultMaxTokenSize}
}

func newTenants(tenant func(ctx context.Context, issuer string) (*Validator, error)) *tenants {
	return &tenants{
		tenant: tenant,
		// No expiry of its own: that would take a goroutine.
		answers:  otter.Must(&otter.Options[string, *answer]{MaximumSize: MuxSize, Logger: &otter.NoopLogger{}}),
		first:    rate.NewLimiter(MuxRate, MuxRate),
		renewals: rate.NewLimiter(MuxRate, MuxRate),
	}
}

// tenants remembers what a function says of issuers.
type tenants struct {
	tenant  func(ctx context.Context, issuer string) (*Validator, error)
	answers *otter.Cache[string, *answer]

	// Whoever makes up issuers uses up the calls for new ones, and must not use up those for the others.
	first, renewals *rate.Limiter
}

// An answer is kept whatever it is; that there is nothing, or an error, just for a moment.
type answer struct {
	v       *Validator
	err     error
	expires time.Time
	renewal atomic.Int64 // when to try the next one, in Unix nanoseconds
}

func newAnswer(v *Validator, err error, lifetime time.Duration) *answer {
	return &answer{v: v, err: err, expires: time.Now().Add(lifetime)}
}

func (t *tenants) find(ctx context.Context, issuer string) (*Validator, error) {
	if len(issuer) > maxIssuer {
		return nil, nil
	}
	now := time.Now()
	a, ok := t.answers.GetIfPresent(issuer)
	switch {
	case ok && now.Before(a.expires):
		return a.v, a.err
	case ok && a.v != nil && now.Before(a.expires.Add(MuxLifetime)):
		if at := a.renewal.Load(); at <= now.UnixNano() && a.renewal.CompareAndSwap(at, now.Add(MuxTimeout+MuxForgetting).UnixNano()) {
			go t.renew(context.WithoutCancel(ctx), strings.Clone(issuer))
		}
		return a.v, nil
	}

	issuer = strings.Clone(issuer) // lest it keeps the whole token
	t.answers.ComputeIfPresent(issuer, func(present *answer) (*answer, otter.ComputeOp) {
		if present != a {
			return present, otter.CancelOp // another request has asked meanwhile
		}
		return nil, otter.InvalidateOp
	})
	a, err := t.answers.Get(ctx, issuer, otter.LoaderFunc[string, *answer](t.load))
	if err != nil {
		return nil, err
	}
	return a.v, a.err
}

// load asks for a new issuer.
func (t *tenants) load(ctx context.Context, issuer string) (*answer, error) {
	if !t.first.Allow() {
		return nil, &Error{Code: CodeUnavailable, Err: errMuxRate} // no answer to remember
	}
	v, err := t.ask(ctx, issuer)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, err // this request's trouble only
	case err != nil || v == nil:
		return newAnswer(nil, err, MuxForgetting), nil
	}
	a := newAnswer(v, nil, MuxLifetime)
	for _, other := range v.cfg.Issuers {
		if other != issuer {
			t.answers.SetIfAbsent(other, a) // one tenant, one set of keys
		}
	}
	return a, nil
}

// renew asks again for an issuer that has a Validator. It ends with MuxTimeout.
func (t *tenants) renew(ctx context.Context, issuer string) {
	if !t.renewals.Allow() {
		return // the next try comes
	}
	v, err := t.ask(ctx, issuer)
	switch {
	case err == nil && v != nil:
		t.answers.Set(issuer, newAnswer(v, nil, MuxLifetime))
	case err == nil || CodeOf(err) != CodeUnavailable:
		t.answers.Set(issuer, newAnswer(nil, err, MuxForgetting))
	}
}

// ask calls the function. Its error is an [*Error].
func (t *tenants) ask(ctx context.Context, issuer string) (v *Validator, err error) {
	ctx, cancel := context.WithTimeout(ctx, MuxTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Mux's function panicked with a %T", p)
		}
		var refusal *Error
		if err != nil && (!errors.As(err, &refusal) || refusal == nil) {
			v, err = nil, &Error{Code: CodeUnavailable, Err: err}
		}
	}()
	return t.tenant(ctx, issuer)
}

// maxIssuer is the length in bytes of the longest issuer that a [NewMuxFunc] function is asked for.
const maxIssuer = 1 << 10

var errMuxRate = errors.New("too many issuers are asked for at once")
