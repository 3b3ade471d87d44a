package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/benchmarks/rows"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

func TestMain(m *testing.M) {
	slog.SetLogLoggerLevel(slog.LevelWarn) // a line of the log in a benchmark's would hide it from benchstat
	os.Exit(m.Run())
}

// BenchmarkRows has every row of the tables, for benchstat.
func BenchmarkRows(b *testing.B) {
	for _, alg := range rows.Algorithms {
		issuer := newIssuer(b, alg)
		for _, row := range rows.All() {
			b.Run(alg+"/"+row.Name, func(b *testing.B) {
				checker, err := row.Open(b.Context(), issuer)
				if err != nil {
					b.Fatal(err)
				}
				check := checker(issuer.Token)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := check(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRefused is what a flood of bad tokens costs. Ratios are to
// BenchmarkRows/RS256/signature_alone.
func BenchmarkRefused(b *testing.B) {
	issuer := newIssuer(b, "RS256")
	v := newValidator(b, issuer, -1)
	header, rest, _ := strings.Cut(issuer.Token, ".")
	for _, bad := range []struct{ name, token string }{
		{"unknown kid", issuer.Bad["key of nobody"]},
		{"wrong algorithm", strings.Replace(issuer.Token, header, "eyJhbGciOiJIUzI1NiJ9", 1)},
		{"malformed", header + "!." + rest},
		{"signature's length", issuer.Token[:len(issuer.Token)-4]},
		{"opaque", "3q2-7wABCDEFGH"},
		{"too large", strings.Repeat("x", 1<<20)},
		{"another's signature", issuer.Bad["key of another kid"]},
	} {
		b.Run(bad.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Validate(b.Context(), bad.token); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// BenchmarkKeys has key sets of several sizes. The time must be the same.
func BenchmarkKeys(b *testing.B) {
	issuer := newIssuer(b, "RS256")
	for _, n := range []int{1, 100, 10_000} {
		set := make(jwks.Set, 0, n)
		for i := range n - 1 {
			public, _, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			set = append(set, jwks.Key{ID: fmt.Sprint("key ", i), Public: public})
		}
		set = append(set, jwks.Key{ID: rows.KeyID, Public: issuer.Public})
		v, err := validator.New(validator.Config{
			Issuers: []string{issuer.URL}, Audiences: []string{rows.Audience}, Keys: set,
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Validate(b.Context(), issuer.Token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Run BenchmarkRemembered with -cpu 1,2: two processors have to do
// twice as much.
func BenchmarkRemembered(b *testing.B) {
	issuer := newIssuer(b, "RS256")
	v := newValidator(b, issuer, 0)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.Validate(context.Background(), issuer.Token); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkMemory reports how many bytes a remembered token takes, for one byte
// of its own.
func BenchmarkMemory(b *testing.B) {
	const n = 10_000
	issuer := newIssuer(b, "EdDSA")
	for b.Loop() {
		v := newValidator(b, issuer, n)
		before := heap()
		length := 0
		for i := range n {
			token, err := issuer.Sign(map[string]any{"sub": fmt.Sprint("user ", i)})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := v.Validate(b.Context(), token); err != nil {
				b.Fatal(err)
			}
			length = len(token)
		}
		b.ReportMetric(float64(heap()-before)/n/float64(length), "B/B")
		runtime.KeepAlive(v)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func newIssuer(tb testing.TB, alg string) *rows.Issuer {
	tb.Helper()
	issuer, err := rows.NewIssuer(alg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(issuer.Close)
	return issuer
}

func newValidator(tb testing.TB, issuer *rows.Issuer, cacheSize int) *validator.Validator {
	tb.Helper()
	v, err := rows.NewValidator(tb.Context(), issuer, cacheSize)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}
