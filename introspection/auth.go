package introspection

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
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
// transport (RFC 8705, Section 2).
func ClientCertificate() Authentication {
	return func(_ context.Context, r *AuthRequest) error {
		r.Form.Set("client_id", r.ClientID)
		return nil
	}
}

// PrivateKeyJWT authenticates by a JWT that key signs (RFC 7523, Section 2.2).
// It is for Config.Issuer, ends after a minute, and has an ID of its own. Key
// is an *rsa.PrivateKey, for RS256, an *ecdsa.PrivateKey on the curve P-256,
// for ES256, or an ed25519.PrivateKey, for EdDSA, or another [crypto.Signer]
// with such a public key. KeyID is its "kid" at the server, or empty.
// PrivateKeyJWT panics if key is of another kind.
func PrivateKeyJWT(key crypto.Signer, keyID string) Authentication {
	alg, err := algorithmOf(key)
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

func algorithmOf(key crypto.Signer) (string, error) {
	if key == nil {
		return "", errors.New("nil key")
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() >= 2048 { // RFC 7518, Section 3.3
			return "RS256", nil
		}
		return "", errors.New("an RSA key of less than 2048 bits")
	case *ecdsa.PublicKey:
		if public.Curve.Params().BitSize == 256 {
			return "ES256", nil
		}
		return "", errors.New("an ECDSA key on another curve than P-256")
	case ed25519.PublicKey:
		return "EdDSA", nil
	}
	return "", fmt.Errorf("a key of type %T", key.Public())
}

// assertion has the claims of RFC 7523, Section 3.
func assertion(key crypto.Signer, alg, keyID string, r *AuthRequest) (string, error) {
	header := map[string]any{"alg": alg, "typ": "JWT"}
	if keyID != "" {
		header["kid"] = keyID
	}
	claims := map[string]any{
		"iss": r.ClientID, "sub": r.ClientID, "aud": r.Issuer, "jti": rand.Text(),
		"iat": r.Now.Unix(), "exp": r.Now.Add(time.Minute).Unix(),
	}
	var signed string
	for i, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		if i > 0 {
			signed += "."
		}
		signed += base64.RawURLEncoding.EncodeToString(text)
	}
	signature, err := sign(key, alg, []byte(signed))
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func sign(key crypto.Signer, alg string, text []byte) ([]byte, error) {
	if alg == "EdDSA" {
		return key.Sign(rand.Reader, text, crypto.Hash(0))
	}
	hash := crypto.SHA256.New()
	hash.Write(text)
	signature, err := key.Sign(rand.Reader, hash.Sum(nil), crypto.SHA256)
	if err != nil || alg != "ES256" {
		return signature, err
	}
	return rawECDSA(signature)
}

// rawECDSA makes of a signature in DER, as a crypto.Signer returns it, the one
// of RFC 7518, Section 3.4 for P-256.
func rawECDSA(der []byte) ([]byte, error) {
	var parts struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &parts)
	if err != nil || len(rest) > 0 || parts.R.Sign() <= 0 || parts.S.Sign() <= 0 ||
		parts.R.BitLen() > 256 || parts.S.BitLen() > 256 {
		return nil, errors.New("the key returned no ECDSA signature on P-256")
	}
	raw := make([]byte, 64)
	parts.R.FillBytes(raw[:32])
	parts.S.FillBytes(raw[32:])
	return raw, nil
}
