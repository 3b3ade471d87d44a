package main

import (
	"context"
	"testing"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
)

// TestGate keeps the speed: exact counts of allocations, and ratios of what took turns in this process. No absolute time.
//
// A remembered token costs the same whatever signed it, so its ratio depends on what a signature check costs: most for
// ES256, least for RS256, of which it is about a third.
func TestGate(t *testing.T) {
	for _, tt := range []struct {
		alg         string
		allocations float64
		validate    float64 // × the signature, at most
		golangJWT   float64 // × Validate, at least
		remembered  float64 // Validate × this, at least
	}{
		{"RS256", 12, 1.15, 1.25, 60},
		{"ES256", 14, 1.10, 1.08, 150},
		{"EdDSA", 2, 1.12, 1.12, 90},
	} {
		issuer := newIssuer(t, tt.alg)
		v, remembering := newValidator(t, issuer, 0), newValidator(t, issuer, 10)
		ctx := context.Background()
		if got := testing.AllocsPerRun(100, func() { _, _ = v.Validate(ctx, issuer.Token) }); got != tt.allocations {
			t.Errorf("%s: allocations of Validate = %v, want %v", tt.alg, got, tt.allocations)
		}
		if got := testing.AllocsPerRun(100, func() { _, _ = remembering.Validate(ctx, issuer.Token) }); got != 1 {
			t.Errorf("%s: allocations of Validate, token remembered = %v, want 1", tt.alg, got)
		}

		validate, golangJWT, remembered := ratios(t, issuer)
		t.Logf("%s: Validate is %.3f × the signature, golang-jwt %.2f × Validate, Validate %.0f × a remembered token",
			tt.alg, validate, golangJWT, remembered)
		if validate > tt.validate {
			t.Errorf("%s: Validate / signature = %.3f, want at most %.2f", tt.alg, validate, tt.validate)
		}
		if golangJWT < tt.golangJWT {
			t.Errorf("%s: golang-jwt / Validate = %.2f, want at least %.2f", tt.alg, golangJWT, tt.golangJWT)
		}
		if remembered < tt.remembered {
			t.Errorf("%s: Validate / remembered = %.0f, want at least %.0f", tt.alg, remembered, tt.remembered)
		}
	}
}

// ratios are the best of up to three runs: what disturbs a run makes none better.
func ratios(t *testing.T, issuer *rows.Issuer) (validate, golangJWT, remembered float64) {
	t.Helper()
	all := []rows.Row{rows.Yard, rows.Validate, rows.Remembered, rows.GolangJWT}
	cases := make([]measure.Case, len(all))
	for i, row := range all {
		checker, err := row.Open(t.Context(), issuer)
		if err != nil {
			t.Fatal(err)
		}
		check := checker(issuer.Token)
		cases[i] = measure.Case{Name: row.Name, Run: func() error { _, err := check(); return err }}
	}
	for range 3 {
		results, err := measure.Rounds(30, cases)
		if err != nil {
			t.Fatal(err)
		}
		took := func(i int) float64 { return results[i].Nanoseconds }
		if ratio := took(1) / took(0); validate == 0 || ratio < validate {
			validate = ratio
		}
		golangJWT = max(golangJWT, took(3)/took(1))
		remembered = max(remembered, took(1)/took(2))
	}
	return validate, golangJWT, remembered
}
