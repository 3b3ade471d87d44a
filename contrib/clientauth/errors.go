package clientauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/validator"
)

// A Code says why there is no token.
type Code string

// The codes.
const (
	CodeUnavailable    Code = "unavailable"                      // the issuer doesn't answer, or asks to wait
	CodeRejected       Code = "rejected"                         // the issuer rejects the request
	CodeAnswer         Code = "invalid_answer"                   // the issuer's answer is not what RFC 6749 describes
	CodeToken          Code = "invalid_token"                    // the token fails its checks
	CodeAuthentication Code = "insufficient_user_authentication" // the issuer requires that the user signs in again
	CodeConfig         Code = "config"                           // something is wrong on our side, as the text says
)

// An Error says why there is no token. All errors of this package that concern
// a token are of this type, except those of the caller's context. Its text is
// for logs, and has no secret and no token. What the issuer says is cut to 256
// bytes.
//
// [validator.CodeOf] of an Error is what an API that depends on the token says
// to its own client: [validator.CodeUnavailable] if the issuer can't be reached,
// [validator.CodeAuthentication] for [CodeAuthentication], with ACRValues and
// MaxAge for the challenge of RFC 9470, and [validator.CodeInternal] otherwise.
// [errors.As] finds an [oauth2.RetrieveError] if the issuer has rejected the
// request. The code of a token that fails its checks is that of Err.
type Error struct {
	Code Code

	// Status is the status of the issuer's response, or 0.
	Status int
	// OAuthError and Description are the members "error" and
	// "error_description" of the issuer's answer (RFC 6749, Section 5.2).
	OAuthError, Description string

	// ACRValues and MaxAge are what the issuer requires, with
	// [CodeAuthentication], if it says so.
	ACRValues []string
	MaxAge    time.Duration

	// Err is the cause. It may be nil.
	Err error

	wait time.Duration
}

// Error returns the text for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("clientauth: ")
	b.WriteString(string(e.Code))
	if e.OAuthError != "" {
		fmt.Fprintf(&b, ": the issuer says %q", e.OAuthError)
		if e.Description != "" {
			fmt.Fprintf(&b, " (%q)", e.Description)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RetryAfter returns how long the issuer is not asked again. Package middleware
// tells it to clients.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// As makes target, a [*validator.Error] or an [*oauth2.RetrieveError], from e.
func (e *Error) As(target any) bool {
	switch target := target.(type) {
	case **validator.Error:
		own := &validator.Error{Code: validator.CodeInternal, Err: errors.New(e.Error())}
		switch e.Code {
		case CodeUnavailable:
			own.Code, own.Service = validator.CodeUnavailable, "token endpoint"
		case CodeAuthentication:
			own.Code, own.ACRValues, own.MaxAge = validator.CodeAuthentication, e.ACRValues, e.MaxAge
		}
		*target = own
		return true
	case **oauth2.RetrieveError:
		if e.OAuthError == "" {
			return false
		}
		*target = &oauth2.RetrieveError{
			Response:  &http.Response{Status: fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), StatusCode: e.Status},
			ErrorCode: e.OAuthError, ErrorDescription: e.Description,
		}
		return true
	}
	return false
}

// waiting returns a copy of e for a caller that comes when there is so much of
// the pause left.
func (e *Error) waiting(left time.Duration) *Error {
	own := *e
	own.wait = max(left, 0)
	return &own
}

// stepUp are the errors by which issuers say that the user has to do something
// first: those of OpenID Connect Core 1.0, Section 3.1.2.6, of OpenID Connect
// Core Unmet Authentication Requirements 1.0, of RFC 9470, and Auth0's.
var stepUp = map[string]bool{
	"insufficient_user_authentication": true, "unmet_authentication_requirements": true, "interaction_required": true,
	"login_required": true, "consent_required": true, "mfa_required": true,
}

const maxSaid = 256 // bytes of a text of the issuer's

func cut(s string) string { return show.Cut(s, maxSaid) }
