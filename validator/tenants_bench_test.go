package validator_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// BenchmarkTenants validates tokens of all tenants in turn. "accepted" is the
// whole of it, nearly all of which is the signature; "refused" are tokens that
// have expired, which leaves reading them and finding the tenant. What finding
// it costs is the difference from "Validator", which is one tenant without a
// Mux.
func BenchmarkTenants(b *testing.B) {
	for _, bb := range []struct {
		name   string
		claims object
		want   validator.Code
	}{
		{"accepted", nil, ""},
		{"refused", object{"exp": t0.Unix() - 3600}, validator.CodeExpired},
	} {
		b.Run(bb.name+"/Validator", func(b *testing.B) {
			benchmarkTenants(b, newValidators(b, 1, nil)[0], tenantTokens(1, bb.claims), bb.want)
		})
		for _, kind := range muxKinds {
			for _, n := range tenantCounts {
				b.Run(fmt.Sprintf("%s/%s/%d", bb.name, kind, n), func(b *testing.B) {
					mux := newTenantMux(b, kind, newValidators(b, n, nil))
					benchmarkTenants(b, mux, tenantTokens(n, bb.claims), bb.want)
				})
			}
		}
	}
}

func benchmarkTenants(b *testing.B, v validates, tokens []string, want validator.Code) {
	b.Helper()
	askAll(b, v, tokens, want)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := v.Validate(b.Context(), tokens[i%len(tokens)]); validator.CodeOf(err) != want {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkTenants_memory reports what one tenant keeps in memory: its
// Validator, its place in the Mux, and with "keys" also its cache with a key
// set as Auth0's, of two RSA keys, and one more that signs.
func BenchmarkTenants_memory(b *testing.B) {
	for name, source := range map[string]func(issuer string) validator.KeySource{
		"no keys": nil,
		"keys":    newKeyServer(b).cacheFor,
	} {
		for _, kind := range muxKinds {
			for _, n := range tenantCounts {
				b.Run(fmt.Sprintf("%s/%s/%d", name, kind, n), func(b *testing.B) {
					tokens := tenantTokens(n, nil)
					total := 0.0
					for b.Loop() {
						before := heap()
						mux := newTenantMux(b, kind, newValidators(b, n, source))
						askAll(b, mux, tokens, "")
						total += heap() - before
						runtime.KeepAlive(mux)
					}
					runtime.KeepAlive(tokens)
					b.ReportMetric(total/float64(b.N)/float64(n), "B/tenant")
				})
			}
		}
	}
}

var (
	tenantCounts = []int{1, 100, 10_000}
	muxKinds     = []string{"Mux", "MuxFunc"}
)

type validates interface {
	Validate(ctx context.Context, token string) (*validator.Claims, error)
}

func tenantIssuer(n int) string { return fmt.Sprintf("https://tenant-%05d.eu.auth0.com/", n) }

// newValidators returns those of n tenants, with the keys of source, or one
// fixed set for all if it is nil.
func newValidators(tb testing.TB, n int, source func(issuer string) validator.KeySource) []*validator.Validator {
	tb.Helper()
	list := make([]*validator.Validator, n)
	for i := range list {
		list[i] = newValidator(tb, func(c *validator.Config) {
			c.Issuers = []string{tenantIssuer(i)}
			if source != nil {
				c.Keys = source(c.Issuers[0])
			}
		})
	}
	return list
}

func newTenantMux(tb testing.TB, kind string, tenants []*validator.Validator) *validator.Mux {
	tb.Helper()
	if kind == "Mux" {
		mux, err := validator.NewMux(tenants...)
		if err != nil {
			tb.Fatal(err)
		}
		return mux
	}
	return validator.NewUnlimitedMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		var i int
		_, err := fmt.Sscanf(issuer, "https://tenant-%d.", &i)
		return tenants[i], err
	})
}

func tenantTokens(n int, claims object) []string {
	tokens := make([]string, n)
	for i := range tokens {
		all := object{"iss": tenantIssuer(i)}
		for name, value := range claims {
			all[name] = value
		}
		tokens[i] = token(nil, all)
	}
	return tokens
}

// askAll validates one token of each tenant, so that all of them are known.
func askAll(tb testing.TB, v validates, tokens []string, want validator.Code) {
	tb.Helper()
	for _, token := range tokens {
		if _, err := v.Validate(tb.Context(), token); validator.CodeOf(err) != want {
			tb.Fatal(err)
		}
	}
}

// heap returns the bytes in use.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first has finalized
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// A keyServer answers every request with one key set, without a network.
type keyServer struct{ body string }

func newKeyServer(tb testing.TB) *keyServer {
	tb.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	keys := []string{fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, kid, encode(key.Public().(ed25519.PublicKey)))}
	for i := range 2 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			tb.Fatal(err)
		}
		e := big.NewInt(int64(k.E)).Bytes()
		keys = append(keys, fmt.Sprintf(`{"kty":"RSA","kid":"r%d","n":%q,"e":%q}`, i, encode(k.N.Bytes()), encode(e)))
	}
	return &keyServer{`{"keys":[` + strings.Join(keys, ",") + `]}`}
}

func (s *keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, ContentLength: int64(len(s.body)),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(s.body)),
	}, nil
}

func (s *keyServer) cacheFor(issuer string) validator.KeySource {
	cache, err := jwks.NewCache(jwks.Config{
		URL:    issuer + ".well-known/jwks.json",
		Client: &http.Client{Transport: s},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	return cache
}
