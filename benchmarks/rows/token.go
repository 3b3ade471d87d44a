package rows

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Audience is the API of the tokens.
const Audience = "https://api.example.com/orders"

// Want are the claims that every check must return for [Issuer.Token].
var Want = Claims{
	Subject:     "auth0|65f1c0a7d2b94e3f8a6c1d20",
	ClientID:    "kq3Zt7uVbX0pLmN8sRw2yHcJd5fGa1Te",
	OrgID:       "org_9Kq2mXvT4LhY7bRc",
	Permissions: []string{"read:orders", "write:orders", "read:customers", "read:invoices"},
}

// claims are those of an access token that Auth0 issues to a user who logged in
// to an organization. The token is valid for a day, so that it does not expire
// during a long run.
func claims(issuer string) map[string]any {
	now := time.Now()

	return map[string]any{
		"iss":                        issuer,
		"sub":                        Want.Subject,
		"aud":                        []string{Audience, issuer + "userinfo"},
		"iat":                        now.Unix(),
		"exp":                        now.Add(24 * time.Hour).Unix(),
		"scope":                      "openid profile read:orders write:orders read:customers read:invoices",
		"azp":                        Want.ClientID,
		"org_id":                     Want.OrgID,
		"permissions":                Want.Permissions,
		"jti":                        "8f0e2c9b6d7a4b1f93c5e0d2a1b7c6f4",
		"https://example.com/tenant": "north",
	}
}

// with returns claims with one of them changed.
func with(claims map[string]any, name string, value any) map[string]any {
	claims = maps.Clone(claims)
	claims[name] = value

	return claims
}

// sign writes a compact JWS with the standard library alone.
func sign(alg, kid string, key crypto.Signer, claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": alg, "typ": "JWT", "kid": kid})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)

	signature, err := signInput(key, []byte(input))
	if err != nil {
		return "", err
	}

	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func signInput(key crypto.Signer, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)

	switch key := key.(type) {
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	case ed25519.PrivateKey:
		return ed25519.Sign(key, input), nil
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		// RFC 7518, Section 3.4: r and s side by side, 32 bytes each.
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])

		return signature, nil
	}

	return nil, fmt.Errorf("no way to sign with a %T", key)
}

func generateKey(alg string) (crypto.Signer, error) {
	switch alg {
	case "RS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)

		return key, err
	}

	return nil, fmt.Errorf("no key for algorithm %q", alg)
}

// publicJWK returns the public key as a JWK (RFC 7517).
func publicJWK(alg, kid string, key crypto.PublicKey) map[string]string {
	encode := base64.RawURLEncoding.EncodeToString
	members := map[string]string{"use": "sig", "alg": alg, "kid": kid}

	switch key := key.(type) {
	case *rsa.PublicKey:
		members["kty"], members["n"], members["e"] = "RSA", encode(key.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		members["kty"], members["crv"] = "EC", "P-256"
		point, err := key.Bytes() // 4, x, y
		if err != nil {
			panic(err) // a key of our own
		}
		members["x"], members["y"] = encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		members["kty"], members["crv"], members["x"] = "OKP", "Ed25519", encode(key)
	}

	return members
}
