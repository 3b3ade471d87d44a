package middleware

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/scopetoken"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/validator"
)

// reject sets the response headers of a rejected request.
func (g *Guard) reject(h http.Header, scheme string, err error) *Refusal {
	// Caches don't store these statuses by default (RFC 9110, Section 15.1).
	// They would if h still had the Cache-Control of the route's good responses
	// (RFC 9111, Section 3).
	h.Set("Cache-Control", "no-store")
	h.Del(wwwAuthenticate)
	h.Del(retryAfter)

	a, answer := g.auth, answerTo(err)
	if answer.challenged {
		if a.needsDPoP(err) {
			scheme = schemeDPoP
		}
		h[wwwAuthenticate] = g.challenges(scheme, answer, err)
		if a.cfg.DPoP != nil && scheme == schemeDPoP && validator.CodeOf(err) != validator.CodeMissing {
			a.setNonce(h)
		}
	}
	if answer.status == http.StatusServiceUnavailable {
		h.Set(retryAfter, secondsToWait(err))
	}
	return &Refusal{Status: answer.status, Err: err, handler: a.cfg.ErrorHandler}
}

// needsDPoP reports whether the challenge must be that of DPoP, whatever scheme
// the client has used.
func (a *Authenticator) needsDPoP(err error) bool {
	switch validator.CodeOf(err) {
	case validator.CodeProof, validator.CodeReplayed, validator.CodeNonce:
		return true
	}
	return a.dpopOnly
}

// challenges returns the challenge of the client's scheme. If that is Bearer or
// none, DPoP is offered too. A client that has used DPoP is never offered
// Bearer, because a client with a bound token must not try without a proof (RFC
// 9449, Section 7.2).
func (g *Guard) challenges(scheme string, answer answer, err error) []string {
	if scheme == schemeDPoP {
		return []string{g.challenge(schemeDPoP, answer, err)}
	}
	own := g.challenge(schemeBearer, answer, err)
	if g.auth.cfg.DPoP == nil || answer.status == http.StatusForbidden {
		return []string{own}
	}
	answer.error = ""
	return []string{own, g.challenge(schemeDPoP, answer, nil)}
}

func (g *Guard) challenge(scheme string, answer answer, err error) string {
	c := challenge(scheme)
	c = c.with("realm", g.auth.cfg.Realm)
	c = c.with("error", answer.error)
	if answer.status == http.StatusUnauthorized {
		// These help the client to get its next token (RFC 6750, Section 3).
		c = c.with("scope", g.scopes)
	}
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
	if scheme == schemeDPoP {
		c = c.with("algs", g.auth.algs)
	}
	c = c.with("resource_metadata", g.auth.cfg.ResourceMetadata)
	return string(c)
}

// admit sets the response headers of an accepted request.
func (a *Authenticator) admit(h http.Header, id *identity) {
	if a.varies && !slices.Contains(h[vary], clientCert) {
		h[vary] = append(h[vary], clientCert)
	}
	if id != nil && id.scheme == schemeDPoP && a.cfg.DPoP != nil && a.setNonce(h) && len(h["Cache-Control"]) == 0 {
		h.Set("Cache-Control", "no-store")
	}
}

func (a *Authenticator) setNonce(h http.Header) bool {
	nonce := a.cfg.DPoP.Nonce()
	if !scopetoken.Valid(nonce) { // none is required, or a NonceSource has made one that can't be sent
		return false
	}
	h[dpopNonce] = []string{nonce}
	return true
}

// A challenge builds a challenge (RFC 9110, Section 11.6.1).
type challenge []byte

// with appends a parameter unless its value is empty. The value has printable
// ASCII characters, and is written as a quoted-string (RFC 9110, Section
// 5.6.4).
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

// list joins values with spaces. Values that can't stand in such a list are
// left out. They may come from a check of the caller's own, and HTTP/2 would
// drop a field that isn't valid together with the whole challenge.
func list(values []string) string {
	var valid []string
	for _, v := range values {
		if scopetoken.Valid(v) {
			valid = append(valid, v)
		}
	}
	return strings.Join(valid, " ")
}

// secondsToWait returns the seconds that err says to wait, rounded up. The
// default of 5 is about the time after which keys are fetched again.
func secondsToWait(err error) string {
	wait := 5 * time.Second
	var asks interface{ RetryAfter() time.Duration }
	if errors.As(err, &asks) {
		wait = max(asks.RetryAfter(), time.Second)
	}
	return seconds.RoundUp(wait)
}
