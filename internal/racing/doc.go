// Package racing tells tests whether the race detector is on. It makes them
// about ten times as slow, so that long ones do less with it.
package racing

// Fewer returns n, or a tenth of it and at least 1 with the race detector.
func Fewer(n int) int {
	if Enabled {
		return max(1, n/10)
	}
	return n
}
