// Package scopetoken holds the grammar of one scope.
package scopetoken

import "strings"

// Valid reports whether s is a scope-token of RFC 6749, Section 3.3: printable
// ASCII but for the space, the quotation mark and the backslash. It can stand
// in a list with spaces and in a quoted-string, and needs no escape there.
// Values of "acr" and URLs are as well.
func Valid(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\\' || r > '~'
	})
}
