package testutil

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/validator"
)

// A ProofKey is the key of a client that uses DPoP. It signs the proofs that a
// token bound to the key needs. Make one with [DPoPKey]. It is safe for
// concurrent use.
type ProofKey struct {
	tb         testing.TB
	alg        validator.Algorithm
	thumbprint string
	*proofSecret

	// Now returns the time at which proofs are issued. If nil, [time.Now] is
	// used. To use an issuer's clock, set it to [mockissuer.Issuer.Now]. It
	// must not be changed while the key is in use.
	Now func() time.Time
}

// A proofSecret is kept by its address, because fmt prints the contents of
// unexported fields.
type proofSecret struct{ private crypto.Signer }

// DPoPKey returns a new key. Its algorithm is ES256 by default. It can be EdDSA
// or Ed25519 instead. Any other algorithm fails tb.
//
//	key := testutil.DPoPKey(t)
//	token := iss.Token(testutil.Claims{"cnf": key.Confirmation()})
//	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
//	key.Authorize(r, token)
func DPoPKey(tb testing.TB, alg ...validator.Algorithm) *ProofKey {
	tb.Helper()

	k, err := newProofKey(append(alg, validator.ES256)[0])
	if err != nil {
		tb.Fatalf("testutil.DPoPKey(%s): %v", alg, err)
	}
	k.tb = tb
	return k
}

func newProofKey(alg validator.Algorithm) (k *ProofKey, err error) {
	k = &ProofKey{alg: alg, proofSecret: new(proofSecret)}
	switch alg {
	case validator.ES256:
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case validator.EdDSA, validator.Ed25519:
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("want ES256, EdDSA or Ed25519")
	}
	if err != nil {
		return nil, err
	}
	k.thumbprint, err = jose.Thumbprint(k.private.Public())
	return k, err
}

// Thumbprint returns the thumbprint of the public key (RFC 7638).
func (k *ProofKey) Thumbprint() string { return k.thumbprint }

// Confirmation returns the claim "cnf" of a token that is bound to the key.
func (k *ProofKey) Confirmation() Claims { return Claims{"jkt": k.thumbprint} }

// JWK returns the public key as a proof has it.
func (k *ProofKey) JWK() Claims {
	encode := base64.RawURLEncoding.EncodeToString
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		if point, err := public.Bytes(); err == nil { // 4, x, y
			return Claims{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
		}
	case ed25519.PublicKey:
		return Claims{"kty": "OKP", "crv": "Ed25519", "x": encode(public)}
	}
	return nil
}

// Proof returns a proof for a request with this method, URL and token, issued
// now. Its claims are a new jti, htm, htu, iat and ath. Those of changes
// replace them. A claim that is nil is left out, and a [time.Time] becomes a
// NumericDate. To add a nonce, pass Claims{"nonce": …}.
func (k *ProofKey) Proof(method, url, token string, changes ...Claims) string {
	k.tb.Helper()
	return k.Sign(nil, k.claims(method, url, token, changes...))
}

// Authorize sets r's Authorization and DPoP fields, with a new proof for r.
func (k *ProofKey) Authorize(r *http.Request, token string, changes ...Claims) {
	k.tb.Helper()
	url := r.URL.String()
	if !r.URL.IsAbs() { // as in a request for a server
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		url = scheme + r.Host + url
	}
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", k.Proof(r.Method, url, token, changes...))
}

func (k *ProofKey) claims(method, url, token string, changes ...Claims) Claims {
	now := time.Now
	if k.Now != nil {
		now = k.Now
	}
	url, _, _ = strings.Cut(url, "#")
	url, _, _ = strings.Cut(url, "?")
	hash := sha256.Sum256([]byte(token))
	claims := Claims{
		"jti": rand.Text(),
		"htm": method,
		"htu": url,
		"iat": now(),
		"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
	}
	for _, c := range changes {
		maps.Copy(claims, c)
	}
	return claims
}

// Sign returns a JWS of any claims. Its header is that of a proof, and the
// members of header replace those. A member that is nil is left out.
func (k *ProofKey) Sign(header, claims Claims) string {
	k.tb.Helper()

	proof, err := k.sign(header, claims)
	if err != nil {
		k.tb.Fatalf("testutil.ProofKey.Sign: %v", err)
	}
	return proof
}

func (k *ProofKey) sign(header, claims Claims) (string, error) {
	members := Claims{"typ": "dpop+jwt", "alg": k.alg, "jwk": k.JWK()}
	maps.Copy(members, header)
	head, err := proofSegment(members)
	if err != nil {
		return "", err
	}
	payload, err := proofSegment(claims)
	if err != nil {
		return "", err
	}
	input := head + "." + payload
	signature, err := k.signature(input)
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

func proofSegment(members Claims) (string, error) {
	written := Claims{}
	for name, value := range members {
		switch value := value.(type) {
		case nil:
		case time.Time:
			written[name] = value.Unix()
		default:
			written[name] = value
		}
	}
	text, err := json.Marshal(written)
	return base64.RawURLEncoding.EncodeToString(text), err
}

func (k *ProofKey) signature(input string) ([]byte, error) {
	private, ok := k.private.(*ecdsa.PrivateKey)
	if !ok {
		return k.private.Sign(rand.Reader, []byte(input), crypto.Hash(0))
	}
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		return nil, err
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
}
