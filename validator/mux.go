package validator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// A Mux validates the tokens of several tenants, each by its own [Validator]: its keys, its audiences, its algorithms,
// its checks. Which one is chosen by the token's "iss", which nobody has verified by then, from what the service
// knows; that Validator then demands this very issuer. So a token that one tenant has signed never passes as another's.
// A Mux is safe for concurrent use.
type Mux struct {
	find         func(ctx context.Context, issuer string) (*Validator, error)
	maxTokenSize int
}

// NewMux returns a Mux for a fixed list of tenants. It is an error if two have an issuer in common, or there is none.
func NewMux(tenants ...*Validator) (*Mux, error) {
	byIssuer := make(map[string]*Validator)
	maxTokenSize := 0
	var errs []error
	for i, v := range tenants {
		if v == nil {
			errs = append(errs, fmt.Errorf("validator: Mux: Validator %d is nil", i))
			continue
		}
		maxTokenSize = max(maxTokenSize, v.cfg.MaxTokenSize)
		for _, issuer := range v.cfg.Issuers {
			if other := byIssuer[issuer]; other != nil && other != v {
				errs = append(errs, fmt.Errorf("validator: Mux: two Validators have the issuer %q", issuer))
			}
			byIssuer[issuer] = v
		}
	}
	if len(tenants) == 0 {
		errs = append(errs, errors.New("validator: Mux: no Validators"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	find := func(_ context.Context, issuer string) (*Validator, error) { return byIssuer[issuer], nil }
	return &Mux{find, maxTokenSize}, nil
}

// How [NewMuxFunc] keeps what its function returns.
const (
	MuxSize       = 1 << 14         // tenants kept; those in use stay when others must go
	MuxLifetime   = time.Hour       // of a tenant, until it is asked for again
	MuxForgetting = 5 * time.Second // of an answer that there is no such tenant, or of an error
	MuxRate       = 100             // calls of the function in a second, and at once, for tenants that aren't known yet
)

// NewMuxFunc returns a Mux for tenants that the service looks up, in a database say. Tenant gets the "iss" of a token,
// which nobody has verified: it must be looked for among known ones, and never be made into an address. Tenant returns
// nil without an error if there is no such tenant, which refuses the token with [CodeIssuer]. Its error refuses the token
// with [CodeUnavailable], unless an [*Error] is in its chain.
//
// What tenant returns is kept, [MuxSize] answers at most, for [MuxLifetime]; then it is called again, and may return the
// same Validator, with its keys, or another one. If it then returns an error that is no refusal, the Validator that it returned
// before is used for another MuxLifetime: an outage of a database doesn't end what works.
//
// It is called once for all requests that wait for an issuer, and for issuers that it has no Validator for no more than
// [MuxRate] times in a second: what exceeds that is refused with [CodeUnavailable]. The ctx that it gets is
// that of one of the requests. The longest token that the Mux reads is of [DefaultMaxTokenSize].
func NewMuxFunc(tenant func(ctx context.Context, issuer string) (*Validator, error)) *Mux {
	mustBe(tenant != nil, "NewMuxFunc: nil function")
	return &Mux{newTenants(tenant).find, DefaultMaxTokenSize}
}

// tenants remembers what a function says of issuers.
type tenants struct {
	ask     func(ctx context.Context, issuer string) (*Validator, error)
	answers *otter.Cache[string, *answer]
	good    *otter.Cache[string, *answer] // the last ones with a Validator, used when there is trouble

	// Whoever makes up issuers uses up the calls for new ones, and must not use up those for the others.
	first, renewals *rate.Limiter
}

func newTenants(ask func(ctx context.Context, issuer string) (*Validator, error)) *tenants {
	return &tenants{
		ask:      ask,
		answers:  newAnswers(),
		good:     newAnswers(),
		first:    rate.NewLimiter(MuxRate, MuxRate),
		renewals: rate.NewLimiter(MuxRate, MuxRate),
	}
}

func newAnswers() *otter.Cache[string, *answer] {
	// No expiry of its own: that would take a goroutine.
	return otter.Must(&otter.Options[string, *answer]{MaximumSize: MuxSize, Logger: &otter.NoopLogger{}})
}

// An answer is kept whatever it is; that there is nothing, or an error, just for a moment.
type answer struct {
	v       *Validator
	err     error
	expires time.Time
}

func (t *tenants) find(ctx context.Context, issuer string) (*Validator, error) {
	if len(issuer) > maxIssuer {
		return nil, nil
	}
	now := time.Now()
	a, ok := t.answers.GetIfPresent(issuer)
	if !ok || !now.Before(a.expires) {
		issuer = strings.Clone(issuer) // lest it keeps the whole token
		t.answers.ComputeIfPresent(issuer, func(a *answer) (*answer, otter.ComputeOp) {
			if now.Before(a.expires) {
				return a, otter.CancelOp // another request has asked meanwhile
			}
			return nil, otter.InvalidateOp
		})
		var err error
		if a, err = t.answers.Get(ctx, issuer, otter.LoaderFunc[string, *answer](t.load)); err != nil {
			return nil, err
		}
	}
	return a.v, a.err
}

func (t *tenants) load(ctx context.Context, issuer string) (*answer, error) {
	last, known := t.good.GetIfPresent(issuer)
	known = known && time.Now().Before(last.expires.Add(MuxLifetime))
	limiter := t.first
	if known {
		limiter = t.renewals
	}
	var v *Validator
	err := errMuxRate
	if limiter.Allow() {
		v, err = t.ask(ctx, issuer)
	}

	now := time.Now()
	var refusal *Error
	switch {
	case err == nil && v != nil:
		a := &answer{v, nil, now.Add(MuxLifetime)}
		t.good.Set(issuer, a)
		return a, nil
	case err == nil, errors.As(err, &refusal) && refusal.Code != CodeUnavailable:
		t.good.Invalidate(issuer)
		return &answer{nil, err, now.Add(MuxForgetting)}, nil
	case ctx.Err() != nil:
		return nil, err // this request's trouble only
	case known:
		return &answer{last.v, nil, now.Add(MuxForgetting)}, nil
	case err == errMuxRate:
		return nil, err // not an answer to remember
	}
	return &answer{nil, err, now.Add(MuxForgetting)}, nil
}

// maxIssuer is the length in bytes of the longest issuer that a [NewMuxFunc] function is asked for.
const maxIssuer = 1 << 10

var errMuxRate = errors.New("too many issuers are asked for at once")

// Validate is [Validator.Validate] of the tenant that the token names. A token of none is refused with [CodeIssuer].
func (m *Mux) Validate(ctx context.Context, token string) (*Claims, error) {
	var x examination
	if err := m.validate(ctx, &x, token); err != nil {
		return nil, x.refusal(err)
	}
	return x.Claims, nil
}

func (m *Mux) validate(ctx context.Context, x *examination, token string) error {
	if err := x.parse(token, m.maxTokenSize); err != nil {
		return err
	}
	if err := x.claims(); err != nil {
		return err
	}
	if x.Issuer == "" { // nobody is asked for a tenant without a name
		return &Error{Code: CodeIssuer, Err: &mismatch{name: "iss", found: x.issuers()}}
	}
	v, err := m.find(ctx, x.Issuer)
	switch {
	case err != nil:
		if refusal := new(Error); errors.As(err, &refusal) {
			return err
		}
		return &Error{Code: CodeUnavailable, Err: err}
	case v == nil:
		return &Error{Code: CodeIssuer, Err: &mismatch{name: "iss", found: x.issuers(), advice: "no tenant has this issuer"}}
	case len(token) > v.cfg.MaxTokenSize:
		return errTooLarge
	}
	if c, known, err := v.memory.recognize(ctx, v, token); known {
		if err == nil {
			x.Claims = c
		}
		return err
	}
	if err := x.algorithm(v); err != nil {
		return err
	}
	if err := x.decide(ctx, v); err != nil {
		return err
	}
	v.memory.remember(token, x)
	return nil
}
