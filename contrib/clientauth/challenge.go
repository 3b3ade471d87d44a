package clientauth

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxChallenge is how many bytes of the challenges are read.
const maxChallenge = 8 << 10

// StepUp returns an [*Error] with [CodeAuthentication] if an API's response
// requires that the user signs in again (RFC 9470, Section 3), and nil
// otherwise. It has the ACRValues and the MaxAge of the challenge. It is for an
// API that calls another on behalf of a user. Guard.Reject of package
// middleware makes it the challenge for the user's client. H is the header of
// the response, or the metadata of gRPC as one.
func StepUp(h http.Header) error {
	found := challengeOf(h)
	if found.problem != "insufficient_user_authentication" {
		return nil
	}
	e := &Error{
		Code: CodeAuthentication, Status: http.StatusUnauthorized, ACRValues: strings.Fields(cut(found.acrValues)),
		Err: errors.New("an API requires that the user signs in again"),
	}
	if seconds, err := strconv.ParseUint(found.maxAge, 10, 31); err == nil {
		e.MaxAge = time.Duration(seconds) * time.Second
	}
	return e
}

// A challenge is what is read of those of the schemes Bearer and DPoP (RFC
// 6750, Section 3; RFC 9449, Section 7.1; RFC 9470, Section 3).
type challenge struct{ problem, acrValues, maxAge string }

// challengeOf returns the challenge of a response that has an "error". Of
// several, the first one counts.
func challengeOf(h http.Header) challenge {
	read := 0
	for _, field := range h.Values("WWW-Authenticate") {
		if read += len(field); read > maxChallenge {
			return challenge{}
		}
		if c := challengeIn(field); c.problem != "" {
			return c
		}
	}
	return challenge{}
}

// challengeIn reads one field, which may have several challenges (RFC 9110,
// Section 11.6.1).
func challengeIn(field string) challenge {
	var c challenge
	ours := false // the current challenge is of one of our schemes
	for rest := strings.TrimLeft(field, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		var name string
		name, rest = token(rest)
		if name == "" {
			return challenge{} // it is not in the grammar
		}
		after := strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(after, "=") {
			if c.problem != "" {
				return c
			}
			ours, rest, c = strings.EqualFold(name, "Bearer") || strings.EqualFold(name, "DPoP"), after, challenge{}
			continue
		}
		value := ""
		value, rest = paramValue(strings.TrimLeft(after[1:], " \t"))
		if ours {
			c.set(strings.ToLower(name), value)
		}
	}
	return c
}

// set sets a parameter. Of several with one name, the first one counts.
func (c *challenge) set(name, value string) {
	for own, field := range map[string]*string{"error": &c.problem, "acr_values": &c.acrValues, "max_age": &c.maxAge} {
		if own == name && *field == "" {
			*field = value
		}
	}
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
