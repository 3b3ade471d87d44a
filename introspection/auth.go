package introspection

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"time"

	"github.com/rsguard/rsguard/internal/jwtsign"
)

// ClientSecretBasic authenticates by a secret in the Authorization field (RFC
// 6749, Section 2.3.1).
func ClientSecretBasic(secret string) Authentication {
	return func(_ context.Context, r *AuthRequest) error {
		credentials := url.QueryEscape(r.ClientID) + ":" + url.QueryEscape(secret)
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
		return nil
	}
}

// ClientSecretPost authenticates by a secret in the body (RFC 6749, Section
// 2.3.1).
func ClientSecretPost(secret string) Authentication {
	return func(_ context.Context, r *AuthRequest) error {
		r.Form.Set("client_id", r.ClientID)
		r.Form.Set("client_secret", secret)
		return nil
	}
}

// ClientCertificate authenticates by the client certificate of Config.Client's
// transport (RFC 8705, Section 2). A discovered endpoint is then the one that
// the metadata has for clients with a certificate (RFC 8705, Section 5), if it
// has one. The same goes for any Authentication if Config.Client has a
// certificate, and its Transport is an [http.Transport].
func ClientCertificate() Authentication { return byCertificate }

// byCertificate is a function of the package, and no literal, because discovery
// compares Config.Auth with it.
func byCertificate(_ context.Context, r *AuthRequest) error {
	r.Form.Set("client_id", r.ClientID)
	return nil
}

// PrivateKeyJWT authenticates by a JWT that key signs (RFC 7523, Section 2.2).
// It is for Config.Issuer, ends after a minute, and has an ID of its own. Key
// is an *rsa.PrivateKey, for RS256, an *ecdsa.PrivateKey on the curve P-256,
// for ES256, or an ed25519.PrivateKey, for EdDSA, or another [crypto.Signer]
// with such a public key. KeyID is its "kid" at the server, or empty.
// PrivateKeyJWT panics if key is of another kind.
func PrivateKeyJWT(key crypto.Signer, keyID string) Authentication {
	alg, err := jwtsign.Algorithm(key)
	if err != nil {
		panic("introspection: PrivateKeyJWT: " + err.Error())
	}
	return func(_ context.Context, r *AuthRequest) error {
		assertion, err := assertion(key, alg, keyID, r)
		if err != nil {
			return fmt.Errorf("signing the client assertion: %w", err)
		}
		r.Form.Set("client_id", r.ClientID)
		r.Form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		r.Form.Set("client_assertion", assertion)
		return nil
	}
}

// assertion has the claims of RFC 7523, Section 3.
func assertion(key crypto.Signer, alg, keyID string, r *AuthRequest) (string, error) {
	header := map[string]any{"typ": "JWT"}
	if keyID != "" {
		header["kid"] = keyID
	}
	return jwtsign.Sign(key, alg, header, map[string]any{
		"iss": r.ClientID, "sub": r.ClientID, "aud": r.Issuer, "jti": rand.Text(),
		"iat": r.Now.Unix(), "exp": r.Now.Add(time.Minute).Unix(),
	})
}
