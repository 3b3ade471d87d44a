//go:build !race

package validator_test

// raceDetector says that the tests run much slower.
const raceDetector = false
