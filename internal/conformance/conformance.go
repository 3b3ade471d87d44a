// Package conformance tests rsguard with the vectors of others: those of
// Project Wycheproof, the examples of the RFCs, and tokens found by a fuzzer
// that golang-jwt with keyfunc rejects and rsguard accepts.
//
// It is a module of its own, so that rsguard doesn't require what it needs.
package conformance

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rsguard/rsguard/internal/jose"
)

// A keys is what a token is checked with: a key set, or a secret for one HS
// algorithm.
type keys struct {
	set    []jose.Key
	secret []byte
	alg    string // of the secret
}

var (
	errNoSecret = errors.New("a secret of no HS algorithm, or too short for it")
	errNoKey    = errors.New("no key for this token")
)

// publicKeys reads a JWK or a JWK Set as an issuer's key set.
func publicKeys(jwk []byte) (keys, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(jwk, &set); err != nil {
		return keys{}, err
	}
	if set.Keys == nil {
		jwk = fmt.Appendf(nil, `{"keys":[%s]}`, jwk)
	}
	parsed, _, err := jose.ParseKeySet(jwk)
	return keys{set: parsed}, err
}

// secretKey reads a symmetric JWK as a service reads its configuration. In
// rsguard a secret must have the size that the algorithm needs, and never comes
// from a key set.
func secretKey(jwk []byte) (keys, error) {
	var key struct{ Kty, Alg, K string }
	if err := json.Unmarshal(jwk, &key); err != nil {
		return keys{}, err
	}
	secret, err := base64.RawURLEncoding.DecodeString(key.K)
	if size := jose.HashSize(key.Alg); err != nil || key.Kty != "oct" || size == 0 || len(secret) < size {
		return keys{}, errNoSecret
	}
	return keys{secret: secret, alg: key.Alg}, nil
}

// verify does what package validator does with a token, without the claims,
// which these vectors do not have.
func (k keys) verify(jws string) error {
	var token jose.Token
	if err := token.Parse(jws, 1<<20); err != nil {
		return err
	}
	if _, err := token.Payload(); err != nil {
		return err
	}
	if k.secret != nil {
		if token.Header.Algorithm != k.alg {
			return jose.ErrKeyMismatch
		}
		return token.VerifyMAC(k.secret)
	}
	if !slices.Contains(algorithms, token.Header.Algorithm) {
		return fmt.Errorf("alg %q", token.Header.Algorithm)
	}
	err := errNoKey
	for _, key := range k.set {
		if token.Header.KeyID != "" && token.Header.KeyID != key.ID {
			continue
		}
		if key.Algorithm != "" && !jose.SameAlgorithm(key.Algorithm, token.Header.Algorithm) {
			continue
		}
		if err = token.Verify(key.Public); err == nil {
			return nil
		}
	}
	return err
}

var algorithms = jose.PublicKeyAlgorithms()
