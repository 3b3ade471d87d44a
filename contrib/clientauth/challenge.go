package clientauth

import (
	"net/http"
	"strings"
)

// maxChallenge is how many bytes of the challenges are read.
const maxChallenge = 8 << 10

// errorOf returns the "error" of a challenge of the scheme Bearer or DPoP (RFC
// 6750, Section 3), or "". Of several, the first that has one counts.
func errorOf(h http.Header) string {
	read := 0
	for _, field := range h.Values("WWW-Authenticate") {
		if read += len(field); read > maxChallenge {
			return ""
		}
		if e := errorIn(field); e != "" {
			return e
		}
	}
	return ""
}

// errorIn reads one field, which may have several challenges (RFC 9110, Section
// 11.6.1).
func errorIn(field string) string {
	ours := false // the current challenge is of one of our schemes
	for rest := strings.TrimLeft(field, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		var name string
		name, rest = token(rest)
		if name == "" {
			return "" // it is not in the grammar
		}
		after := strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(after, "=") {
			ours, rest = strings.EqualFold(name, "Bearer") || strings.EqualFold(name, "DPoP"), after
			continue
		}
		value := ""
		value, rest = paramValue(strings.TrimLeft(after[1:], " \t"))
		if ours && strings.EqualFold(name, "error") {
			return value
		}
	}
	return ""
}

// token returns the token at the beginning of s, by a wider grammar than that of
// RFC 9110, Section 5.6.2, so that a token68 is skipped too.
func token(s string) (found, rest string) {
	n := strings.IndexAny(s, " \t,=\"")
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:]
}

// paramValue returns the token or quoted-string at the beginning of s.
func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest = token(s)
		return value, strings.TrimLeft(rest, "=\"")
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "" // the string does not end
}
