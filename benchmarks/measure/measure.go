// Package measure compares durations, so that the ratios are reliable on a
// machine whose speed is not.
//
// All cases take turns in many short rounds of one process. A ratio is the
// median, over the rounds, of the time of a case divided by that of the first
// case in the same round. A slow moment of the machine affects both. The
// garbage collector runs normally, since the garbage of a case is a part of its
// cost.
package measure

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// A Case is something to measure. Run does it once.
type Case struct {
	Name string
	Run  func() error
}

// A Result is the measurement of a case.
type Result struct {
	Name        string
	Nanoseconds float64 // for one run: the median of the rounds
	Ratio       float64 // to the first case's time: the median of the rounds
	Allocations float64 // of one run
	Bytes       float64 // allocated by one run
}

// turn is how long a case runs in a round. It is long compared with the clock's
// resolution, and short compared with disturbances.
const turn = 5 * time.Millisecond

// Rounds measures the cases in turns. Ratios are relative to the first case. It
// is not safe for concurrent use.
func Rounds(rounds int, cases []Case) ([]Result, error) {
	results := make([]Result, len(cases))
	sizes := make([]int, len(cases))
	for i, c := range cases {
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		sizes[i] = size(c)
		results[i].Name = c.Name
		results[i].Allocations, results[i].Bytes = memory(c)
	}

	times := make([][]float64, len(cases))
	for round := range rounds {
		for j := range cases {
			// Each round begins with another case, so that none always follows
			// the same one.
			i := (round + j) % len(cases)
			ns, err := take(cases[i], sizes[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", cases[i].Name, err)
			}
			times[i] = append(times[i], ns)
		}
	}

	for i := range results {
		ratios := make([]float64, rounds)
		for round := range rounds {
			ratios[round] = times[i][round] / times[0][round]
		}
		results[i].Nanoseconds, results[i].Ratio = Median(times[i]), Median(ratios)
	}

	return results, nil
}

// take runs the case n times and returns the nanoseconds of one run.
func take(c Case, n int) (float64, error) {
	for range n/8 + 1 {
		if err := c.Run(); err != nil {
			return 0, err
		}
	}

	start := Processor()
	for range n {
		if err := c.Run(); err != nil {
			return 0, err
		}
	}

	return float64(Processor()-start) / float64(n), nil
}

// size returns how many runs fill a turn.
func size(c Case) int {
	for n := 1; ; n *= 2 {
		start := Processor()
		for range n {
			_ = c.Run() // it has just passed; take looks at every error
		}
		if took := Processor() - start; took > turn/4 {
			return max(1, int(float64(n)*float64(turn)/float64(took)))
		}
	}
}

// memory returns the allocations of one run and their bytes.
func memory(c Case) (allocations, bytes float64) {
	const runs = 200

	// One processor, as in testing.AllocsPerRun: nothing else allocates
	// meanwhile.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))

	// The first collection of a process allocates its workers. It must not
	// begin while a case is counted.
	runtime.GC()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_ = c.Run() // it has just passed
	}
	runtime.ReadMemStats(&after)

	// Whole numbers: a pool that is filled now and then is not an allocation of
	// each run.
	return float64((after.Mallocs - before.Mallocs) / runs), float64((after.TotalAlloc - before.TotalAlloc) / runs)
}

// Median returns the median of the values, or zero if there are none. It
// doesn't change them.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}

	return sorted[middle]
}
