package testutil

// Claims are the claims of a token for a test, by their names in the token: strings, bools, numbers, slices, maps,
// or whatever else encoding/json can write. A [time.Time] is written as a NumericDate. A claim that is nil is left
// out of the token, its default too; a claim that is not there gets its default, if it has one.
type Claims map[string]any
