package middleware

import (
	"errors"
	"net/http"

	"github.com/rsguard/rsguard/validator"
)

// The schemes with which a token is accepted.
const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// credentials are those of a request, before they are trusted.
type credentials struct {
	scheme      string // as this package spells it; "" if unknown
	token       string // not empty without an error
	missing     bool   // the source of the token says that there is none
	certificate string // the hash of the client's certificate, or ""
}

// credentials finds the credentials of r. The error has a code. It is
// CodeMissing if and only if the source of the token says that there is none.
func (a *Authenticator) credentials(r *http.Request) (c credentials, err error) {
	c.scheme = schemeBearer
	c.token, err = a.cfg.Token(r)
	switch {
	case err != nil:
		err = coded(validator.CodeRequest, err)
	case c.token == "":
		err = &validator.Error{Code: validator.CodeMissing, Err: errNoToken}
	}
	c.missing = validator.CodeOf(err) == validator.CodeMissing

	certificate, problem := a.cfg.ClientCertificate(r)
	if problem == nil {
		c.certificate, problem = certificateHash(certificate)
	}
	if problem != nil {
		return credentials{}, refusal(validator.CodeRequest, problem)
	}

	// A token that is bound to a certificate may also come under the scheme
	// DPoP without a proof. Auth0 gives it the token type DPoP.
	if a.cfg.DPoP == nil && c.certificate == "" || !hasScheme(r, schemeDPoP) {
		return c, err
	}
	source, none := c.token, c.missing
	c = credentials{scheme: schemeDPoP, certificate: c.certificate}
	token, problem := schemeToken(r, schemeDPoP)
	switch {
	case problem != nil:
		return c, problem
	case err == nil && source != token:
		return c, invalid(errBesideHeader)
	case err != nil && !none:
		return c, err
	}
	c.token = token
	return c, nil
}

var errNoToken = errors.New("the request has no token")
