package middleware

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/rsguard/rsguard/validator"
)

// A Refusal is the rejection of a request. It is an error that unwraps to its
// cause.
type Refusal struct {
	// Status is the status of the response.
	Status int

	// Err is the cause. It is for the service alone and must not be disclosed
	// in a response. [validator.CodeOf] tells its kind. The caller may change
	// it.
	Err error

	handler func(w http.ResponseWriter, r *http.Request, status int, err error)
}

// Error returns the text of the cause.
func (e *Refusal) Error() string { return textOf(e.Unwrap()) }

// Unwrap returns the cause.
func (e *Refusal) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// ErrorCode returns the error code that the client's challenge has, such as
// "invalid_token" (RFC 6750, Section 3.1). It is "" if there is none. It is for
// transports in which a challenge is not all that a client reads.
func (e *Refusal) ErrorCode() string {
	if e == nil || e.Err == nil {
		return ""
	}
	return answerTo(e.Err).error
}

// ServeHTTP writes the response, after [Guard.Do] has set its header fields. It
// calls [Config].ErrorHandler. Without one, it sends the name of the status as
// a line of text.
func (e *Refusal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := cmp.Or(e.Status, http.StatusInternalServerError)
	if e.handler == nil {
		http.Error(w, http.StatusText(status), status)
		return
	}
	own := &errorWriter{w, status, false}
	e.handler(own, r, status, e.Err)
	own.begin()
}

// An answer is what the client learns of a rejection.
type answer struct {
	status     int
	challenged bool
	error      string // of the challenge; "" for none
}

func answerTo(err error) answer {
	switch validator.CodeOf(err) {
	case validator.CodeMissing:
		// RFC 6750, Section 3.1: no error code if there are no
		// credentials.
		return answer{http.StatusUnauthorized, true, ""}
	case validator.CodeRequest:
		return answer{http.StatusBadRequest, true, "invalid_request"}
	case validator.CodeMalformed, validator.CodeAlgorithm, validator.CodeUnknownKey, validator.CodeSignature,
		validator.CodeIssuer, validator.CodeAudience, validator.CodeType, validator.CodeExpired, validator.CodeRevoked,
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
	case validator.CodeInternal:
		return answer{status: http.StatusInternalServerError}
	default: // CodeRole, for which no standard has a challenge, CodeRefused, and a check's own codes
		return answer{status: http.StatusForbidden}
	}
}

// coded returns err if it has a code, and otherwise adds code. The Error in the
// result is a copy, since a check, or a function of the Config, may return the
// same one to all requests, and an ErrorHandler may change it.
func coded(code validator.Code, err error) error {
	var e *validator.Error
	switch found := errors.As(err, &e); {
	case found && e == nil:
		return internal(errNil)
	case !found, e.Code == "" && err != error(e):
		return &validator.Error{Code: code, Err: err}
	}
	own := *e
	own.Code = cmp.Or(e.Code, code)
	own.Scopes, own.ACRValues = slices.Clone(e.Scopes), slices.Clone(e.ACRValues)
	if err == error(e) {
		return &own
	}
	return &ownWrapped{err, &own}
}

var errNil = errors.New("a nil *validator.Error was returned as an error")

// An ownWrapped is an error that wraps an Error. A search of its chain finds a
// copy of that Error first.
type ownWrapped struct {
	error
	own *validator.Error
}

func (e *ownWrapped) Unwrap() []error { return []error{e.own, e.error} }

// refusal is coded for errors that are not from the source of the token. With
// them, CodeMissing counts as no code. An Optional request without credentials
// is accepted, and only the source of the token may say that there are none.
func refusal(code validator.Code, err error) error {
	if validator.CodeOf(err) == validator.CodeMissing {
		return &validator.Error{Code: code, Err: err}
	}
	return coded(code, err)
}

// refusalOf is refusal for a check's error. It adds whose token it was, for the
// log.
func refusalOf(claims *validator.Claims, err error) error {
	err = refusal(validator.CodeRefused, err)
	var e *validator.Error
	if errors.As(err, &e) && e.Issuer == "" {
		e.Issuer, e.KeyID, e.Actor, e.Trusted = claims.Issuer, claims.KeyID(), actorOf(claims), true
	}
	return err
}
