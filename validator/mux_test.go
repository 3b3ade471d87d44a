package validator_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

const otherIssuer = "https://other.eu.auth0.com/"

// twoTenants returns the Validator of token's issuer, and that of another one
// with another key of the same ID.
func twoTenants(t testing.TB) (a, b *validator.Validator) {
	t.Helper()
	b = newValidator(t, func(c *validator.Config) {
		c.Issuers = []string{otherIssuer, "https://login.example.com/"}
		c.Keys = jwks.Set{{ID: kid, Public: otherKey(1)}}
	})
	return newValidator(t, nil), b
}

func TestMux(t *testing.T) {
	t.Parallel()
	a, b := twoTenants(t)
	mux, err := validator.NewMux(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, token string
		want        validator.Code
	}{
		{"of a", token(nil, nil), ""},
		{"of b, signed by a", token(nil, object{"iss": otherIssuer}), validator.CodeSignature},
		{"of b's custom domain, signed by a", token(nil, object{"iss": "https://login.example.com/"}), validator.CodeSignature},
		{"of none", token(nil, object{"iss": "https://x/"}), validator.CodeIssuer},
		{"without iss", token(nil, object{"iss": nil}), validator.CodeIssuer},
		{"iss a number", token(nil, object{"iss": 1}), validator.CodeClaim},
		{"alg none, of no tenant", token(object{"alg": "none"}, object{"iss": "https://x/"}), validator.CodeAlgorithm},
		{"alg not allowed", token(object{"alg": "RS256"}, nil), validator.CodeAlgorithm},
		{"no token", "x", validator.CodeMalformed},
		{"too large", strings.Repeat("x", 20000), validator.CodeMalformed},
	} {
		claims, err := mux.Validate(t.Context(), tt.token)
		if got := validator.CodeOf(err); got != tt.want || (claims == nil) != (err != nil) {
			t.Errorf("Validate(%s) = %v, %v, want code %q", tt.name, claims, err, tt.want)
		}
	}
}

// While an issuer changes from a secret to key pairs, alg chooses between two
// Validators before any key is looked at.
func TestMux_twoOfOneIssuer(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("secret"), 6)
	bySecret := newValidator(t, func(c *validator.Config) { c.Keys, c.Algorithms, c.Secret, c.CacheSize = nil, nil, secret, 0 })
	asked := 0
	byKey := newValidator(t, func(c *validator.Config) {
		c.Keys, c.CacheSize = sourceFunc(func(ctx context.Context, kid string) ([]jwks.Key, error) {
			asked++
			return config().Keys.Keys(ctx, kid)
		}), 0
	})
	mux, err := validator.NewMux(bySecret, byKey)
	if err != nil {
		t.Fatal(err)
	}
	old := hs256(secret, object{})
	for _, tt := range []struct {
		name, token string
		want        validator.Code
		asked       int
	}{
		{"by the secret", old, "", 0},
		{"by the secret, again", old, "", 0},
		{"by the key", token(nil, nil), "", 1},
		{"by the key, again", token(nil, nil), "", 1},
		{"by the public key as a secret", hs256(key.Public().(ed25519.PublicKey), object{}), validator.CodeSignature, 0},
		{"by no secret", hs256(nil, object{}), validator.CodeSignature, 0},
		{"by another algorithm", token(object{"alg": "RS256"}, nil), validator.CodeAlgorithm, 0},
	} {
		asked = 0
		claims, err := mux.Validate(t.Context(), tt.token)
		if got := validator.CodeOf(err); got != tt.want || (claims == nil) != (err != nil) {
			t.Errorf("Validate(%s) = %v, %v, want code %q", tt.name, claims, err, tt.want)
		}
		if asked != tt.asked {
			t.Errorf("Validate(%s) asked for keys %d times, want %d", tt.name, asked, tt.asked)
		}
	}
	_, err = mux.Validate(t.Context(), token(object{"alg": "RS256"}, nil))
	const want = `algorithm_not_allowed: alg is "RS256", want one of ["HS256" "EdDSA"]: no Validator of this issuer has it in Config.Algorithms`
	if err == nil || err.Error() != want {
		t.Errorf("Validate(by another algorithm) error = %v\nwant %s", err, want)
	}
	same := newValidator(t, func(c *validator.Config) { c.Algorithms = []validator.Algorithm{validator.RS256, validator.EdDSA} })
	const common = `validator: NewMux: two tenants have the issuer "https://tenant.eu.auth0.com/" and the algorithm EdDSA`
	if _, err := validator.NewMux(bySecret, byKey, same); err == nil || err.Error() != common {
		t.Errorf("NewMux(an algorithm twice) error = %v, want %s", err, common)
	}
}

// A workload's token names its tenant by the trust domain of its sub.
func TestMux_trustDomain(t *testing.T) {
	t.Parallel()
	const domain = "spiffe://example.org"
	workloads := newValidator(t, func(c *validator.Config) { c.Issuers, c.CacheSize = []string{domain}, 0 })
	fixed, err := validator.NewMux(newValidator(t, nil), workloads)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	lookup := validator.NewMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		asked[issuer]++
		return map[string]*validator.Validator{domain: workloads}[issuer], nil
	})
	for _, tt := range []struct {
		name string
		sub  string
		want validator.Code
	}{
		{"a workload", "spiffe://example.org/orders", ""},
		{"the same again", "spiffe://example.org/orders", ""},
		{"a workload of another trust domain", "spiffe://example.com/orders", validator.CodeIssuer},
		{"a subject that is no workload", "user", validator.CodeIssuer},
	} {
		text := token(nil, object{"iss": nil, "sub": tt.sub})
		for name, mux := range map[string]*validator.Mux{"NewMux": fixed, "NewMuxFunc": lookup} {
			claims, err := mux.Validate(t.Context(), text)
			if got := validator.CodeOf(err); got != tt.want || err == nil && claims.Issuer != domain {
				t.Errorf("%s: Validate(%s) = %v, %v, want code %q", name, tt.name, claims, err, tt.want)
			}
		}
	}
	if want := map[string]int{domain: 1, "spiffe://example.com": 1}; !maps.Equal(asked, want) {
		t.Errorf("the function was asked for %v, want %v", asked, want)
	}
}

// hs256 returns a token that a secret has signed.
func hs256(secret []byte, claims object) string {
	text := token(object{"alg": "HS256"}, claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text[:strings.LastIndexByte(text, '.')]))
	return withSignature(text, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

func TestNewMux_mistakes(t *testing.T) {
	t.Parallel()
	a, b := twoTenants(t)
	again, _ := twoTenants(t)
	for name, list := range map[string][]*validator.Validator{
		"none": nil, "nil": {a, nil}, "one issuer twice": {a, b, again}, "one Validator twice": {a, a},
		"one not made by New": {a, new(validator.Validator)},
	} {
		if mux, err := validator.NewMux(list...); err == nil || mux != nil {
			t.Errorf("NewMux(%s) = %v, %v", name, mux, err)
		}
	}
}

func TestNewMuxFunc(t *testing.T) {
	t.Parallel()
	a, _ := twoTenants(t)
	down := errors.New("database is down")
	for _, tt := range []struct {
		name string
		v    *validator.Validator
		err  error
		want validator.Code
	}{
		{"found", a, nil, ""},
		{"not found", nil, nil, validator.CodeIssuer},
		{"down", nil, down, validator.CodeUnavailable},
		{"a refusal of its own", nil, &validator.Error{Code: validator.CodeRefused, Err: down}, validator.CodeRefused},
	} {
		mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
			if iss != issuer {
				t.Errorf("asked for %q", iss)
			}
			return tt.v, tt.err
		})
		_, err := mux.Validate(t.Context(), token(nil, nil))
		if got := validator.CodeOf(err); got != tt.want || tt.err != nil && !errors.Is(err, down) {
			t.Errorf("Validate(%s) error = %v, want code %q", tt.name, err, tt.want)
		}
	}
}

// The function may return the wrong Validator. That must not make it accept
// another tenant's tokens.
func TestNewMuxFunc_wrongTenant(t *testing.T) {
	t.Parallel()
	a, _ := twoTenants(t)
	mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return a, nil })
	_, err := mux.Validate(t.Context(), token(nil, object{"iss": otherIssuer}))
	const want = `wrong_issuer: iss is "https://other.eu.auth0.com/", want "https://tenant.eu.auth0.com/": ` +
		`the Mux's function returned a Validator of others`
	if validator.CodeOf(err) != validator.CodeIssuer || err.Error() != want {
		t.Errorf("Validate() error = %v, want %s", err, want)
	}
}

func TestNewMuxFunc_calls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := twoTenants(t)
		good, unknown := token(nil, nil), token(nil, object{"iss": otherIssuer})
		calls := map[string]int{}
		var mu sync.Mutex
		mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
			time.Sleep(time.Second) // of the bubble's clock
			mu.Lock()
			defer mu.Unlock()
			calls[iss]++
			if iss == issuer {
				return a, nil
			}
			return nil, nil
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _, _ = mux.Validate(t.Context(), good) })
			wg.Go(func() { _, _ = mux.Validate(t.Context(), unknown) })
		}
		wg.Wait()
		if calls[issuer] != 1 || calls[otherIssuer] != 1 {
			t.Errorf("calls = %v for requests at once, want 1 each", calls)
		}
		time.Sleep(validator.MuxForgetting + time.Second)
		_, _ = mux.Validate(t.Context(), good)
		_, _ = mux.Validate(t.Context(), unknown)
		if calls[issuer] != 1 || calls[otherIssuer] != 2 {
			t.Errorf("calls = %v after MuxForgetting, want 1 and 2", calls)
		}
		time.Sleep(validator.MuxRenewal)
		for range 20 {
			_, _ = mux.Validate(t.Context(), good)
		}
		time.Sleep(2 * time.Second) // of which the function takes one, in the background
		synctest.Wait()
		if calls[issuer] != 2 {
			t.Errorf("calls = %v after MuxRenewal, want 2", calls)
		}
		time.Sleep(validator.MuxLifetime)
		start := time.Now()
		for range 20 {
			wg.Go(func() { _, _ = mux.Validate(t.Context(), good) })
		}
		wg.Wait()
		if took := time.Since(start); calls[issuer] != 3 || took != time.Second {
			t.Errorf("calls = %v after MuxLifetime, which took %v, want 3 and a second", calls, took)
		}
	})
}

func TestNewMuxFunc_rate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { calls++; return nil, nil })
		unavailable := 0
		for i := range 1000 {
			_, err := mux.Validate(t.Context(), token(nil, object{"iss": fmt.Sprintf("https://%d/", i)}))
			if validator.CodeOf(err) == validator.CodeUnavailable {
				unavailable++
			}
		}
		if calls != validator.MuxRate || unavailable != 1000-validator.MuxRate {
			t.Errorf("1000 issuers at once: %d calls, %d unavailable", calls, unavailable)
		}
	})
}

// A request that hangs up must not spoil the answer for the others.
func TestNewMuxFunc_cancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := twoTenants(t)
		mux := validator.NewMuxFunc(func(ctx context.Context, _ string) (*validator.Validator, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
				return a, nil
			}
		})
		good := token(nil, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := mux.Validate(ctx, good); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Validate() error = %v, want the context's", err)
			}
		})
		time.Sleep(time.Millisecond)
		for range 5 {
			wg.Go(func() {
				if _, err := mux.Validate(t.Context(), good); err != nil {
					t.Errorf("Validate() error = %v for a request that stays", err)
				}
			})
		}
		wg.Wait()
	})
}

// What works goes on when the function fails, for MuxLifetime and MuxStale, and
// ends when the function says so.
func TestNewMuxFunc_outage(t *testing.T) {
	t.Parallel()
	down := errors.New("database is down")
	const all = validator.MuxLifetime + validator.MuxStale
	for _, tt := range []struct {
		name  string
		err   error         // of all calls but the first
		after time.Duration // of silence
		want  validator.Code
		then  validator.Code // of the request after that
		calls int            // for both
	}{
		{"not asked yet", down, validator.MuxRenewal * 3 / 4, "", "", 1},
		{"fails in the background", down, validator.MuxRenewal, "", "", 2},
		{"says no in the background", nil, validator.MuxRenewal, "", validator.CodeIssuer, 2},
		{"fails", down, validator.MuxLifetime, "", "", 2},
		{"is unavailable", &validator.Error{Code: validator.CodeUnavailable}, validator.MuxLifetime, "", "", 2},
		{"has an error without a code", &validator.Error{Err: down}, validator.MuxLifetime, "", "", 2},
		{"fails as long as may be", down, all - time.Second, "", "", 2},
		{"fails for longer", down, all, validator.CodeUnavailable, validator.CodeUnavailable, 2},
		{"knows it no more", nil, validator.MuxLifetime, validator.CodeIssuer, validator.CodeIssuer, 2},
		{"knows it no more after a day", nil, 24 * time.Hour, validator.CodeIssuer, validator.CodeIssuer, 2},
		{"refuses it", &validator.Error{Code: validator.CodeRefused}, validator.MuxLifetime, validator.CodeRefused, validator.CodeRefused, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, _ := twoTenants(t)
			calls := 0
			mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
				if calls++; calls == 1 {
					return a, nil
				}
				return nil, tt.err
			})
			good := token(nil, nil)
			if _, err := mux.Validate(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			time.Sleep(tt.after) // of the bubble's clock
			for _, want := range []validator.Code{tt.want, tt.then, tt.then} {
				if _, err := mux.Validate(t.Context(), good); validator.CodeOf(err) != want {
					t.Errorf("%s: Validate() after %v error = %v, want code %q", tt.name, tt.after, err, want)
				}
				synctest.Wait()
			}
			if calls != tt.calls {
				t.Errorf("%s: %d calls, want %d", tt.name, calls, tt.calls)
			}
		})
	}
}

// Tokens with made-up issuers must not end what works.
func TestNewMuxFunc_flood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := twoTenants(t)
		calls := 0
		mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
			if iss == issuer {
				calls++
				return a, nil
			}
			return nil, nil
		})
		good := token(nil, nil)
		if _, err := mux.Validate(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		time.Sleep(validator.MuxLifetime) // of the bubble's clock
		for i := range 2 * validator.MuxRate {
			_, _ = mux.Validate(t.Context(), token(nil, object{"iss": fmt.Sprintf("https://%d/", i)}))
		}
		if _, err := mux.Validate(t.Context(), good); err != nil {
			t.Errorf("Validate() in a flood error = %v", err)
		}
		synctest.Wait()
		if _, err := mux.Validate(t.Context(), good); err != nil || calls != 2 {
			t.Errorf("Validate() in a flood error = %v, %d calls, want none, 2 calls", err, calls)
		}
	})
}

func TestNewMuxFunc_noIssuer(t *testing.T) {
	t.Parallel()
	mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
		t.Errorf("asked for %q", iss)
		return nil, nil
	})
	for name, iss := range map[string]any{"none": nil, "an empty one": "", "too long": "https://" + strings.Repeat("x", 1024)} {
		_, err := mux.Validate(t.Context(), token(nil, object{"iss": iss}))
		if got := validator.CodeOf(err); got != validator.CodeIssuer {
			t.Errorf("Validate(%s) error = %v, want code %q", name, err, validator.CodeIssuer)
		}
	}
}

// A function that panics is one that fails.
func TestNewMuxFunc_panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := twoTenants(t)
		calls := 0
		mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
			if calls++; calls != 2 {
				panic("secret")
			}
			return a, nil
		})
		good := token(nil, nil)
		for range 20 {
			_, err := mux.Validate(t.Context(), good)
			if validator.CodeOf(err) != validator.CodeUnavailable || strings.Contains(err.Error(), "secret") || calls != 1 {
				t.Errorf("Validate() error = %v, %d calls, want %s without the panic's value, 1 call", err, calls, validator.CodeUnavailable)
			}
		}
		time.Sleep(validator.MuxForgetting) // of the bubble's clock
		if _, err := mux.Validate(t.Context(), good); err != nil {
			t.Errorf("Validate() after a panic error = %v", err)
		}
		time.Sleep(validator.MuxLifetime)
		for range 2 {
			if _, err := mux.Validate(t.Context(), good); err != nil {
				t.Errorf("Validate() error = %v, when the renewal panics", err)
			}
			synctest.Wait()
		}
	})
}

// A function that hangs must not make requests wait for tenants in use, nor any
// request for ever.
func TestNewMuxFunc_hangs(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"heeds its context": true, "ignores its context": false} {
		synctest.Test(t, func(t *testing.T) {
			a, _ := twoTenants(t)
			var calls atomic.Int64
			end := make(chan struct{})
			defer close(end)
			mux := validator.NewMuxFunc(func(ctx context.Context, iss string) (*validator.Validator, error) {
				if calls.Add(1) == 1 {
					return a, nil
				}
				done := ctx.Done()
				if !heeds {
					done = nil
				}
				select {
				case <-done:
				case <-end:
				}
				return nil, ctx.Err()
			})
			// ask sends 20 requests at once, and returns how long they took.
			ask := func() time.Duration {
				start := time.Now()
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() {
						if _, err := mux.Validate(t.Context(), token(nil, nil)); err != nil {
							t.Errorf("%s: Validate() error = %v", name, err)
						}
					})
				}
				wg.Wait()
				return time.Since(start)
			}
			if took := ask(); took != 0 {
				t.Errorf("%s: the first requests took %v", name, took)
			}
			// In use, the renewal is behind the requests, from its first try
			// on.
			for range 20 {
				time.Sleep(time.Minute) // of the bubble's clock
				if took := ask(); took != 0 {
					t.Errorf("%s: requests took %v of a tenant in use", name, took)
				}
			}
			// After a silence one answer is waited for, and then no other.
			synctest.Wait() // for the call that the last requests have begun
			before := calls.Load()
			time.Sleep(validator.MuxLifetime)
			if took := ask(); took != validator.MuxTimeout {
				t.Errorf("%s: requests took %v after a silence, want %v", name, took, validator.MuxTimeout)
			}
			took := ask()
			synctest.Wait()
			if took != 0 || calls.Load() != before+1 {
				t.Errorf("%s: requests took %v after those, and %d calls, want none, and 1", name, took, calls.Load()-before)
			}
			start := time.Now()
			_, err := mux.Validate(t.Context(), token(nil, object{"iss": otherIssuer}))
			if waited := time.Since(start); waited != validator.MuxTimeout || validator.CodeOf(err) != validator.CodeUnavailable {
				t.Errorf("%s: Validate() of a new tenant error = %v after %v, want %s after %v",
					name, err, waited, validator.CodeUnavailable, validator.MuxTimeout)
			}
		})
	}
}

// A function that never returns can hold so many goroutines and requests, and
// no more.
func TestNewMuxFunc_hangsForStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		end := make(chan struct{})
		defer close(end)
		mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
			calls.Add(1)
			<-end
			return nil, nil
		})
		var waiting, most atomic.Int64
		var wg sync.WaitGroup
		for second := range 15 {
			for i := range 500 {
				wg.Go(func() {
					waiting.Add(1)
					defer waiting.Add(-1)
					_, err := mux.Validate(t.Context(), strangersToken(fmt.Sprintf("https://%d/", second*100+i%100)))
					if code := validator.CodeOf(err); code != validator.CodeUnavailable {
						t.Errorf("Validate() error = %v, want code %q", err, validator.CodeUnavailable)
					}
				})
			}
			time.Sleep(time.Second)
			most.Store(max(most.Load(), waiting.Load()))
		}
		wg.Wait()
		if calls.Load() > 1<<10 || most.Load() > 1<<10 {
			t.Errorf("%d calls did not return, and %d requests waited, want %d at most", calls.Load(), most.Load(), 1<<10)
		}
	})
}

// The function alone says whose Validator is an issuer's, also of those that
// another issuer's Validator lists.
func TestNewMuxFunc_takeover(t *testing.T) {
	t.Parallel()
	other := newValidator(t, func(c *validator.Config) {
		c.Issuers, c.Keys = []string{otherIssuer}, jwks.Set{{ID: kid, Public: otherKey(1)}}
	})
	greedy := newValidator(t, func(c *validator.Config) { c.Issuers = []string{issuer, otherIssuer} })
	for name, tenants := range map[string]map[string]*validator.Validator{
		"of another tenant": {issuer: greedy, otherIssuer: other},
		"of no tenant":      {issuer: greedy},
	} {
		asked := map[string]int{}
		mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
			asked[iss]++
			return tenants[iss], nil
		})
		if _, err := mux.Validate(t.Context(), token(nil, nil)); err != nil {
			t.Errorf("%s: Validate() error = %v", name, err)
		}
		forged := token(nil, object{"iss": otherIssuer}) // by the keys of greedy
		if _, err := mux.Validate(t.Context(), forged); err == nil || asked[otherIssuer] != 1 {
			t.Errorf("%s: Validate(in its name) error = %v, and the function was asked for it %d times", name, err, asked[otherIssuer])
		}
	}
}

// A tenant with several issuers has one Validator, and so one set of keys, if
// the function returns it for each of them.
func TestNewMuxFunc_customDomain(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) { c.Issuers = []string{issuer, otherIssuer} })
	asked := map[string]int{}
	mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
		asked[iss]++
		return v, nil
	})
	for _, iss := range []string{issuer, otherIssuer, issuer, otherIssuer} {
		if _, err := mux.Validate(t.Context(), token(nil, object{"iss": iss})); err != nil || asked[iss] != 1 {
			t.Errorf("Validate(of %s) error = %v, %d calls, want 1", iss, err, asked[iss])
		}
	}
}

// A nil *Error is an error that says nothing, and must not panic.
func TestNewMuxFunc_nilError(t *testing.T) {
	t.Parallel()
	mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
		var none *validator.Error
		return nil, none
	})
	_, err := mux.Validate(t.Context(), token(nil, nil))
	if validator.CodeOf(err) != validator.CodeUnavailable || err.Error() == "" {
		t.Errorf("Validate() error = %v, want code %q", err, validator.CodeUnavailable)
	}
}
