package validator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// defaultRoom is what the documentation of Config.CacheSize says.
const defaultRoom = 8 << 20

// heapInUse returns the bytes that are in use.
func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a finalizer or a cleanup has kept
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// padded returns claims that make a token of about n bytes.
func padded(claims object, n int) object {
	const rest = 330 // the header, the signature, and the claims that token adds
	claims["pad"] = strings.Repeat("p", max(0, (n-rest)*3/4-len(claims.json())))
	return claims
}

// The worst tokens are those whose claims take more room than the token itself.
// Not parallel: the heap is shared.
func TestRemembered_room(t *testing.T) {
	if racing.Enabled {
		t.Skip("the heap is not the library's alone")
	}
	const longest = validator.DefaultMaxTokenSize - 200
	elements := func(n int) []string {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = "a"
		}
		return texts
	}
	for _, tt := range []struct {
		name   string
		claims func(i int) object
		n      int // come
		held   int // at least
	}{
		{"1 kB", func(i int) object {
			return padded(object{"jti": fmt.Sprint(i), "scope": "read:orders write:orders", "permissions": []string{"read:orders", "write:orders"}}, 1000)
		}, 4000, 3000},
		{"short", func(i int) object { return object{"jti": fmt.Sprint(i)} }, 10000, 6500},
		{"16 KiB", func(i int) object { return padded(object{"jti": fmt.Sprint(i)}, longest) }, 350, 240},
		{"thousands of scopes", func(i int) object {
			return padded(object{"jti": fmt.Sprint(i), "scope": strings.Repeat("a ", 5500)}, longest)
		}, 120, 50},
		{"spaces in scope", func(i int) object {
			return padded(object{"jti": fmt.Sprint(i), "scope": strings.Repeat(" ", 11000)}, longest)
		}, 80, 30},
		{"thousands of permissions", func(i int) object {
			return padded(object{"jti": fmt.Sprint(i), "permissions": elements(2800)}, longest)
		}, 150, 80},
		{"escapes", func(i int) object {
			return padded(object{"jti": fmt.Sprint(i), "sub": strings.Repeat("\t", 5500)}, longest)
		}, 300, 150},
		{"bound", func(i int) object {
			return object{"jti": fmt.Sprint(i), "cnf": object{"jkt": strings.Repeat("A", 43)}}
		}, 8000, 5500},
	} {
		ctx := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: strings.Repeat("A", 43)})
		v := newValidator(t, func(c *validator.Config) { c.CacheSize = 0 })
		before := heapInUse()
		for i := range tt.n {
			if _, err := v.Validate(ctx, token(nil, tt.claims(i))); err != nil {
				t.Fatalf("Validate(%s) error = %v", tt.name, err)
			}
		}
		took := heapInUse() - before
		held, counted := v.Tokens()
		t.Logf("%s: %d of %d tokens are held in %d bytes, by its own count %d", tt.name, held, tt.n, took, counted)
		if took > defaultRoom {
			t.Errorf("%s: %d bytes for %d tokens, want %d at most", tt.name, took, held, defaultRoom)
		}
		if held < tt.held || held == tt.n {
			t.Errorf("%s: %d tokens are held, want %d at least, and not all %d", tt.name, held, tt.held, tt.n)
		}
		runtime.KeepAlive(v)
	}
}

// Tenants that get no tokens cost what they cost without a memory, and those
// that do share one. Not parallel: the heap is shared.
func TestRemembered_tenants(t *testing.T) {
	if racing.Enabled {
		t.Skip("the heap is not the library's alone")
	}
	const tenants = 10_000
	build := func(cacheSize int) (bytes int, mux *validator.Mux, all []*validator.Validator) {
		keys := config().Keys
		before := heapInUse()
		all = make([]*validator.Validator, tenants)
		for i := range all {
			all[i] = newValidator(t, func(c *validator.Config) {
				c.Issuers, c.Keys, c.CacheSize = []string{tenantIssuer(i)}, keys, cacheSize
			})
		}
		mux, err := validator.NewMux(all...)
		if err != nil {
			t.Fatal(err)
		}
		return heapInUse() - before, mux, all
	}
	without, mux, _ := build(-1)
	runtime.KeepAlive(mux)
	with, mux, all := build(0)
	t.Logf("%d idle tenants: %d bytes without a memory, %d with the default", tenants, without, with)
	if with-without > 32*tenants {
		t.Errorf("%d idle tenants: %d bytes, want the %d that they take without a memory, and 32 each at most", tenants, with, without)
	}

	before := heapInUse()
	for i := range tenants / 2 {
		if _, err := mux.Validate(t.Context(), token(nil, padded(object{"iss": tenantIssuer(i)}, 1000))); err != nil {
			t.Fatalf("Validate() error = %v", err)
		}
	}
	took := heapInUse() - before
	held, _ := mux.Tokens()
	t.Logf("a token of each: %d are held in %d bytes", held, took)
	if took > defaultRoom || held < 3000 {
		t.Errorf("a token of each of %d tenants: %d are held in %d bytes, want 3000 or more in %d or less", tenants/2, held, took, defaultRoom)
	}
	for _, v := range all {
		if n, _ := v.Tokens(); n > 0 {
			t.Fatalf("a tenant of a Mux holds %d tokens itself, want none", n)
		}
	}
	runtime.KeepAlive(all)
}

// A token that has expired is dropped when it comes again, and otherwise when
// others come.
func TestRemembered_expired(t *testing.T) {
	t.Parallel()
	now := t0
	v := newValidator(t, func(c *validator.Config) { c.CacheSize, c.Now = 0, func() time.Time { return now } })
	accept := func(claims object) string {
		text := token(nil, claims)
		if _, err := v.Validate(t.Context(), text); err != nil {
			t.Fatalf("Validate(%v) error = %v", claims, err)
		}
		return text
	}
	tokens := func(want int, when string) {
		t.Helper()
		if got, _ := v.Tokens(); got != want {
			t.Errorf("%d tokens are held %s, want %d", got, when, want)
		}
	}
	first := accept(nil)
	for i := range 99 {
		accept(object{"jti": fmt.Sprint(i)})
	}
	now = t0.Add(time.Hour + 29*time.Second)
	accept(object{"exp": now.Add(time.Hour).Unix()})
	tokens(101, "a second before 100 expire")

	now = now.Add(time.Second)
	if _, err := v.Validate(t.Context(), first); validator.CodeOf(err) != validator.CodeExpired {
		t.Errorf("Validate(expired) error = %v, want %s", err, validator.CodeExpired)
	}
	tokens(100, "when an expired one was asked for")
	for i := range 60 {
		accept(object{"jti": fmt.Sprint(i), "exp": now.Add(time.Hour).Unix()})
	}
	tokens(61, "when 99 have expired, and 60 others came")
}

// What is remembered of a tenant ends with its Validator, in a memory that is
// shared.
func TestRemembered_anotherValidator(t *testing.T) {
	t.Parallel()
	var current *validator.Validator
	refused := func(context.Context, *validator.Claims) error {
		return &validator.Error{Code: validator.CodeScope}
	}
	mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return current, nil })
	good := token(nil, nil)
	for _, step := range []struct {
		name   string
		change func(*validator.Config)
		want   validator.Code
	}{
		{"a tenant", func(*validator.Config) {}, ""},
		{"another audience", func(c *validator.Config) { c.Audiences = []string{"https://other.example.com"} }, validator.CodeAudience},
		{"the first again", func(*validator.Config) {}, ""},
		{"another algorithm", func(c *validator.Config) { c.Algorithms = []validator.Algorithm{validator.ES256} }, validator.CodeAlgorithm},
		{"a shorter token", func(c *validator.Config) { c.MaxTokenSize = len(good) - 1 }, validator.CodeMalformed},
		{"another key", func(c *validator.Config) { c.Keys = jwks.Set{{ID: kid, Public: otherKey(1)}} }, validator.CodeSignature},
		{"a check", func(c *validator.Config) { c.Checks = []validator.Check{refused} }, validator.CodeScope},
		{"a type", func(c *validator.Config) { c.RequireRFC9068 = true }, validator.CodeType},
		{"its own memory", func(c *validator.Config) { c.CacheSize = 4 }, ""},
		{"no memory", func(c *validator.Config) { c.CacheSize = -1 }, ""},
	} {
		current = newValidator(t, func(c *validator.Config) { c.CacheSize = 0; step.change(c) })
		mux.Forget(issuer)
		for range 3 {
			claims, err := mux.Validate(t.Context(), good)
			if got := validator.CodeOf(err); got != step.want || (claims == nil) != (err != nil) {
				t.Errorf("Validate() for %s = %v, %v, want code %q", step.name, claims, err, step.want)
			}
		}
	}
	current = nil
	mux.Forget(issuer)
	if _, err := mux.Validate(t.Context(), good); validator.CodeOf(err) != validator.CodeIssuer {
		t.Errorf("Validate() without a tenant: error = %v, want %s", err, validator.CodeIssuer)
	}
}

// Tenants of a Mux at once, with keys that rotate, Validators that are
// replaced, tokens that expire and more of them than there is room for.
func TestRemembered_parallelTenants(t *testing.T) {
	t.Parallel()
	const tenants, each = 8, 60
	source := new(rotating)
	ours, none := jwks.Set{{ID: kid, Public: key.Public()}}, jwks.Set{{ID: "k2", Public: otherKey(1)}}
	source.keys.Store(&ours)
	mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
		return newValidator(t, func(c *validator.Config) { c.Issuers, c.Keys, c.CacheSize = []string{iss}, source, 0 }), nil
	})
	var tokens []string
	var want []validator.Claims
	for i := range tenants * each {
		c := validator.Claims{Issuer: tenantIssuer(i % tenants), Subject: fmt.Sprint(i), ExpiresAt: t0.Add(time.Hour)}
		tokens = append(tokens, token(nil, padded(object{"iss": c.Issuer, "sub": c.Subject, "scope": strings.Repeat("a ", 4000)}, 12000)))
		want = append(want, c)
	}
	rounds := int64(4000)
	if racing.Enabled {
		rounds = 1000
	}
	var wg sync.WaitGroup
	var validated atomic.Int64
	for range 4 {
		wg.Go(func() {
			for validated.Add(1) < rounds {
				i := rand.IntN(len(tokens))
				switch claims, err := mux.Validate(t.Context(), tokens[i]); validator.CodeOf(err) {
				case "":
					if claims.Issuer != want[i].Issuer || claims.Subject != want[i].Subject {
						t.Errorf("Validate(token %d) = %v, want %v", i, claims, want[i])
					}
				case validator.CodeUnknownKey:
				default:
					t.Errorf("Validate(token %d) error = %v", i, err)
				}
			}
		})
	}
	wg.Go(func() {
		most := 0
		for i := int64(0); validated.Load() < rounds; i = validated.Load() / 10 {
			source.keys.Store([]*jwks.Set{&ours, &ours, &ours, &none}[i%4])
			mux.Forget(tenantIssuer(int(i % tenants)))
			n, bytes := mux.Tokens()
			if most = max(most, n); bytes > defaultRoom {
				t.Errorf("%d tokens are held in %d bytes, want %d at most", n, bytes, defaultRoom)
			}
			runtime.Gosched()
		}
		t.Logf("%d tokens were held at most, of %d", most, len(tokens))
		if most == 0 || most == len(tokens) {
			t.Errorf("%d tokens were held at most, want some and not all", most)
		}
		source.keys.Store(&none)
	})
	wg.Wait()
	for i, token := range tokens {
		if _, err := mux.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeUnknownKey {
			t.Errorf("Validate(token %d) error = %v after the key was withdrawn", i, err)
		}
	}
}
