package introspection_test

import (
	"testing"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// BenchmarkRemembered compares a token that is known here with one in JWT form
// that a Validator remembers.
func BenchmarkRemembered(b *testing.B) {
	iss := testutil.NewIssuer(b)
	v, err := validator.New(iss.Config(api))
	if err != nil {
		b.Fatal(err)
	}
	jwt := iss.Token(testutil.Claims{"sub": "anna", "scope": "orders:read orders:write", "aud": api})
	b.Run("JWT", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			claims, err := v.Validate(b.Context(), jwt)
			if err != nil {
				b.Fatal(err)
			}
			kept = claims
		}
	})
	in := newIntrospector(b, config(&server{answer: says(good)}))
	b.Run("opaque", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			claims, err := in.Validate(b.Context(), "ory_at_JeNVZcXHdwWjVbJ8iMbHf0AhGoJmDvhVhwzsKzkkGNo.cZjJkLpQ8rT0bq2Xc1")
			if err != nil {
				b.Fatal(err)
			}
			kept = claims
		}
	})
}

var kept *validator.Claims // as a handler keeps them
