package middleware

import (
	"net/http"
	"strings"

	"github.com/rsguard/rsguard/internal/show"
)

// recorded returns what a record says of err: its text without the credentials
// of the request. Our own errors have none, but those of a caller's check,
// Validator or Compare may quote what they were given. The cost is linear in the
// length of the text, and no part of it depends on the number of fields.
func recorded(r *http.Request, d *decision, err error) string {
	text := textOf(err)
	for _, field := range []string{"Authorization", "DPoP"} {
		value := r.Header.Get(field) // a request with thousands of them must cost no more
		_, credentials, _ := strings.Cut(value, " ")
		text = withoutSecret(withoutSecret(text, value), strings.Trim(credentials, " "))
	}
	text = withoutSecret(text, d.token) // from wherever Config.Token has it
	return show.Cut(withoutSigned(text), maxText)
}

// omitted is in the place of credentials.
const omitted = "[credentials]"

// withoutSecret takes secret out of text. A shorter one is more likely a word.
func withoutSecret(text, secret string) string {
	if len(secret) < 16 {
		return text
	}
	return strings.ReplaceAll(text, secret, omitted)
}

// withoutSigned takes out of text each JWS and JWE in the compact form, from
// wherever the request has it, and what is left of one that was cut in its
// payload. That is what matches
//
//	eyJ[A-Za-z0-9_-]{12,}(\.[A-Za-z0-9_-]*){1,4}
//
// Package regexp takes a microsecond for each byte of a text in which many such
// matches begin, which is a second for a quoted header.
func withoutSigned(text string) string {
	const (
		start    = "eyJ" // of a JSON object, encoded
		shortest = len(start) + 12
		segments = 4 // after the header of a JWE
	)
	var out strings.Builder
	done := 0 // what is before it is in out
	for at := 0; ; {
		next := strings.Index(text[at:], start)
		if next < 0 {
			break
		}
		begin := at + next
		at = endOfSegment(text, begin)
		if at-begin < shortest || at == len(text) || text[at] != '.' {
			continue // a later start in the same segment has less after it
		}
		for n := 0; n < segments && at < len(text) && text[at] == '.'; n++ {
			at = endOfSegment(text, at+1)
		}
		out.WriteString(text[done:begin])
		out.WriteString(omitted)
		done = at
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// endOfSegment returns the index after the base64url characters at begin.
func endOfSegment(text string, begin int) int {
	for begin < len(text) {
		switch c := text[begin]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			begin++
		default:
			return begin
		}
	}
	return begin
}
