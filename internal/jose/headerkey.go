package jose

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
)

// HeaderKey returns the public key of the token's header, "jwk", if it may have
// signed the token with the algorithm in the header, which the caller has
// allowed. RSA keys may have at most maxBits bits and an exponent of at most
// maxExponent. The key is a stranger's, so only checks without arithmetic are
// made, including that of the signature's length. VerifyByHeader does the rest.
//
// The error is ErrKeyMismatch, wraps ErrSignature, or says what is wrong with
// the key.
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
// returned. The error is a [*KeyError], or that of Verify.
func (t *Token) VerifyByHeader(key crypto.PublicKey) error {
	if err := checkStrength(key); err != nil {
		return &KeyError{err}
	}
	return t.Verify(key)
}

// A KeyError says why signatures by a key prove nothing.
type KeyError struct{ error }

func (e *KeyError) Unwrap() error { return e.error }
