package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rsguard/rsguard/internal/b64token"
	"github.com/rsguard/rsguard/internal/parameter"
	"github.com/rsguard/rsguard/validator"
)

// BearerToken returns the token of r's Authorization field (RFC 6750, Section
// 2.1). It fails with [validator.CodeMissing] if there is no such field, or if
// it has another scheme. It fails with [validator.CodeRequest] if there are
// several such fields, if the field is malformed, if the query also has an
// access_token, or if the query has 32 KiB or more. It never takes a token from
// the query or a form.
func BearerToken(r *http.Request) (string, error) { return schemeToken(r, schemeBearer) }

// schemeToken is BearerToken for any scheme whose credentials are a token (RFC
// 9449, Section 7.1).
func schemeToken(r *http.Request, wanted string) (string, error) {
	fields := r.Header[authorization]
	switch len(fields) {
	case 0:
		return "", &validator.Error{Code: validator.CodeMissing, Err: errNoAuthorization}
	case 1:
	default:
		return "", invalid(fmt.Errorf("there are %d Authorization fields", len(fields)))
	}

	field := fields[0]
	end := schemeEnd(field)
	scheme, rest := field[:end], field[end:]
	switch {
	case field == "":
		return "", &validator.Error{Code: validator.CodeMissing, Err: errNoAuthorization}
	case scheme == "" || rest != "" && rest[0] != ' ':
		return "", invalid(errNoScheme)
	case !strings.EqualFold(scheme, wanted):
		return "", &validator.Error{Code: validator.CodeMissing, Err: otherScheme(scheme, rest)}
	}

	token := strings.TrimLeft(rest, " ")
	if token == "" {
		return "", invalid(errEmptyToken)
	}
	if !b64token.Valid(token) {
		return "", invalid(errNotB64Token)
	}

	if err := noQueryToken(r, errTwoTokens); err != nil {
		return "", err
	}
	return token, nil
}

// noQueryToken returns an error if the query is too long to be searched. If the
// query has a token beside another, it returns twice. A client must not use
// more than one method in a request (RFC 6750, Section 2).
func noQueryToken(r *http.Request, twice error) error {
	switch {
	case r.URL == nil || r.URL.RawQuery == "":
		return nil
	case len(r.URL.RawQuery) >= maxLooked:
		return invalid(tooLong("the query", r.URL.RawQuery))
	case parameter.Has(r.URL.RawQuery, "access_token"):
		return invalid(twice)
	}
	return nil
}

// otherScheme returns the cause for credentials that count as none. If a client
// has a token and sends it in a nonstandard way, the log should say so.
func otherScheme(scheme, rest string) error {
	token := strings.TrimLeft(rest, " ")
	switch {
	case rest == "" && looksLikeJWT(scheme):
		return errBareToken
	case strings.EqualFold(scheme, schemeDPoP) && token != "":
		return errSchemeDPoP
	case strings.EqualFold(scheme, "JWT") && looksLikeJWT(token):
		return errSchemeJWT
	case strings.EqualFold(scheme, "Token") && looksLikeJWT(token):
		return errSchemeToken
	}
	return errOtherScheme
}

// looksLikeJWT reports whether s has three parts and begins like the encoding
// of a JSON object.
func looksLikeJWT(s string) bool {
	return len(s) < maxLooked && strings.HasPrefix(s, "ey") && strings.Count(s, ".") == 2 && b64token.Valid(s)
}

// A misplaced is the cause of CodeMissing if there is a token that the client
// has sent in the wrong way.
type misplaced struct{ advice string }

func (e *misplaced) Error() string { return e.advice }

var (
	errBareToken = &misplaced{"the Authorization field is a JWT without a scheme: " +
		`the client has to send "Bearer", a space and the token`}
	errSchemeJWT = &misplaced{"the Authorization field has a JWT under the scheme JWT: " +
		"the client has to send it under the scheme Bearer"}
	errSchemeToken = &misplaced{"the Authorization field has a JWT under the scheme Token: " +
		"the client has to send it under the scheme Bearer"}
	errSchemeDPoP = &misplaced{"the Authorization field has a token under the scheme DPoP: " +
		"set Config.DPoP to accept tokens with proofs, or let the client send it under the scheme Bearer"}
)

// None of these quotes the field, since it may hold a token or another secret.
var (
	errNoAuthorization = errors.New("there is no Authorization field")
	errOtherScheme     = errors.New("the Authorization field has another scheme than is accepted")
	errNoScheme        = errors.New("the Authorization field does not begin with a scheme and a space")
	errEmptyToken      = errors.New("the Authorization field has no token after its scheme")
	errNotB64Token     = errors.New("the Authorization field has characters that no token has")
	errTwoTokens       = errors.New("the query has an access_token beside the Authorization field")
)

func invalid(err error) error {
	return &validator.Error{Code: validator.CodeRequest, Err: err}
}

// hasScheme reports whether r has one Authorization field, with this scheme.
func hasScheme(r *http.Request, scheme string) bool {
	fields := r.Header[authorization]
	return len(fields) == 1 && strings.EqualFold(fields[0][:schemeEnd(fields[0])], scheme)
}

// schemeEnd returns the length of the scheme at the beginning of s, a token of
// RFC 9110, Section 5.6.2.
func schemeEnd(s string) int {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return i
		}
	}
	return len(s)
}

// tokenBytes has the bytes of a token of RFC 9110, Section 5.6.2.
var tokenBytes = tableOf("!#$%&'*+-.^_`|~")

// tableOf returns a table with letters, digits and these bytes. For a thousand
// bytes, a table is twice as fast as comparisons with ranges.
func tableOf(others string) (table [256]bool) {
	for c := range table {
		table[c] = isAlphanumeric(byte(c)) || strings.IndexByte(others, byte(c)) >= 0
	}
	return table
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
