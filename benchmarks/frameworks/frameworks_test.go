// Package frameworks measures what a guarded handler costs beside a bare one of
// the same framework and beside other libraries, for the frameworks whose
// adapters are modules of their own.
package frameworks_test

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	auth0 "github.com/auth0/go-jwt-middleware/v3"
	auth0validator "github.com/auth0/go-jwt-middleware/v3/validator"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// The cases of each framework. The peer is another library that checks the same
// token.
const (
	bare     = "bare"
	guarded  = "guarded"
	noMemory = "guarded, no memory"
	peer     = "peer: "
)

var frameworks = []struct {
	name  string
	cases func(testing.TB, *rows.Issuer) []measure.Case
}{
	{"Echo v5", echoCases},
	{"Fiber v3", fiberCases},
	{"Huma", humaCases},
	{"gRPC, interceptor", interceptorCases},
	{"gRPC, call", callCases},
	{"Connect", connectCases},
}

func Benchmark(b *testing.B) {
	for _, f := range frameworks {
		b.Run(f.name, func(b *testing.B) {
			for _, c := range f.cases(b, newIssuer(b)) {
				b.Run(c.Name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := c.Run(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// TestGate keeps every adapter ahead of the other library, also when it checks
// the signature of each request, as that does. With -v it prints the ratios.
func TestGate(t *testing.T) {
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			cases := f.cases(t, newIssuer(t))
			var results []measure.Result
			for range 3 { // other work on the machine may disturb one
				var err error
				if results, err = measure.Rounds(60, cases); err != nil {
					t.Fatal(err)
				}
				if len(behind(results)) == 0 {
					break
				}
			}
			for _, r := range results {
				t.Logf("%-30s %8.2f of bare, %5.2f of the peer, %3.0f allocations", r.Name, r.Ratio, r.Ratio/ofPeer(results), r.Allocations)
			}
			for _, name := range behind(results) {
				t.Errorf("%s: %s takes longer than the peer in three runs", f.name, name)
			}
		})
	}
}

// behind returns the guarded cases that take longer than the peer.
func behind(results []measure.Result) (names []string) {
	for _, r := range results {
		if (r.Name == guarded || r.Name == noMemory) && r.Ratio >= ofPeer(results) {
			names = append(names, r.Name)
		}
	}
	return names
}

func ofPeer(results []measure.Result) float64 {
	for _, r := range results {
		if strings.HasPrefix(r.Name, peer) {
			return r.Ratio
		}
	}
	return 0 // so that everything is behind
}

func newIssuer(tb testing.TB) *rows.Issuer {
	tb.Helper()
	issuer, err := rows.NewIssuer("RS256")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(issuer.Close)
	return issuer
}

// newAuth returns an Authenticator that remembers as many tokens as size says.
func newAuth(tb testing.TB, issuer *rows.Issuer, size int) *middleware.Authenticator {
	tb.Helper()
	v, err := validator.New(validator.Config{
		Issuers: []string{issuer.URL}, Audiences: []string{rows.Audience},
		Keys: jwks.Set{{ID: rows.KeyID, Public: issuer.Public}}, CacheSize: size,
	})
	if err != nil {
		tb.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	return auth
}

// both returns the two guarded cases.
func both(tb testing.TB, issuer *rows.Issuer, run func(*middleware.Authenticator) func() error) []measure.Case {
	tb.Helper()
	return []measure.Case{{Name: guarded, Run: run(newAuth(tb, issuer, 0))}, {Name: noMemory, Run: run(newAuth(tb, issuer, -1))}}
}

// auth0Validator is that of go-jwt-middleware, which has the key already.
func auth0Validator(tb testing.TB, issuer *rows.Issuer) *auth0validator.Validator {
	tb.Helper()
	v, err := auth0validator.New(
		auth0validator.WithKeyFunc(func(context.Context) (any, error) { return crypto.PublicKey(issuer.Public), nil }),
		auth0validator.WithAlgorithm(auth0validator.RS256), auth0validator.WithIssuer(issuer.URL), auth0validator.WithAudience(rows.Audience),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// auth0Handler is go-jwt-middleware's own middleware of net/http, which most
// frameworks take.
func auth0Handler(tb testing.TB, issuer *rows.Issuer) func(http.Handler) http.Handler {
	tb.Helper()
	m, err := auth0.New(auth0.WithValidator(auth0Validator(tb, issuer)))
	if err != nil {
		tb.Fatal(err)
	}
	return m.CheckJWT
}

func auth0Claims(ctx context.Context) bool {
	_, err := auth0.GetClaims[*auth0validator.ValidatedClaims](ctx)
	return err == nil
}

// discard is a response that is thrown away.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// serve returns a function that serves r, which next prepares.
func serve(h http.Handler, r *http.Request, next func()) func() error {
	w := &discard{header: http.Header{}}
	return func() error {
		w.status = http.StatusOK
		clear(w.header)
		next()
		h.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			return fmt.Errorf("status = %d", w.status)
		}
		return nil
	}
}
