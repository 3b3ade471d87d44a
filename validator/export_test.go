package validator

import (
	"context"

	"golang.org/x/time/rate"
)

// How NewMuxFunc keeps what its function returns.
const (
	MuxSize       = muxSize
	MuxRenewal    = muxRenewal
	MuxLifetime   = muxLifetime
	MuxStale      = muxStale
	MuxForgetting = muxForgetting
	MuxTimeout    = muxTimeout
	MuxRate       = muxRate
)

// NewUnlimitedMuxFunc is NewMuxFunc without muxRate, for benchmarks that ask
// for many tenants at once.
func NewUnlimitedMuxFunc(tenant func(ctx context.Context, issuer string) (*Validator, error)) *Mux {
	m := NewMuxFunc(tenant)
	m.tenants.first = rate.NewLimiter(rate.Inf, 0)
	return m
}

// Remembered returns how many answers m keeps for issuers without a Validator,
// calls that are in progress included.
func (m *Mux) Remembered() int {
	m.tenants.mu.Lock()
	defer m.tenants.mu.Unlock()
	return len(m.tenants.calls)
}

// LimitFirst lets m call its function n times for new issuers, and no more.
func LimitFirst(m *Mux, n int) { m.tenants.first = rate.NewLimiter(0, n) }

// A Mark is a mark.
type Mark struct {
	Claim            string
	Values           []string
	Kind, By, Source string
}

// Marks returns the marks.
func Marks() (all []Mark) {
	for _, m := range marks {
		all = append(all, Mark{m.claim, m.values, m.kind, m.by, m.source})
	}
	return all
}

// Tokens returns how many tokens v itself remembers, and in how many bytes by
// its own count.
func (v *Validator) Tokens() (n, bytes int) { return v.memory.held() }

// Tokens is [Validator.Tokens] for the memory that the tenants of m share.
func (m *Mux) Tokens() (n, bytes int) { return m.memory.held() }

func (m *memory) held() (n, bytes int) {
	if m == nil || m.tokens.Load() == nil {
		return 0, 0
	}
	t := m.tokens.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all), t.bytes
}
