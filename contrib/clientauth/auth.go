package clientauth

import (
	"crypto"

	"github.com/rsguard/rsguard/introspection"
)

// An Authentication proves to the issuer that a request is of Config.ClientID.
// It is the type of package introspection, and one serves both. In the request
// that it completes, Issuer is Config.Issuer, or Config.TokenURL if that is
// empty. Parameters of the grant that it sets are replaced by the grant's own.
type Authentication = introspection.Authentication

// An AuthRequest is the request that an [Authentication] completes.
type AuthRequest = introspection.AuthRequest

// ClientSecretBasic authenticates by a secret in the Authorization field, both
// parts of which are form-encoded first (RFC 6749, Section 2.3.1).
func ClientSecretBasic(secret string) Authentication { return introspection.ClientSecretBasic(secret) }

// ClientSecretPost authenticates by a secret in the body (RFC 6749, Section
// 2.3.1).
func ClientSecretPost(secret string) Authentication { return introspection.ClientSecretPost(secret) }

// PrivateKeyJWT authenticates by a JWT that key signs (RFC 7523, Section 2.2),
// as [introspection.PrivateKeyJWT] does. It panics for the same keys.
func PrivateKeyJWT(key crypto.Signer, keyID string) Authentication {
	return introspection.PrivateKeyJWT(key, keyID)
}

// ClientCertificate authenticates by the client certificate of the connection
// (RFC 8705, Section 2), which is Config.Certificate or that of Config.Client's
// transport.
func ClientCertificate() Authentication { return introspection.ClientCertificate() }
