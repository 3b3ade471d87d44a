package middleware

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// Challenge sets in h what the answer to a refused request needs, and returns its status. err is what
// [Authenticator.Authenticate] returned. The body is the caller's, and should tell no more than the status does.
//
// It sets WWW-Authenticate, in place of any that is there, if a token could help, to the challenge of the scheme that was
// used, and to another for each further scheme that would do; DPoP-Nonce for a client that has used DPoP, if nonces are
// demanded; Retry-After if keys are unavailable; and Cache-Control: no-store. Caches would not keep these statuses by themselves (RFC 9110, Section 15.1), but they
// would if the Cache-Control of the route's good answers were still in h (RFC 9111, Section 3).
func (a *Authenticator) Challenge(h http.Header, err error) (status int) {
	h.Set("Cache-Control", "no-store")
	h.Del("WWW-Authenticate")
	h.Del("Retry-After")

	answer := answerTo(err)
	if answer.challenged {
		h["Www-Authenticate"] = a.challenges(answer, err)
	}
	if a.cfg.DPoP != nil && answer.challenged && a.usesDPoP(err) && validator.CodeOf(err) != validator.CodeMissing {
		a.setNonce(h)
	}
	if answer.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter(err))
	}
	return answer.status
}

// An answer is what the client learns of a refusal.
type answer struct {
	status     int
	challenged bool
	error      string // of the challenge; "" for none
}

func answerTo(err error) answer {
	var f *fault
	if err == nil || errors.As(err, &f) {
		return answer{status: http.StatusInternalServerError}
	}
	switch validator.CodeOf(err) {
	case validator.CodeMissing:
		// RFC 6750, Section 3.1: no error code if there are no credentials.
		return answer{http.StatusUnauthorized, true, ""}
	case validator.CodeRequest:
		return answer{http.StatusBadRequest, true, "invalid_request"}
	case validator.CodeMalformed, validator.CodeAlgorithm, validator.CodeUnknownKey, validator.CodeSignature,
		validator.CodeIssuer, validator.CodeAudience, validator.CodeType, validator.CodeExpired,
		validator.CodeNotYetValid, validator.CodeClaim, validator.CodeOrganization, validator.CodeBinding:
		return answer{http.StatusUnauthorized, true, "invalid_token"}
	case validator.CodeProof, validator.CodeReplayed:
		return answer{http.StatusUnauthorized, true, "invalid_dpop_proof"}
	case validator.CodeNonce:
		return answer{http.StatusUnauthorized, true, "use_dpop_nonce"}
	case validator.CodeAuthentication:
		return answer{http.StatusUnauthorized, true, "insufficient_user_authentication"}
	case validator.CodeScope:
		return answer{http.StatusForbidden, true, "insufficient_scope"}
	case validator.CodeUnavailable:
		return answer{status: http.StatusServiceUnavailable}
	default: // CodeRefused, and codes that are a check's own
		return answer{status: http.StatusForbidden}
	}
}

// challenges returns that of the scheme that the client has used. To one that has used Bearer, or nothing, DPoP is offered
// too, but never the other way round: who has a bound token is not told to try without (RFC 9449, Section 7.2).
func (a *Authenticator) challenges(answer answer, err error) []string {
	switch {
	case a.usesDPoP(err):
		return []string{a.challenge("DPoP", answer.error, err)}
	case a.cfg.DPoP != nil && answer.status != http.StatusForbidden:
		return []string{a.challenge("Bearer", answer.error, err), a.challenge("DPoP", "", nil)}
	default:
		return []string{a.challenge("Bearer", answer.error, err)}
	}
}

func (a *Authenticator) challenge(scheme, code string, err error) string {
	c := challenge(scheme)
	c = c.with("realm", a.cfg.Realm)
	c = c.with("error", code)
	var e *validator.Error
	if errors.As(err, &e) && e != nil {
		switch e.Code {
		case validator.CodeScope:
			c = c.with("scope", list(e.Scopes))
		case validator.CodeAuthentication:
			c = c.with("acr_values", list(e.ACRValues))
			if e.MaxAge > 0 {
				c = c.with("max_age", strconv.FormatInt(int64(e.MaxAge/time.Second), 10))
			}
		}
	}
	if scheme == "DPoP" {
		c = c.with("algs", a.algs)
	}
	c = c.with("resource_metadata", a.cfg.ResourceMetadata)
	return string(c)
}

// A challenge is one of RFC 9110, Section 11.6.1, in the making.
type challenge []byte

// with appends a parameter, unless its value is empty. The value is of printable ASCII characters, and written as a
// quoted-string of RFC 9110, Section 5.6.4.
func (c challenge) with(name, value string) challenge {
	if value == "" {
		return c
	}
	if bytes.IndexByte(c, '=') >= 0 { // a scheme has none
		c = append(c, ',')
	}
	c = append(c, ' ')
	c = append(c, name...)
	c = append(c, '=', '"')
	for i := range len(value) {
		if value[i] == '"' || value[i] == '\\' {
			c = append(c, '\\')
		}
		c = append(c, value[i])
	}
	return append(c, '"')
}

// list joins values with spaces. Those that can't be in such a list are left out: a check of the user's may have made
// them of anything, and a field that isn't valid is dropped by HTTP/2, the whole challenge with it.
func list(values []string) string {
	var valid []string
	for _, v := range values {
		if isValue(v) {
			valid = append(valid, v)
		}
	}
	return strings.Join(valid, " ")
}

// isValue reports whether s is a scope-token of RFC 6749, Section 3.3, which is also what acr values and URLs look
// like: characters that need no escape in a quoted-string, none of them a space.
func isValue(s string) bool {
	return s != "" && isPrintable(s) && !strings.ContainsAny(s, ` "\`)
}

// retryAfter returns the seconds that err asks to wait, rounded up, or else 5, which is about what a fetch of keys
// takes to be tried again.
func retryAfter(err error) string {
	seconds := int64(5)
	var asks interface{ RetryAfter() time.Duration }
	if errors.As(err, &asks) {
		d := asks.RetryAfter()
		seconds = int64(d / time.Second)
		if d%time.Second > 0 {
			seconds++
		}
	}
	return strconv.FormatInt(max(seconds, 1), 10)
}
