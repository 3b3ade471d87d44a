package validator_test

import (
	"testing"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// AcceptedUntil is the first second at which Validate rejects the token.
func TestClaims_AcceptedUntil(t *testing.T) {
	t.Parallel()
	for _, leeway := range []time.Duration{0, -1, time.Minute} {
		clock := t0
		v := newValidator(t, func(c *validator.Config) {
			c.Leeway, c.CacheSize, c.Now = leeway, 0, func() time.Time { return clock }
		})
		signed := token(nil, object{"exp": t0.Unix() + 100})
		for _, kind := range []string{"new", "remembered"} {
			clock = t0
			claims, err := v.Validate(t.Context(), signed)
			if err != nil {
				t.Fatal(err)
			}
			until := claims.AcceptedUntil()
			clock = until.Add(-time.Nanosecond)
			if _, err := v.Validate(t.Context(), signed); err != nil {
				t.Errorf("%s, leeway %v: Validate() just before AcceptedUntil: %v", kind, leeway, err)
			}
			clock = until
			if _, err := v.Validate(t.Context(), signed); validator.CodeOf(err) != validator.CodeExpired {
				t.Errorf("%s, leeway %v: Validate() at AcceptedUntil: %v, want %s", kind, leeway, err, validator.CodeExpired)
			}
		}
	}

	for _, tt := range []struct {
		payload string
		want    time.Time
	}{
		{`{"exp":1000}`, time.Unix(1000, 0).Add(validator.DefaultLeeway)},
		{`{}`, time.Time{}},
	} {
		claims, err := validator.NewClaims([]byte(tt.payload))
		if err != nil {
			t.Fatal(err)
		}
		if got := claims.AcceptedUntil(); !got.Equal(tt.want) {
			t.Errorf("AcceptedUntil() of %s = %v, want %v", tt.payload, got, tt.want)
		}
	}
}
