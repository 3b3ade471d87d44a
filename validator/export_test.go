package validator

import (
	"context"

	"golang.org/x/time/rate"
)

// NewUnlimitedMuxFunc is NewMuxFunc without MuxRate, for benchmarks that ask for many tenants at once.
func NewUnlimitedMuxFunc(tenant func(ctx context.Context, issuer string) (*Validator, error)) *Mux {
	t := newTenants(tenant)
	t.first = rate.NewLimiter(rate.Inf, 0)
	return &Mux{t.find, DefaultMaxTokenSize}
}
