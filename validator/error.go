package validator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/jwks"
)

// A Code says why a request or its token is rejected. Each Code stands for one
// response to the client. The table is in the README.
type Code string

// The codes. Those of credentials and of a token are in the order of the
// checks.
const (
	CodeMissing     Code = "token_missing"         // no credentials
	CodeRequest     Code = "invalid_request"       // several credentials, or malformed ones
	CodeMalformed   Code = "token_malformed"       // not a strict JWT: opaque, encrypted, too large, bad JSON
	CodeAlgorithm   Code = "algorithm_not_allowed" // alg is not in Config.Algorithms, or not fit for the key
	CodeClaim       Code = "invalid_claim"         // a claim that is ill-typed, missing or contradictory
	CodeType        Code = "wrong_type"            // another kind of token, such as an ID token
	CodeIssuer      Code = "wrong_issuer"          // iss is none of Config.Issuers
	CodeAudience    Code = "wrong_audience"        // aud has none of Config.Audiences
	CodeExpired     Code = "token_expired"         // exp has passed, or MaxAge
	CodeUnavailable Code = "unavailable"           // the keys, or another service, can't be reached
	CodeUnknownKey  Code = "unknown_key"           // the issuer has no key of this kid
	CodeSignature   Code = "invalid_signature"     // the signature is not the key's
	CodeNotYetValid Code = "token_not_yet_valid"   // nbf or iat is in the future
	CodeBinding     Code = "binding_mismatch"      // cnf is not proven, or an ID token is of another login

	// Of a DPoP proof.
	CodeProof    Code = "invalid_proof"        // the DPoP proof is not good
	CodeNonce    Code = "proof_nonce_required" // the DPoP proof lacks the server's nonce
	CodeReplayed Code = "proof_replayed"       // the DPoP proof was used before

	// Of checks.
	CodeRevoked        Code = "token_revoked"                    // its issuer or the service has withdrawn it
	CodeOrganization   Code = "wrong_organization"               // Organization is not met
	CodeAuthentication Code = "insufficient_user_authentication" // step-up is needed
	CodeScope          Code = "insufficient_scope"               // Scopes or Permissions are not met
	CodeRole           Code = "insufficient_role"                // Roles is not met
	CodeRefused        Code = "refused"                          // a Check's own error
	CodeInternal       Code = "internal_error"                   // a Check, or another function of the service, panicked
)

// An Error is a rejection. All errors of this package that concern a token or a
// request are of this type. [CodeOf] returns their Code.
//
// Its text is for logs. It says what was found, what is required and what to
// change. It quotes values of the token's header, iss, aud and times, cut to a
// limit. Of other claims it has only names and types. The text is made when it
// is read. The client learns no more than its challenge says, which package
// middleware writes.
type Error struct {
	// Code says why. If empty, it counts as [CodeRefused].
	Code Code

	// Scopes are the scopes that would be accepted, for the challenge of
	// CodeScope (RFC 6750, Section 3).
	Scopes []string
	// ACRValues and MaxAge are what would be accepted, for the challenge of
	// CodeAuthentication (RFC 9470, Section 3). A zero MaxAge means no limit.
	ACRValues []string
	MaxAge    time.Duration

	// Issuer and KeyID are the "iss" and "kid" of the token, cut to 256 bytes,
	// for the log. They are empty if they were not read. A rejected token may
	// say anything, so they must not be trusted.
	Issuer, KeyID string

	// Trusted reports whether Issuer is one whose tokens are accepted. That the
	// token is the issuer's is not said by it.
	Trusted bool

	// Service names the service that is unavailable, with [CodeUnavailable]:
	// "keys", "tenants", "introspection", "replay store", or what a Check says.
	// It is empty if it is this service itself, such as by its clock.
	Service string

	// Actor is the current actor of the token, by "sub" or otherwise
	// "client_id" of its claim "act", cut to 256 bytes, for the log. It is
	// empty until the signature has been checked. See [Claims.Actor].
	Actor string

	// Err is the cause. It may be nil.
	Err error
}

// Error returns the code and the cause.
func (e *Error) Error() string {
	if e == nil {
		return "an error that is nil, but not as an error"
	}
	code := string(e.code())
	if e.Err == nil {
		return code
	}
	return code + ": " + e.Err.Error()
}

// code is never empty. An empty Code must not look like that of an accepted
// token.
func (e *Error) code() Code { return cmp.Or(e.Code, CodeRefused) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// CodeOf returns the Code of the first [*Error] in err's chain. It returns
// [CodeRefused] if there is none or it has no Code, and "" if and only if err
// is nil. To decide whether a token is accepted, compare err with nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e.code()
	}
	return CodeRefused
}

// What may be an Error's Service.
const (
	serviceKeys    = "keys"
	serviceTenants = "tenants" // the function of a Mux
)

// tenantsUnavailable returns an Error that says that the tenants can't be
// looked up.
func tenantsUnavailable(err error) *Error {
	return &Error{Code: CodeUnavailable, Service: serviceTenants, Err: &outage{"the tenant lookup", err}}
}

// keysUnavailable is unavailable for the keys. The error of a jwks.Cache
// already names them.
func keysUnavailable(err error) *Error {
	if !errors.Is(err, jwks.ErrUnavailable) {
		err = &outage{"the issuer's keys", err}
	}
	return &Error{Code: CodeUnavailable, Service: serviceKeys, Err: err}
}

type outage struct {
	service string
	err     error
}

func (e *outage) Error() string { return e.service + ": " + e.err.Error() }
func (e *outage) Unwrap() error { return e.err }

// clone returns a copy of e that shares nothing that its owner may change.
func (e *Error) clone() *Error {
	own := *e
	own.Scopes, own.ACRValues = slices.Clone(e.Scopes), slices.Clone(e.ACRValues)
	return &own
}

// asError returns the [*Error] in err's chain with all of err's text, or a new
// one with CodeRefused. The result has a Code.
func asError(err error) *Error {
	direct, ok := err.(*Error)
	if ok && direct != nil && direct.Code != "" {
		return direct // without a search, as nearly always
	}
	var e *Error
	if !errors.As(err, &e) || e == nil {
		return &Error{Code: CodeRefused, Err: err}
	}
	own := e.clone()
	own.Code = e.code()
	if e != direct {
		own.Err = &around{err, e}
	}
	return own
}

// An around is an error with an [*Error] in its chain, as the cause of an Error
// with the same Code. Its text lacks that Code, so that the whole text has it
// once.
type around struct {
	error
	inner *Error
}

func (a *around) Error() string {
	text, inner := a.error.Error(), a.inner.Error()
	if a.inner.Err == nil {
		return strings.TrimSuffix(strings.Replace(text, inner, "", 1), ": ")
	}
	return strings.Replace(text, inner, a.inner.Err.Error(), 1)
}

func (a *around) Unwrap() error { return a.error }

// advised adds advice to an error.
type advised struct {
	error
	advice string
}

func (e *advised) Error() string { return e.error.Error() + ": " + e.advice }
func (e *advised) Unwrap() error { return e.error }

// An untimely is the cause of a rejection by a time.
type untimely struct {
	name      string // of the claim
	date, now time.Time
	leeway    time.Duration
}

func (u *untimely) Error() string {
	date, now := u.date.Format(time.RFC3339), u.now.UTC().Format(time.RFC3339)
	if distance := u.now.Sub(u.date).Round(time.Millisecond); distance >= 0 {
		return fmt.Sprintf("%s was %s, %v before now (%s; leeway %v)", u.name, date, distance, now, u.leeway)
	} else {
		return fmt.Sprintf("%s is %s, %v after now (%s; leeway %v)", u.name, date, -distance, now, u.leeway)
	}
}

const (
	maxQuoted     = 256 // bytes of one value in a text or an Error's field, or of a list's values
	maxQuotedList = 8   // values
)

func quote(s string) string { return quoteTo(s, maxQuoted) }

// quoteTo leaves room for the rest of a text. A value of which every character
// must be escaped is cut earlier.
func quoteTo(s string, most int) string {
	quoted := strconv.Quote(show.Cut(s, most))
	if len(quoted) > most+len("…\n")+len(`""`) {
		return strconv.Quote(show.Cut(s, most/6))
	}
	return quoted
}

func quoteAll(list []string) string { return quoteSome(list, len(list)) }

// quoteSome quotes the first strings of a list of length strings.
func quoteSome(list []string, length int) string {
	var b strings.Builder
	b.WriteByte('[')
	n := 0
	for n < min(len(list), maxQuotedList) && b.Len() < maxQuoted {
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoteTo(list[n], maxQuoted/min(2, length)))
		n++
	}
	if length > n {
		fmt.Fprintf(&b, " and %d more", length-n)
	}
	b.WriteByte(']')
	return b.String()
}

// someTexts returns as many strings of an array as are ever quoted, or a single
// string, and how many there are.
func someTexts(v jose.Value) (few []string, length int) {
	if text, ok := v.Text(); ok {
		return []string{text}, 1
	}
	for element := range v.All() {
		if len(few) == maxQuotedList {
			break
		}
		text, _ := element.Text()
		few = append(few, text)
	}
	return few, v.Len()
}

// cut shortens s to the limit of one value.
func cut(s string) string { return show.Cut(s, maxQuoted) }
