package validator_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A rotating source has keys that change, and counts.
type rotating struct {
	keys  atomic.Pointer[jwks.Set]
	asked atomic.Int64
}

func (r *rotating) Keys(ctx context.Context, kid string) ([]jwks.Key, error) {
	r.asked.Add(1)
	keys := r.keys.Load()
	if keys == nil {
		return nil, jwks.ErrUnavailable
	}
	return keys.Keys(ctx, kid)
}

func TestRemembered(t *testing.T) {
	t.Parallel()
	now := t0
	source := new(rotating)
	ours := jwks.Set{{ID: kid, Public: key.Public()}}
	refusal := error(nil)
	v := newValidator(t, func(c *validator.Config) {
		c.CacheSize = 0 // the default
		c.Keys = source
		c.Now = func() time.Time { return now }
		c.Checks = []validator.Check{func(context.Context, *validator.Claims) error { return refusal }}
	})
	plain := token(nil, object{"nbf": t0.Unix(), "scope": "a b"})
	// Of nbf and iat, whichever is later begins a token's time.
	lateStart := token(nil, object{"iat": t0.Unix() - 60, "nbf": t0.Unix() + 20})
	lateIssue := token(nil, object{"iat": t0.Unix() + 20, "nbf": t0.Unix() - 60})
	thumbprint := strings.Repeat("A", 43)
	bound := token(nil, object{"cnf": object{"jkt": thumbprint}})

	for _, step := range []struct {
		name    string
		prepare func()
		token   string
		proven  string
		want    validator.Code
	}{
		{"first", func() { source.keys.Store(&ours) }, plain, "", ""},
		{"again", func() {}, plain, "", ""},
		{"a check that refuses now", func() { refusal = errors.New("no") }, plain, "", validator.CodeRefused},
		{"and no more", func() { refusal = nil }, plain, "", ""},
		{"before its start", func() { now = t0.Add(-31 * time.Second) }, plain, "", validator.CodeNotYetValid},
		{"at its start", func() { now = t0.Add(-30 * time.Second) }, plain, "", ""},
		{"nbf after iat", func() { now = t0.Add(-10 * time.Second) }, lateStart, "", ""},
		{"nbf after iat, before nbf", func() { now = t0.Add(-11 * time.Second) }, lateStart, "", validator.CodeNotYetValid},
		{"iat after nbf", func() { now = t0.Add(-10 * time.Second) }, lateIssue, "", ""},
		{"iat after nbf, before iat", func() { now = t0.Add(-11 * time.Second) }, lateIssue, "", validator.CodeNotYetValid},
		{"a second before its end", func() { now = t0.Add(time.Hour + 29*time.Second) }, plain, "", ""},
		{"at its end", func() { now = t0.Add(time.Hour + 30*time.Second) }, plain, "", validator.CodeExpired},
		{"at its end, again", func() {}, plain, "", validator.CodeExpired},
		{"in time", func() { now = t0 }, plain, "", ""},
		{"its key withdrawn", func() { source.keys.Store(&jwks.Set{{ID: "k2", Public: key.Public()}}) }, plain, "", validator.CodeUnknownKey},
		{"its key replaced", func() { source.keys.Store(&jwks.Set{{ID: kid, Public: otherKey(1)}}) }, plain, "", validator.CodeSignature},
		{"its key for another algorithm", func() { source.keys.Store(&jwks.Set{{ID: kid, Algorithm: "ES256", Public: key.Public()}}) },
			plain, "", validator.CodeAlgorithm},
		{"its key back", func() { source.keys.Store(&ours) }, plain, "", ""},
		{"its key for another algorithm from now on", func() { source.keys.Store(&jwks.Set{{ID: kid, Algorithm: "ES256", Public: key.Public()}}) },
			plain, "", validator.CodeAlgorithm},
		{"its key back again", func() { source.keys.Store(&ours) }, plain, "", ""},
		{"its key said to be another issuer's", func() { source.keys.Store(&jwks.Set{{ID: kid, Issuer: otherIssuer, Public: key.Public()}}) },
			plain, "", validator.CodeUnknownKey},
		{"its key said to be its issuer's", func() { source.keys.Store(&jwks.Set{{ID: kid, Issuer: issuer, Public: key.Public()}}) }, plain, "", ""},
		{"its key said to be its issuer's still", func() {}, plain, "", ""},
		{"its key said to be another issuer's from now on", func() { source.keys.Store(&jwks.Set{{ID: kid, Issuer: otherIssuer, Public: key.Public()}}) },
			plain, "", validator.CodeUnknownKey},
		{"its key without an issuer again", func() { source.keys.Store(&ours) }, plain, "", ""},
		{"keys unavailable", func() { source.keys.Store(nil) }, plain, "", validator.CodeUnavailable},
		{"keys available", func() { source.keys.Store(&ours) }, plain, "", ""},
		{"bound, proven", func() {}, bound, thumbprint, ""},
		{"bound, not proven", func() {}, bound, "", validator.CodeBinding},
		{"bound, proven again", func() {}, bound, thumbprint, ""},
		{"another signature at the end", func() {}, plain[:len(plain)-4] + "AAAA", "", validator.CodeSignature},
		{"the same end after other claims", func() {}, swapPayload(plain, bound), thumbprint, validator.CodeSignature},
	} {
		step.prepare()
		asked := source.asked.Load()
		ctx := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: step.proven})
		claims, err := v.Validate(ctx, step.token)
		if got := validator.CodeOf(err); got != step.want || (claims == nil) != (err != nil) {
			t.Errorf("Validate(%s) = %v, %v, want code %q", step.name, claims, err, step.want)
		}
		if source.asked.Load() == asked && step.want != validator.CodeExpired {
			t.Errorf("Validate(%s) didn't ask for the key", step.name)
		}
		if claims != nil {
			claims.Subject = "another user" // which must stay with this request
			if claims.Confirmation != nil {
				claims.Confirmation.JKT = ""
			}
			if step.token == plain && fmt.Sprint(claims.Scopes) != "[a b]" {
				t.Errorf("Validate(%s) Scopes = %v", step.name, claims.Scopes)
			}
		}
	}
	claims, err := v.Validate(t.Context(), plain)
	if err != nil || claims.Subject != "user" {
		t.Errorf("Validate() = %v, %v, after a request has changed its claims", claims, err)
	}
}

// A remembered token is recognized, not verified: a signature that can't be
// checked any more shows it.
func TestRemembered_noSignatureCheck(t *testing.T) {
	t.Parallel()
	// The cache of keys is indexed by pointer or value, so a change within the
	// same bytes goes unseen.
	public := append(ed25519.PublicKey(nil), key.Public().(ed25519.PublicKey)...)
	v := newValidator(t, func(c *validator.Config) {
		c.CacheSize = 1
		c.Keys = sourceFunc(func(context.Context, string) ([]jwks.Key, error) {
			return []jwks.Key{{ID: kid, Public: public}}, nil
		})
	})
	good := token(nil, nil)
	if _, err := v.Validate(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	public[0] ^= 1
	if _, err := v.Validate(t.Context(), good); err != nil {
		t.Errorf("Validate() error = %v: the signature was checked again", err)
	}
}

func TestRemembered_bounded(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) { c.CacheSize = 8 })
	for round := range 2 {
		for i := range 200 {
			claims, err := v.Validate(t.Context(), token(nil, object{"sub": fmt.Sprint(i)}))
			if err != nil || claims.Subject != fmt.Sprint(i) {
				t.Fatalf("Validate() = %v, %v in round %d, want subject %d", claims, err, round, i)
			}
		}
	}
}

// Distinct tokens under rotation and eviction, concurrently. Each request gets
// its own claims, and none gets those of a withdrawn key.
func TestRemembered_parallel(t *testing.T) {
	t.Parallel()
	source := new(rotating)
	ours, none := jwks.Set{{ID: kid, Public: key.Public()}}, jwks.Set{{ID: "k2", Public: otherKey(1)}}
	source.keys.Store(&ours)
	v := newValidator(t, func(c *validator.Config) { c.CacheSize, c.Keys = 32, source })
	tokens := make([]string, 64)
	for i := range tokens {
		tokens[i] = token(nil, object{"sub": fmt.Sprint(i)})
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				n := (i*7 + g) % len(tokens)
				claims, err := v.Validate(t.Context(), tokens[n])
				switch validator.CodeOf(err) {
				case "":
					if claims.Subject != fmt.Sprint(n) {
						t.Errorf("Validate(token %d) Subject = %s", n, claims.Subject)
					}
				case validator.CodeUnknownKey:
				default:
					t.Errorf("Validate(token %d) error = %v", n, err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 200 {
			source.keys.Store([]*jwks.Set{&none, &ours}[i%2])
		}
		source.keys.Store(&none)
	})
	wg.Wait()
	for n, token := range tokens {
		if _, err := v.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeUnknownKey {
			t.Errorf("Validate(token %d) error = %v after the key was withdrawn", n, err)
		}
	}
}

// Claims that don't outlive their caller are on its stack. Not parallel:
// testing.AllocsPerRun counts for all goroutines.
func TestRemembered_allocations(t *testing.T) {
	v := newValidator(t, func(c *validator.Config) { c.CacheSize = 1 })
	good := token(nil, nil)
	subject := 0
	if got := testing.AllocsPerRun(100, func() {
		claims, err := v.Validate(t.Context(), good)
		if err != nil {
			t.Fatal(err)
		}
		subject += len(claims.Subject)
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}

	var kept []*validator.Claims
	if got := testing.AllocsPerRun(100, func() {
		claims, _ := v.Validate(t.Context(), good)
		kept = append(kept[:0], claims)
	}); got != 1 {
		t.Errorf("%v allocations with claims that are kept, want theirs alone", got)
	}
}

// Claims that checks get are theirs: what they assign, or the caller, changes
// neither the other's nor those that are remembered.
func TestValidate_checksHaveTheirOwn(t *testing.T) {
	t.Parallel()
	thumbprint := strings.Repeat("A", 43)
	bound := token(nil, object{"cnf": object{"jkt": thumbprint}})
	proven := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: thumbprint})
	for _, cacheSize := range []int{-1, 1} {
		var kept []*validator.Claims
		v := newValidator(t, func(c *validator.Config) {
			c.CacheSize = cacheSize
			c.Checks = []validator.Check{func(_ context.Context, c *validator.Claims) error {
				if c.Subject != "user" || c.Confirmation.JKT != thumbprint {
					t.Errorf("the check got the subject %q and confirmation %v", c.Subject, c.Confirmation)
				}
				kept = append(kept, c)
				c.Subject, c.Confirmation.JKT = "the check's", "the check's"
				c.Confirmation = &validator.Confirmation{JKT: "the check's"}
				return nil
			}}
		})
		for range 3 {
			claims, err := v.Validate(proven, bound)
			if err != nil || claims.Subject != "user" || claims.Confirmation.JKT != thumbprint {
				t.Fatalf("Validate() = %+v, %v, want the claims of the token", claims, err)
			}
			claims.Subject, claims.Confirmation.JKT = "the caller's", "the caller's"
		}
		if _, err := v.Validate(t.Context(), bound); validator.CodeOf(err) != validator.CodeBinding {
			t.Errorf("Validate() error = %v without a proof, want %s", err, validator.CodeBinding)
		}
		for _, claims := range kept {
			if claims.Subject != "the check's" || claims.Confirmation.JKT != "the check's" {
				t.Errorf("what a check kept became %+v", claims)
			}
		}
		if len(kept) != 3 {
			t.Errorf("%d calls of the check, want 3", len(kept))
		}
	}
}
