package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
)

// A Mux validates the tokens of several tenants. Each tenant has its own
// [Validator], with its own keys, audiences, algorithms and checks. The token's
// "iss", which is not verified yet, chooses among the Validators. That
// Validator then requires this very issuer. A token that one tenant has signed
// therefore never passes as another's.
//
// Make a Mux with [NewMux] or [NewMuxFunc]. It is safe for concurrent use. The
// zero Mux has no tenants.
type Mux struct {
	// Now returns the time for looking up, renewing and forgetting tenants. The
	// Validators have their own clocks. If nil, [time.Now] is used. It must not
	// be changed once the Mux is in use.
	Now func() time.Time

	// MaxTokenSize is the length in bytes of the longest token that is read to
	// find its tenant. The tenant's own Config.MaxTokenSize then applies. If
	// zero, it is the largest of the Validators of [NewMux], or
	// [DefaultMaxTokenSize] with [NewMuxFunc]. The limit is 1 MiB. It must not
	// be changed once the Mux is in use.
	MaxTokenSize int

	byIssuer     map[string][]*Validator // of NewMux
	tenants      *tenants                // of NewMuxFunc, or nil
	maxTokenSize int
	memory       *memory // of the tenants that have the default
}

// NewMux returns a Mux for a fixed list of tenants. It returns an error if
// there are none, if one is nil, was not made by [New] or is listed twice, or
// if two have both an issuer and an algorithm in common.
//
// Two Validators of one issuer help to change its keys, such as from a shared
// secret to key pairs. The token's "alg" chooses between them before any key is
// looked up. A Validator has either a secret or public keys, so the one is
// never used as the other:
//
//	old := validator.Config{Issuers: issuers, Audiences: audiences, Secret: secret} // HS256
//	new := validator.Config{Issuers: issuers, Audiences: audiences, Algorithms: []validator.Algorithm{validator.ES256}}
func NewMux(tenants ...*Validator) (*Mux, error) {
	byIssuer := make(map[string][]*Validator)
	maxTokenSize := 0
	var errs []error
	for i, v := range tenants {
		switch {
		case v == nil:
			errs = append(errs, fmt.Errorf("validator: NewMux: tenants[%d] is nil", i))
			continue
		case v.cfg == nil:
			errs = append(errs, fmt.Errorf("validator: NewMux: tenants[%d] was not made by New", i))
			continue
		case slices.Contains(tenants[:i], v):
			errs = append(errs, fmt.Errorf("validator: NewMux: tenants[%d] is there twice", i))
			continue
		}
		maxTokenSize = max(maxTokenSize, v.cfg.MaxTokenSize)
		for _, issuer := range v.cfg.Issuers {
			if slices.Contains(byIssuer[issuer], v) {
				continue // it lists the issuer twice
			}
			for _, other := range byIssuer[issuer] {
				for _, alg := range v.algorithms {
					if slices.Contains(other.algorithms, alg) {
						errs = append(errs, fmt.Errorf("validator: NewMux: two tenants have the issuer %q and the algorithm %s", issuer, alg))
					}
				}
			}
			byIssuer[issuer] = append(byIssuer[issuer], v)
		}
	}
	if len(tenants) == 0 {
		errs = append(errs, errors.New("validator: Mux: no Validators"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Mux{byIssuer: byIssuer, maxTokenSize: maxTokenSize, memory: newMemory(0)}, nil
}

// Forget drops the last result of the function of [NewMuxFunc] for issuer. The
// next token of this issuer is accepted only after the function was called
// again. Requests that are waiting for a call get its result. With [NewMux],
// whose tenants are fixed, Forget does nothing.
func (m *Mux) Forget(issuer string) {
	if m.tenants != nil {
		m.tenants.forget(issuer)
	}
}

func (m *Mux) limit() limit {
	switch {
	case m.MaxTokenSize > 0:
		return limit{min(m.MaxTokenSize, maxMaxTokenSize), "Mux.MaxTokenSize"}
	case m.tenants != nil:
		return limit{m.maxTokenSize, "Mux.MaxTokenSize"}
	}
	return limit{m.maxTokenSize, "Config.MaxTokenSize"} // of the tenant that has the largest
}

func (m *Mux) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

func (m *Mux) find(ctx context.Context, issuer, alg string) (*Validator, error) {
	if m.tenants != nil {
		return m.tenants.find(ctx, issuer)
	}
	switch same := m.byIssuer[issuer]; len(same) {
	case 0:
		return nil, nil
	case 1:
		return same[0], nil // which checks alg
	default:
		return byAlgorithm(same, alg)
	}
}

// byAlgorithm returns the Validator of an issuer that allows alg.
func byAlgorithm(same []*Validator, alg string) (*Validator, error) {
	var want []string
	for _, v := range same {
		if slices.Contains(v.algorithms, alg) {
			return v, nil
		}
		want = append(want, v.algorithms...)
	}
	return nil, &Error{Code: CodeAlgorithm, Err: &mismatch{
		name: "alg", found: []string{alg}, want: want, advice: "no Validator of this issuer has it in Config.Algorithms",
	}}
}

var errNoMux = errors.New("this Mux was not made by NewMux or NewMuxFunc")

// Validate is [Validator.Validate] of the tenant that the token names. A token
// of no tenant is rejected with [CodeIssuer].
func (m *Mux) Validate(ctx context.Context, token string) (*Claims, error) {
	return m.validate(ctx, token, new(Claims)) // as Validator.Validate
}

// validate fills in c and returns it.
func (m *Mux) validate(ctx context.Context, token string, c *Claims) (claims *Claims, err error) {
	returned := false
	defer func() { // not fault.Contain: its calls cost a remembered token twice as much
		if !returned {
			claims, err = nil, internal(fault.Of(recover()))
		}
	}()
	if err = m.accept(ctx, token, c); err == nil {
		claims = c
	}
	returned = true
	return claims, err
}

// accept fills in c if the token is accepted.
func (m *Mux) accept(ctx context.Context, token string, c *Claims) error {
	known, err := m.recognize(ctx, token, c)
	if known || err != nil {
		return err
	}
	var x examination
	if err := m.examine(ctx, &x, token); err != nil {
		return x.refusal(err)
	}
	*c = x.Claims
	return nil
}

// recognize uses the memory that the tenants share. The tenant is looked up as
// for any other token, because it may be gone or have another Validator.
func (m *Mux) recognize(ctx context.Context, token string, c *Claims) (known bool, err error) {
	r := m.memory.recall(token)
	if r == nil {
		return false, nil
	}
	v, err := m.tenant(ctx, r.claims.Issuer, r.algorithm)
	if err != nil {
		return true, r.claims.refusal(err)
	}
	return m.memory.recognize(ctx, v, r, c)
}

// examine finds the tenant between the two halves of the examination. The token
// is read, and then the tenant's Validator decides.
func (m *Mux) examine(ctx context.Context, x *examination, token string) error {
	if m.maxTokenSize == 0 {
		return &Error{Code: CodeUnavailable, Err: errNoMux}
	}
	if err := x.open(token, m.limit(), nil); err != nil {
		return advise(err, adviceOpaque, adviceEncrypted)
	}
	if x.Issuer == "" { // every tenant has a name
		return &Error{Code: CodeIssuer, Err: &mismatch{name: "iss", found: x.issuers(), advice: "a Mux finds the tenant by it"}}
	}
	v, err := m.tenant(ctx, x.Issuer, x.token.Header.Algorithm)
	if err != nil {
		return err
	}
	if err := v.limit().check(len(token), x.members); err != nil {
		return err
	}
	memory := v.memory
	if v.cfg.CacheSize == 0 {
		memory = m.memory
	} else if known, err := memory.recognize(ctx, v, memory.recall(token), &x.Claims); known {
		return err
	}
	if err := x.checkAlgorithm(v); err != nil {
		return err
	}
	if err := x.decide(ctx, v); err != nil {
		return err
	}
	memory.remember(v, token, x)
	return nil
}

// tenant returns the Validator of issuer for tokens with alg. The error is an
// [*Error].
func (m *Mux) tenant(ctx context.Context, issuer, alg string) (*Validator, error) {
	v, err := m.find(ctx, issuer, alg)
	switch _, ok := err.(*Error); {
	case ok:
		return nil, err
	case err != nil:
		return nil, tenantsUnavailable(err)
	case v == nil:
		return nil, &Error{Code: CodeIssuer, Err: &mismatch{name: "iss", found: []string{issuer}, advice: adviceNoTenant}}
	}
	return v, nil
}
