package validator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// The error of an outage says which service is out, and wraps what it has said.
func TestCodeUnavailable_service(t *testing.T) {
	t.Parallel()

	down := errors.New("connection refused")
	keys := func(err error) *validator.Validator {
		return newValidator(t, func(c *validator.Config) {
			c.Keys = keySource(func(context.Context, string) ([]jwks.Key, error) { return nil, err })
		})
	}
	own, cache := keys(down), keys(fmt.Errorf("%w: GET: %w", jwks.ErrUnavailable, down))
	tenants := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return nil, down })
	for _, tt := range []struct {
		name     string
		validate func(context.Context, string) (*validator.Claims, error)
		want     string
	}{
		{"a KeySource of one's own", own.Validate, "unavailable: the issuer's keys: connection refused"},
		{"a jwks.Cache", cache.Validate, "unavailable: jwks: the issuer's keys are unavailable: GET: connection refused"},
		{"a Mux's function", tenants.Validate, "unavailable: the tenant lookup: connection refused"},
	} {
		_, err := tt.validate(t.Context(), token(nil, nil))
		if got := fmt.Sprint(err); got != tt.want || validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, down) {
			t.Errorf("Validate() with %s that is down: error = %q, want %q around its cause", tt.name, got, tt.want)
		}
	}
}
