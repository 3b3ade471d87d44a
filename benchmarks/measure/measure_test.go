package measure_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/rsguard/rsguard/benchmarks/measure"
)

var sink []byte

// work hashes much and allocates little, so that a turn's time does not depend
// on how many garbage collections fall into it.
func work(n int) func() error {
	return func() error {
		for range n {
			sum := sha256.Sum256(make([]byte, 4096))
			sink = append([]byte(nil), sum[:]...)
		}

		return nil
	}
}

func TestRounds(t *testing.T) {
	results, err := measure.Rounds(15, []measure.Case{{"one", work(10)}, {"three", work(30)}})
	if err != nil {
		t.Fatalf("Rounds() error = %v, want nil", err)
	}

	one, three := results[0], results[1]
	if one.Ratio != 1 {
		t.Errorf("ratio of the first case = %v, want 1", one.Ratio)
	}
	if three.Ratio < 2 || three.Ratio > 4.5 {
		t.Errorf("ratio of thrice the work = %v, want about 3", three.Ratio)
	}
	if one.Allocations != 10 || three.Allocations != 30 {
		t.Errorf("allocations = %v and %v, want 10 and 30", one.Allocations, three.Allocations)
	}
	if one.Bytes != 320 || three.Bytes != 960 {
		t.Errorf("bytes = %v and %v, want 320 and 960", one.Bytes, three.Bytes)
	}
}

func TestRoundsError(t *testing.T) {
	want := errors.New("refused")
	runs := 0
	_, err := measure.Rounds(3, []measure.Case{{"fails later", func() error {
		if runs++; runs > 1000 {
			return want
		}

		return nil
	}}})
	if !errors.Is(err, want) {
		t.Errorf("Rounds() error = %v, want %v", err, want)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{9, 1, 5, 7}, 6},
	} {
		if got := measure.Median(tt.values); got != tt.want {
			t.Errorf("Median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}
