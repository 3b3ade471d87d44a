package jose

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
)

// HeaderKey returns the public key of the token's header, "jwk", if the token
// may be signed by it with the algorithm in the header, which the caller has
// allowed. RSA keys may have so many bits, and exponents up to that. The key is
// a stranger's, so only what needs no arithmetic is looked at, the length of
// the signature included. The rest is for VerifyByHeader.
//
// The error is ErrKeyMismatch, or wraps ErrSignature, or says what is wrong
// with the key.
func (t *Token) HeaderKey(maxBits, maxExponent int) (crypto.PublicKey, error) {
	if t.Header.JWK.Kind() != KindObject {
		return nil, errors.New("missing, or not an object")
	}
	m, err := readJWK(t.Header.JWK.Raw())
	if err != nil {
		return nil, err
	}
	alg := t.Header.Algorithm
	described, err := m.describe()
	switch {
	case err != nil:
		return nil, err
	case described.Algorithm != "" && !SameAlgorithm(described.Algorithm, alg) || !m.fits(alg):
		return nil, ErrKeyMismatch
	}
	p, err := m.parameters()
	if err != nil {
		return nil, err
	}
	key, err := p.directly()
	if err != nil {
		return nil, err
	}
	if err := checkForm(key); err != nil {
		return nil, err
	}
	if key, ok := key.(*rsa.PublicKey); ok && (key.N.BitLen() > maxBits || key.E > maxExponent) {
		return nil, fmt.Errorf("an RSA key with over %d bits, or an exponent over %d", maxBits, maxExponent)
	}
	if err := t.checkSize(key); err != nil {
		return nil, err
	}
	return key, nil
}

// VerifyByHeader checks the token's signature by the key that HeaderKey has
// returned. The error is a [*KeyError], or what Verify returns.
func (t *Token) VerifyByHeader(key crypto.PublicKey) error {
	if err := checkStrength(key); err != nil {
		return &KeyError{err}
	}
	return t.Verify(key)
}

// A KeyError says why no signature by a key is to be believed.
type KeyError struct{ error }

func (e *KeyError) Unwrap() error { return e.error }
