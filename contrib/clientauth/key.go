package clientauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/jwtsign"
)

// A Key is a DPoP key. Tokens are bound to it, and it signs a proof for each
// request (RFC 9449). Make one with [NewKey]. It is safe for concurrent use.
type Key struct {
	alg, thumbprint string
	secret          *keySecret // by its address, because fmt prints the contents of unexported fields
}

type keySecret struct {
	private crypto.Signer
	jwk     json.RawMessage
}

// NewKey returns a Key that signs with private: an *ecdsa.PrivateKey on the
// curve P-256, an ed25519.PrivateKey, an *rsa.PrivateKey of 2048 bits or more,
// or another [crypto.Signer] with such a public key, such as one in a hardware
// module. If nil, it is a new key of ES256.
//
// A key is kept by keeping private, such as by
// [crypto/x509.MarshalPKCS8PrivateKey]. It is as secret as a password.
func NewKey(private crypto.Signer) (*Key, error) {
	if private == nil {
		var err error
		if private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	alg, err := jwtsign.Algorithm(private)
	if err != nil {
		return nil, fmt.Errorf("clientauth: NewKey: %w", err)
	}
	jwk, err := jose.PublicJWK(private.Public())
	if err != nil {
		return nil, fmt.Errorf("clientauth: NewKey: %w", err)
	}
	thumbprint, err := jose.Thumbprint(private.Public())
	if err != nil {
		return nil, fmt.Errorf("clientauth: NewKey: %w", err)
	}
	return &Key{alg, thumbprint, &keySecret{private, json.RawMessage(jwk)}}, nil
}

// Thumbprint returns the "jkt" of tokens that are bound to k (RFC 7638).
func (k *Key) Thumbprint() string { return k.thumbprint }

// proof returns a proof for one request (RFC 9449, Section 4.2). At the token
// endpoint there is no token.
func (k *Key) proof(method string, target *url.URL, token, nonce string, now time.Time) (string, error) {
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": targetOf(target), "iat": now.Unix()}
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	return jwtsign.Sign(k.secret.private, k.alg, map[string]any{"typ": "dpop+jwt", "jwk": k.secret.jwk}, claims)
}

// targetOf returns the URL of a request without query and fragment (RFC 9449,
// Section 4.2).
func targetOf(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if bare.Path == "" {
		bare.Path = "/"
	}
	return bare.String()
}
