package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

const revokingIssuer = "https://sso.example.com/"

// maxRuleBytes is what a rule may take, among a million.
const maxRuleBytes = 100

// revocations returns a List with so many rules: half of them by jti, and of the
// others as many by sub as by sid.
func revocations(tb testing.TB, rules int) *revocation.List {
	tb.Helper()
	list, err := revocation.New(revocation.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	for i := range rules {
		rule := revocation.Rule{Issuer: revokingIssuer}
		switch i % 4 {
		case 0:
			rule.Subject, rule.IssuedBefore = fmt.Sprint("auth0|revoked-", i), now
		case 1:
			rule.SessionID = fmt.Sprint("session-", i)
		default:
			rule.ID = fmt.Sprint("token-", i)
		}
		if err := list.Revoke(context.Background(), rule); err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

// ask returns a function that asks list about the claims of a token that is not
// revoked, and of another one each time. What the processor has in its cache is
// thus the claims, as it is after Validate, and not what List looks at.
func ask(list *revocation.List) func() error {
	const tokens, length = 1 << 16, 12
	var texts strings.Builder
	for i := range 3 * tokens {
		fmt.Fprintf(&texts, "%0*d", length, i)
	}
	all, n, ctx := texts.String(), 0, context.Background()
	next := func() string {
		n = (n + 1) % (3 * tokens)
		return all[n*length : (n+1)*length]
	}
	now := time.Now()
	claims := &validator.Claims{Issuer: revokingIssuer, ClientID: "shop", IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	return func() error {
		claims.Subject, claims.ID, claims.SessionID = next(), next(), next()
		return list.Check(ctx, claims)
	}
}

func BenchmarkRevoked(b *testing.B) {
	for _, rules := range []int{0, 1, 1_000, 1_000_000} {
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			run := ask(revocations(b, rules))
			b.ReportAllocs()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRevoke(b *testing.B) {
	list, err := revocation.New(revocation.Config{Capacity: 1 << 28})
	if err != nil {
		b.Fatal(err)
	}
	n, now := 0, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := list.Revoke(b.Context(), revocation.Rule{Issuer: revokingIssuer, Subject: fmt.Sprint(n), IssuedBefore: now}); err != nil {
			b.Fatal(err)
		}
	}
}

// read returns a function that waits for memory once.
func read() func() error {
	all, x := make([]uint64, 8<<20), uint64(1) // 64 MiB, more than caches hold
	for i := range all {
		all[i] = uint64(i)
	}
	return func() error {
		// Where it reads next depends on what it reads.
		x = (x*6364136223846793005 + 1442695040888963407) ^ all[x>>41]
		return nil
	}
}

// TestGateRevoked holds that a question costs no allocation and at most a
// fiftieth of Validate with its signature check, whatever the number of rules,
// and what the rules take.
func TestGateRevoked(t *testing.T) {
	issuer := newIssuer(t, "RS256")
	v := newValidator(t, issuer, -1)
	before := heap()
	million := revocations(t, 1_000_000)
	each := (float64(heap()) - float64(before)) / 1e6
	t.Logf("of a million rules, each takes %.1f bytes", each)
	if each > maxRuleBytes {
		t.Errorf("of a million rules, each takes %.1f bytes, want %d at most", each, maxRuleBytes)
	}
	cases := []measure.Case{
		{Name: "Validate", Run: func() error {
			_, err := v.Validate(context.Background(), issuer.Token)
			return err
		}},
		{Name: "no rules", Run: ask(revocations(t, 0))},
		{Name: "a thousand", Run: ask(revocations(t, 1000))},
		{Name: "a million", Run: ask(million)},
		{Name: "a read of memory", Run: read()},
	}
	for _, c := range cases {
		if got := testing.AllocsPerRun(1000, func() { _ = c.Run() }); got != 0 && c.Name != "Validate" {
			t.Errorf("%s: allocations of Check = %v, want 0", c.Name, got)
		}
	}
	// A million rules are too many for the processor's nearest caches. That
	// costs about one wait for memory, and not one for each kind of rule.
	const most, mostReads = 0.02, 2.5
	best, reads := make([]float64, len(cases)), math.Inf(1)
	for range 8 {
		results, err := measure.Rounds(40, cases)
		if err != nil {
			t.Fatal(err)
		}
		if r := (results[3].Nanoseconds - results[2].Nanoseconds) / results[4].Nanoseconds; r < reads {
			reads = r
			t.Logf("a million: %.0f ns more than a thousand, and a read of memory is %.0f ns",
				results[3].Nanoseconds-results[2].Nanoseconds, results[4].Nanoseconds)
		}
		done := reads <= mostReads
		for i := 1; i < 4; i++ {
			if ratio := results[i].Ratio; best[i] == 0 || ratio < best[i] {
				best[i] = ratio
				t.Logf("%s: %.0f ns of the processor, Validate %.0f ns", cases[i].Name, results[i].Nanoseconds, results[0].Nanoseconds)
			}
			done = done && best[i] <= most
		}
		if done {
			break
		}
	}
	t.Logf("a million: Check is %.2f reads of memory over that with a thousand", reads)
	if reads > mostReads {
		t.Errorf("a million: Check is %.2f reads of memory over that with a thousand, want %.1f at most", reads, mostReads)
	}
	for i := 1; i < 4; i++ {
		t.Logf("%s: Check is %.4f × Validate", cases[i].Name, best[i])
		if best[i] > most {
			t.Errorf("%s: Check / Validate = %.4f, want %.2f at most", cases[i].Name, best[i], most)
		}
	}
	runtime.KeepAlive(million)
}
