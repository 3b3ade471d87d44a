package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/rsguard/rsguard/benchmarks/worst"
)

// BenchmarkWorst prints what a stranger can cause by one input, in bare RS256
// checks and in bytes.
func BenchmarkWorst(b *testing.B) {
	yard := newYard(b)
	for _, input := range worstInputs(b) {
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

// TestGate_worst holds the bounds on what a stranger can cause.
func TestGate_worst(t *testing.T) {
	yard := newYard(t)
	var most cost
	for _, input := range worstInputs(t) {
		c := costOf(t, yard, input)
		for range 20 { // what disturbs a measurement makes no cost smaller
			if c.checks <= worst.MaxChecks*input.Times {
				break
			}
			c.checks = min(c.checks, costOf(t, yard, input).checks)
		}
		if c.checks > worst.MaxChecks*input.Times || c.bytes > worst.MaxBytes*input.Times {
			t.Errorf("%s: costs %.2f checks of a signature and %.0f bytes, want at most %.2f and %.0f",
				input.Name, c.checks, c.bytes, worst.MaxChecks*input.Times, worst.MaxBytes*input.Times)
		}
		t.Logf("%-80s %6.2f checks %7.0f bytes", input.Name, c.checks, c.bytes)
		most.checks, most.bytes = max(most.checks, c.checks/input.Times), max(most.bytes, c.bytes/input.Times)
	}
	t.Logf("the most: %.2f checks, %.0f bytes", most.checks, most.bytes)
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
	bytes := bytesOf(input.Reject)
	runs := []func() error{yard, input.Reject}
	if input.Own != nil {
		runs = append(runs, input.Own)
	}
	const turns = 60
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
func bytesOf(run func() error) float64 {
	const runs = 10
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // nothing else allocates meanwhile
	_ = run()                                       // what is made once is no part of it
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_ = run() // its error is looked at where it is timed
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / runs
}
