package validator

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

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
// [MuxRate] times in a second: what exceeds that is refused with [CodeUnavailable]. So whoever sends tokens of many made-up
// issuers can keep a tenant waiting whose first token comes meanwhile, and none that has been here before; limit the requests
// of strangers, by their address say, before they come here. The ctx that it gets is
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
