package clientauth

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/rsguard/rsguard/internal/b64token"
)

const (
	grantExchange  = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantAssertion = "urn:ietf:params:oauth:grant-type:jwt-bearer"

	typeAccess = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT    = "urn:ietf:params:oauth:token-type:jwt"
)

// Exchange returns a Source of tokens for the next service, on behalf of the
// user whose access token a request has brought (RFC 8693, Section 2). The
// service must have verified that token, which package middleware has for it:
//
//	token, _ := middleware.TokenFromContext(r.Context())
//	next, err := client.Exchange(token, clientauth.Request{Audience: "https://stock.example.com"})
//
// Make one for each request. It does no I/O and is cheap. The new token is kept
// by a hash of the old one and of r until it ends or is renewed, so a user's
// requests share it. CacheSize bounds how many are kept.
//
// If the issuer requires that the user signs in again, the code of the error is
// [CodeAuthentication]. Pass it to Guard.Reject of package middleware, whose
// response is then the challenge of RFC 9470.
func (c *Client) Exchange(token string, r Request) (*Source, error) {
	return c.onBehalf(token, r, url.Values{
		"grant_type": {grantExchange}, "subject_token": {token}, "subject_token_type": {typeAccess},
		"requested_token_type": {typeAccess},
	})
}

// OnBehalfOf is [Client.Exchange] for issuers that take the user's token as an
// assertion (RFC 7523, Section 2.1). Microsoft Entra ID does so, and needs
// "requested_token_use" with the value "on_behalf_of" in Request.Params.
func (c *Client) OnBehalfOf(token string, r Request) (*Source, error) {
	return c.onBehalf(token, r, url.Values{"grant_type": {grantAssertion}, "assertion": {token}})
}

func (c *Client) onBehalf(token string, r Request, grant url.Values) (*Source, error) {
	s, err := c.Source(r)
	if err != nil {
		return nil, err
	}
	switch {
	case !b64token.Valid(token):
		return nil, &Error{Code: CodeConfig, Err: errors.New("there is no token to act with: see middleware.TokenFromContext")}
	case len(token) > c.cfg.MaxTokenSize:
		return nil, &Error{Code: CodeConfig, Err: fmt.Errorf("the token to act with has %d bytes: see Config.MaxTokenSize, which is %d", len(token), c.cfg.MaxTokenSize)}
	}
	for name, values := range grant {
		s.form[name] = values
	}
	return s, nil
}
