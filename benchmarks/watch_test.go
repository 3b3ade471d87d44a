package main

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// maxWatchBytes is what a watch may take, among a hundred thousand, besides its
// claims and the context of its request.
const maxWatchBytes = 1200

// tokens returns the claims of so many tokens, as different as those of a
// service are.
func tokens(n int) []validator.Claims {
	now := time.Now()
	all := make([]validator.Claims, n)
	for i := range all {
		all[i] = validator.Claims{
			Issuer: revokingIssuer, Subject: fmt.Sprint("auth0|", i), ID: fmt.Sprint("token-", i), SessionID: fmt.Sprint("session-", i),
			ClientID: "shop", IssuedAt: now, ExpiresAt: now.Add(time.Hour + time.Duration(i%3600)*time.Second),
		}
	}
	return all
}

// watching returns a List that watches so many tokens, each with a context of
// its own, those contexts, and the bytes that each watch takes.
func watching(tb testing.TB, n int) (*revocation.List, []context.Context, float64) {
	tb.Helper()
	list, err := revocation.New(revocation.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	claims, all := tokens(n), make([]context.Context, n)
	for i := range all {
		ctx, cancel := context.WithCancel(context.Background())
		tb.Cleanup(cancel)
		all[i] = ctx
	}
	before := heap()
	for i, ctx := range all {
		if all[i], err = list.WatchContext(ctx, &claims[i]); err != nil {
			tb.Fatal(err)
		}
	}
	return list, all, (float64(heap()) - float64(before)) / float64(n)
}

// watchOnce watches a token for a request that ends soon.
func watchOnce(list *revocation.List) func() error {
	claims, n := tokens(1<<12), 0
	return func() error {
		n = (n + 1) % len(claims)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, err := list.WatchContext(ctx, &claims[n])
		return err
	}
}

func BenchmarkWatch(b *testing.B) {
	for _, others := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprint(others), func(b *testing.B) {
			list, _, _ := watching(b, others)
			run := watchOnce(list)
			b.ReportAllocs()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestGateWatch holds that a request that is watched costs less than a signature
// check, however many others are, what a watch takes, that none has a goroutine,
// and that a rule that ends many costs no more for each than one that ends few.
func TestGateWatch(t *testing.T) {
	const few, many = 1_000, 100_000
	issuer := newIssuer(t, "RS256")
	v := newValidator(t, issuer, -1)

	goroutines := runtime.NumGoroutine()
	list, all, each := watching(t, many)
	t.Logf("of a hundred thousand watches, each takes %.0f bytes", each)
	if each > maxWatchBytes {
		t.Errorf("of a hundred thousand watches, each takes %.0f bytes, want %d at most", each, maxWatchBytes)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 1 {
		t.Errorf("a hundred thousand watches have %d goroutines, want none, and one while the timer ends some", n)
	}

	empty, _, _ := watching(t, 0)
	results, err := measure.Rounds(40, []measure.Case{
		{Name: "Validate", Run: func() error {
			_, err := v.Validate(context.Background(), issuer.Token)
			return err
		}},
		{Name: "the only watch", Run: watchOnce(empty)},
		{Name: "one of many", Run: watchOnce(list)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results[1:] {
		t.Logf("%s: %.0f ns of the processor, %.3f × Validate, %.0f allocations", r.Name, r.Nanoseconds, r.Ratio, r.Allocations)
		if r.Ratio > 0.5 {
			t.Errorf("%s: a watch / Validate = %.3f, want 0.5 at most", r.Name, r.Ratio)
		}
	}

	ratio := 0.0
	for range 5 {
		short, _, _ := watching(t, few)
		long, longAll := list, all
		if ratio != 0 { // the first are used up
			long, longAll, _ = watching(t, many)
		}
		ratio = float64(endAll(t, long)/many) / float64(endAll(t, short)/few)
		t.Logf("a rule that ends a hundred thousand watches costs %.2f of one that ends a thousand, for each", ratio)
		for i := range longAll {
			if longAll[i].Err() == nil {
				t.Fatalf("watch %d of %d goes on after Revoke() of all", i, many)
			}
		}
		if ratio <= 5 {
			return
		}
	}
	t.Errorf("a rule that ends a hundred thousand watches costs %.2f of one that ends a thousand, for each, want 5 at most", ratio)
}

// endAll has a rule end all watches, and returns what that costs.
func endAll(tb testing.TB, list *revocation.List) time.Duration {
	tb.Helper()
	runtime.GC()
	begun := measure.Processor()
	if err := list.Revoke(context.Background(), revocation.Rule{Issuer: revokingIssuer, IssuedBefore: time.Now()}); err != nil {
		tb.Fatal(err)
	}
	return measure.Processor() - begun
}
