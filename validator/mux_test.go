package validator_test

import (
	"context"
	"errors"
	"fmt"
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

// twoTenants returns the Validator of token's issuer, and that of another one with another key of the same ID.
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

// The function may return the wrong Validator. That must not make it accept another tenant's tokens.
func TestNewMuxFunc_wrongTenant(t *testing.T) {
	t.Parallel()
	a, _ := twoTenants(t)
	mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return a, nil })
	_, err := mux.Validate(t.Context(), token(nil, object{"iss": otherIssuer}))
	if validator.CodeOf(err) != validator.CodeIssuer {
		t.Errorf("Validate() error = %v, want code %q", err, validator.CodeIssuer)
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
		time.Sleep(validator.MuxLifetime)
		_, _ = mux.Validate(t.Context(), good)
		time.Sleep(2 * time.Second) // of which the function takes one, behind the request
		synctest.Wait()
		if calls[issuer] != 2 {
			t.Errorf("calls = %v after MuxLifetime, want 2", calls)
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

// What works goes on when the function fails, for MuxLifetime, and ends when the function says so.
func TestNewMuxFunc_outage(t *testing.T) {
	t.Parallel()
	down := errors.New("database is down")
	for _, tt := range []struct {
		name  string
		err   error // of all calls but the first
		after time.Duration
		want  validator.Code
	}{
		{"fails", down, validator.MuxLifetime, ""},
		{"is unavailable", &validator.Error{Code: validator.CodeUnavailable}, validator.MuxLifetime, ""},
		{"fails for a lifetime", down, 2*validator.MuxLifetime - time.Second, ""},
		{"fails for longer", down, 2 * validator.MuxLifetime, validator.CodeUnavailable},
		{"knows it no more", nil, validator.MuxLifetime, validator.CodeIssuer},
		{"refuses it", &validator.Error{Code: validator.CodeRefused}, validator.MuxLifetime, validator.CodeRefused},
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
			_, err := mux.Validate(t.Context(), good)
			if tt.after < 2*validator.MuxLifetime && err != nil {
				t.Errorf("%s: Validate() error = %v, want none while the function is asked behind it", tt.name, err)
			}
			synctest.Wait()
			_, err = mux.Validate(t.Context(), good)
			if got := validator.CodeOf(err); got != tt.want || calls != 2 {
				t.Errorf("%s: Validate() after %v error = %v, %d calls, want code %q, 2 calls", tt.name, tt.after, err, calls, tt.want)
			}
			_, err = mux.Validate(t.Context(), good)
			if got := validator.CodeOf(err); got != tt.want || calls != 2 {
				t.Errorf("%s: Validate() again error = %v, %d calls, want code %q, 2 calls", tt.name, err, calls, tt.want)
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

// A function that hangs must not make requests wait for tenants that work, nor for ever.
func TestNewMuxFunc_hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := twoTenants(t)
		var calls atomic.Int64
		mux := validator.NewMuxFunc(func(ctx context.Context, iss string) (*validator.Validator, error) {
			if calls.Add(1) == 1 {
				return a, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		good := token(nil, nil)
		if _, err := mux.Validate(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		time.Sleep(validator.MuxLifetime) // of the bubble's clock
		start := time.Now()
		for range 100 {
			if _, err := mux.Validate(t.Context(), good); err != nil {
				t.Errorf("Validate() error = %v", err)
			}
		}
		if waited := time.Since(start); waited != 0 || calls.Load() > 2 {
			t.Errorf("100 requests waited %v for %d calls, want not at all for one", waited, calls.Load()-1)
		}
		_, err := mux.Validate(t.Context(), token(nil, object{"iss": otherIssuer}))
		if waited := time.Since(start); waited != validator.MuxTimeout || validator.CodeOf(err) != validator.CodeUnavailable {
			t.Errorf("Validate() of a new tenant error = %v after %v, want %s after %v",
				err, waited, validator.CodeUnavailable, validator.MuxTimeout)
		}
	})
}

// All issuers of a tenant share its Validator, and so its keys.
func TestNewMuxFunc_customDomain(t *testing.T) {
	t.Parallel()
	calls := 0
	mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
		calls++
		return newValidator(t, func(c *validator.Config) { c.Issuers = []string{issuer, otherIssuer} }), nil
	})
	for _, iss := range []string{issuer, otherIssuer, issuer} {
		if _, err := mux.Validate(t.Context(), token(nil, object{"iss": iss})); err != nil || calls != 1 {
			t.Errorf("Validate(of %s) error = %v, %d calls, want 1", iss, err, calls)
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
