package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/rsguard/rsguard/benchmarks/worst"
)

// BenchmarkWorst prints what a stranger can cause by one input, and an issuer
// by a key set, in bare RS256 checks and in bytes.
func BenchmarkWorst(b *testing.B) {
	yard := newYard(b)
	for _, input := range append(worstInputs(b), worstKeySets(b)...) {
		b.Run(input.Name, func(b *testing.B) {
			var c cost
			for b.Loop() {
				c = costOf(b, yard, input)
			}
			b.ReportMetric(c.checks, "checks")
			b.ReportMetric(c.bytes, "B")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// slack is for machines that read memory more slowly beside their arithmetic
// than the one on which the bounds were measured. On shared machines, the same
// program measures up to 1.45 times as many checks in some hours as in others,
// whatever the number of turns. What would matter is a cost that grows faster
// than its input, which measures many times the bound.
const slack = 2

// TestGate_worst holds the bounds on what a stranger can cause.
func TestGate_worst(t *testing.T) {
	holds(t, worstInputs(t), cost{slack * worst.MaxChecks, worst.MaxBytes})
}

// TestGate_worstKeySets holds the bounds on what an issuer can cause.
func TestGate_worstKeySets(t *testing.T) {
	holds(t, worstKeySets(t), cost{slack * worst.MaxKeySetChecks, worst.MaxKeySetBytes})
}

func holds(t *testing.T, inputs []worst.Input, bound cost) {
	t.Helper()
	yard := newYard(t)
	var most cost
	for _, input := range inputs {
		limit := cost{bound.checks * input.Times, bound.bytes * input.Times}
		c := costOf(t, yard, input)
		for range 20 { // what disturbs a measurement makes no cost smaller
			if c.checks <= limit.checks {
				break
			}
			c.checks = min(c.checks, costOf(t, yard, input).checks)
		}
		if c.checks > limit.checks || c.bytes > limit.bytes {
			t.Errorf("%s: costs %.2f checks of a signature and %.0f bytes, want at most %.2f and %.0f",
				input.Name, c.checks, c.bytes, limit.checks, limit.bytes)
		}
		t.Logf("%-80s %6.2f checks %7.0f bytes", input.Name, c.checks, c.bytes)
		most = cost{max(most.checks, c.checks/input.Times), max(most.bytes, c.bytes/input.Times)}
	}
	t.Logf("the most: %.2f checks, %.0f bytes", most.checks, most.bytes)
}

func worstKeySets(tb testing.TB) []worst.Input {
	tb.Helper()
	inputs, err := worst.KeySets()
	if err != nil {
		tb.Fatal(err)
	}
	return inputs
}

func worstInputs(tb testing.TB) []worst.Input {
	tb.Helper()
	inputs, err := worst.Inputs()
	if err != nil {
		tb.Fatal(err)
	}
	return inputs
}

func newYard(tb testing.TB) func() error {
	tb.Helper()
	yard, err := worst.Yard()
	if err != nil {
		tb.Fatal(err)
	}
	return yard
}

// A cost is what one input costs.
type cost struct{ checks, bytes float64 }

// costOf lets an input and the check of a signature take turns. What disturbs
// either makes it slower, so the fastest of many turns counts.
func costOf(tb testing.TB, yard func() error, input worst.Input) cost {
	tb.Helper()
	turns, allocations := 60, 10
	if start := time.Now(); input.Reject() == nil && time.Since(start) > 5*time.Millisecond {
		turns, allocations = 3, 1 // long enough by itself
	}
	bytes := bytesOf(allocations, input.Reject)
	runs := []func() error{yard, input.Reject}
	if input.Own != nil {
		runs = append(runs, input.Own)
	}
	fastest := [3]time.Duration{time.Hour, time.Hour, time.Hour}
	for range turns {
		for i, run := range runs {
			start := time.Now()
			if err := run(); err != nil {
				tb.Fatalf("%s: %v", input.Name, err)
			}
			fastest[i] = min(fastest[i], time.Since(start))
		}
	}
	check, all, own := fastest[0], fastest[1], fastest[2]
	if input.Own != nil {
		all += check - own
	}
	return cost{float64(all) / float64(check), bytes}
}

// bytesOf returns how many bytes one run allocates.
func bytesOf(runs int, run func() error) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // nothing else allocates meanwhile
	_ = run()                                       // what is made once is no part of it
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_ = run() // its error is looked at where it is timed
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(runs)
}
