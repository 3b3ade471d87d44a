// Package scopetoken holds the grammar of one scope.
package scopetoken

import "strings"

// Valid reports whether s is a scope-token (RFC 6749, Section 3.3): printable
// ASCII except space, quotation mark and backslash. It can then stand in a list
// with spaces, and unescaped in a quoted-string. Values of "acr" and URLs have
// the same grammar here.
func Valid(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\\' || r > '~'
	})
}
