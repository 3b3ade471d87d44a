package idtoken

import (
	"errors"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// Expected is what an ID token must agree with: the authentication request of
// the browser's session, and what came with the token. The zero value accepts
// no token, since it has no nonce.
type Expected struct {
	// Nonce is the nonce of the authentication request. The token must have it.
	// Without it, a token that was stolen from another login would be accepted
	// here. If it is empty, every token is rejected, unless InsecureNoNonce or
	// Previous is set.
	Nonce string `json:"-"`

	// InsecureNoNonce says that the request had no nonce. A token with one is
	// then rejected, since it is of another request. It is for a client that
	// can't send a nonce, and that is sure by PKCE that the code was its own.
	InsecureNoNonce bool

	// Previous are the claims of the user's earlier ID token, for a token that
	// came with a refresh token's response. The issuer, subject, audience and
	// authorized party must be the same, and so must the time of the login and
	// the nonce if the token has them (OpenID Connect Core 1.0, Section 12.2).
	// Claims that were stored need these fields only.
	Previous *Claims `json:"-"`

	// AccessToken is the access token that came with the ID token. If the ID
	// token has "at_hash", that must be its hash.
	AccessToken string `json:"-"`

	// Code is the authorization code that came with the ID token. If the ID
	// token has "c_hash", that must be its hash.
	Code string `json:"-"`

	// FromAuthorizationEndpoint says that the browser has brought the token
	// beside AccessToken or Code, by the implicit or the hybrid flow. The hash
	// of each that is set is then required (OpenID Connect Core 1.0, Sections
	// 3.2.2.10 and 3.3.2.11).
	FromAuthorizationEndpoint bool

	// MaxAge is the max_age of the request. The user must have signed in at
	// most so long ago by "auth_time", which is then required. The leeway is
	// added, since the issuer has compared by its own clock. If zero, the
	// request had none. For a max_age of 0, set the time that a login may take.
	MaxAge time.Duration

	// ACR are the authentication context classes of which one is required in
	// "acr". If empty, any is accepted, and none.
	ACR []string

	// Organization is the organization of the request to Auth0. A value that
	// begins with "org_" is an ID and is compared with "org_id". Any other
	// value is a name, and is compared in lower case with "org_name". If empty,
	// any is accepted, and none.
	Organization string
}

// check returns an error if no token can be as e says.
func (e *Expected) check() error {
	switch {
	case e.Nonce != "" && e.InsecureNoNonce:
		return errors.New("Expected has both a Nonce and InsecureNoNonce")
	case e.Previous != nil && e.InsecureNoNonce:
		return errors.New("Expected has both Previous and InsecureNoNonce, and Previous needs no nonce")
	case e.MaxAge < 0:
		return errors.New("Expected.MaxAge is negative")
	case e.FromAuthorizationEndpoint && e.Previous != nil:
		return errors.New("Expected has both Previous and FromAuthorizationEndpoint")
	}
	return nil
}

func fault(err error) error { return &validator.Error{Code: validator.CodeInternal, Err: err} }
