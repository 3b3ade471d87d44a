package jwks_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// An issuer replaces a key by another with the same kid, or one without a kid.
// The first otherwise good token of the new key finds it.
func TestCache_sameKid(t *testing.T) {
	t.Parallel()
	for _, kid := range []string{"1", ""} {
		for _, tt := range []struct {
			name   string
			age    time.Duration // of the keys
			change func(*jwks.Config)
			claims object
			down   bool
			want   validator.Code
			asks   int
		}{
			{name: "older than a minute", age: time.Minute, asks: 1},
			{name: "younger than a minute", age: time.Minute - 1, want: validator.CodeSignature},
			{name: "EXPIRED, fetched for it", age: time.Hour, asks: 1},
			{
				name: "no fetches for unknown kids", age: time.Minute, want: validator.CodeSignature,
				change: func(cfg *jwks.Config) { cfg.UnknownKeyInterval = -1 },
			},
			{name: "not valid yet", age: time.Minute, claims: object{"nbf": 32503680000}, want: validator.CodeSignature},
			{name: "issued in the future", age: time.Minute, claims: object{"iat": 32503680000}, want: validator.CodeSignature},
			{name: "an outage", age: time.Minute, down: true, want: validator.CodeSignature, asks: 1},
		} {
			synctest.Test(t, func(t *testing.T) {
				before, after := newSigner(kid, "ES256"), newSigner(kid, "ES256")
				iss := newIssuer(set(before.jwk()))
				c := iss.cache(t, func(cfg *jwks.Config) {
					if tt.change != nil {
						tt.change(cfg)
					}
				})
				v := newValidator(t, c)
				old := before.token(nil, object{"exp": 32503680000})
				if _, err := v.Validate(t.Context(), old); err != nil {
					t.Fatalf("Validate(token of the first key) = %v, want no error", err)
				}
				iss.serve(set(after.jwk()))
				iss.set(func() { iss.down = tt.down })
				pass(tt.age)
				asked := iss.requests()
				for range 5 {
					if _, err := v.Validate(t.Context(), after.token(nil, tt.claims)); validator.CodeOf(err) != tt.want {
						t.Errorf("kid %q, %s: Validate(token of the second key) = %v, want code %q", kid, tt.name, err, tt.want)
					}
				}
				if got := iss.requests() - asked; got != tt.asks {
					t.Errorf("kid %q, %s: %d fetches, want %d", kid, tt.name, got, tt.asks)
				}
				if tt.want == "" {
					if _, err := v.Validate(t.Context(), old); validator.CodeOf(err) != validator.CodeSignature {
						t.Errorf("kid %q, %s: Validate(token of the first key) = %v, want it rejected", kid, tt.name, err)
					}
				}
				for _, step := range v.Explain(t.Context(), after.token(nil, tt.claims)).Steps {
					if step.Outcome == validator.Failed && step.Name != "signature" {
						t.Errorf("kid %q, %s: Explain() says that %q failed, want the signature", kid, tt.name, step.Name)
					}
				}
			})
		}
	}
}

// Bad signatures without end cause one fetch per interval, and delay neither
// tokens of held keys nor those of a new one.
func TestCache_floodOfBadSignatures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, evil, next := newSigner("1", "ES256"), newSigner("1", "ES256"), newSigner("2", "ES256")
		iss := newIssuer(set(good.jwk()))
		iss.latency = 100 * time.Millisecond
		c := iss.cache(t)
		v := newValidator(t, c)
		token, bad := good.token(nil, nil), evil.token(nil, nil)
		if _, err := v.Validate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		var wrong []error
		every(100*time.Millisecond, 10*time.Minute, func(time.Duration) {
			go v.Validate(t.Context(), bad)
			start := time.Now()
			if _, err := v.Validate(t.Context(), token); err != nil || time.Since(start) > 0 {
				wrong = append(wrong, fmt.Errorf("%v after %v", err, time.Since(start)))
			}
		})
		if len(wrong) > 0 {
			t.Errorf("%d good tokens were rejected or waited, such as %v, want none", len(wrong), wrong[0])
		}
		if got := iss.requests(); got > 22 {
			t.Errorf("%d fetches in 10 min of bad signatures, want ≤ 22", got)
		}
		pass(time.Second) // the last fetch of the flood has ended
		iss.serve(set(good.jwk(), next.jwk()))
		if _, err := v.Validate(t.Context(), next.token(nil, nil)); err != nil {
			t.Errorf("Validate(token of a new key) right after the flood = %v, want no error", err)
		}
		pass(time.Minute)
	})
}

// However many bad signatures come while the issuer is slow, 64 wait at most.
func TestCache_badSignaturesThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, evil := newSigner("1", "ES256"), newSigner("1", "ES256")
		iss := newIssuer(set(good.jwk()))
		c := iss.cache(t)
		v := newValidator(t, c)
		v.Validate(t.Context(), good.token(nil, nil))
		pass(2 * time.Minute)
		iss.set(func() { iss.silent = true })
		ended := make(chan time.Duration, 100)
		start := time.Now()
		for range 100 {
			bad := evil.token(nil, nil)
			go func() {
				v.Validate(t.Context(), bad)
				ended <- time.Since(start)
			}()
		}
		waited := 0
		for range 100 {
			if got := <-ended; got > 0 {
				waited++
			}
		}
		if waited != 64 || time.Since(start) != 5*time.Second {
			t.Errorf("%d of 100 bad signatures waited, for %v, want 64 for 5 s", waited, time.Since(start))
		}
	})
}

// With a longer UnknownKeyInterval, that is the shortest time between two
// fetches after a wrong signature.
func TestCache_badSignaturesWithinInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, evil := newSigner("1", "ES256"), newSigner("1", "ES256")
		iss := newIssuer("")
		iss.serve(set(good.jwk()), "Cache-Control: max-age=3600")
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.UnknownKeyInterval = 5 * time.Minute })
		c.SetJitter(none)
		v := newValidator(t, c)
		v.Validate(t.Context(), good.token(nil, nil))
		for _, step := range []struct {
			after time.Duration
			want  int // requests since the beginning
		}{{time.Minute, 2}, {time.Minute, 2}, {4*time.Minute - 1, 2}, {1, 3}} {
			pass(step.after)
			if _, err := v.Validate(t.Context(), evil.token(nil, nil)); validator.CodeOf(err) != validator.CodeSignature {
				t.Errorf("Validate() = %v, want code %q", err, validator.CodeSignature)
			}
			if got := iss.requests(); got != step.want {
				t.Errorf("%d requests, want %d", got, step.want)
			}
		}
	})
}
