package mockissuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/rsguard/rsguard/internal/jose"
)

// An algorithm describes how a JWS algorithm signs (RFC 7518, Section 3; RFC
// 8037).
type algorithm struct {
	family jose.Family
	hash   crypto.Hash
	curve  elliptic.Curve
}

var algorithms = func() map[string]algorithm {
	all := make(map[string]algorithm)
	for _, a := range jose.Algorithms() {
		all[a.Name] = algorithm{a.Family, a.Hash, a.Curve}
	}
	return all
}()

// Asymmetric reports whether alg is an algorithm that the issuer can have a key
// pair for. These are the algorithms of
// [github.com/rsguard/rsguard/validator.Algorithm] except HS256, HS384 and
// HS512.
func Asymmetric(alg string) bool { return jose.Known(alg) }

// newKey makes a key pair for a. RSA keys come from the pool.
func (a algorithm) newKey() (crypto.Signer, error) {
	switch a.family {
	case jose.PKCS1, jose.PSS:
		return rsaKeys.take()
	case jose.ECDSA:
		return ecdsa.GenerateKey(a.curve, rand.Reader)
	default:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
}

func (a algorithm) digest(input string) []byte {
	h := a.hash.New()
	h.Write([]byte(input))
	return h.Sum(nil)
}

// sign returns the signature of input by key.
func (a algorithm) sign(key crypto.Signer, input string) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		switch a.family {
		case jose.PKCS1:
			return rsa.SignPKCS1v15(rand.Reader, key, a.hash, a.digest(input))
		case jose.PSS:
			return rsa.SignPSS(rand.Reader, key, a.hash, a.digest(input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
	case *ecdsa.PrivateKey:
		if a.family != jose.ECDSA || a.curve != key.Curve {
			break
		}
		r, s, err := ecdsa.Sign(rand.Reader, key, a.digest(input))
		if err != nil {
			return nil, err
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		signature := make([]byte, 2*size)
		r.FillBytes(signature[:size])
		s.FillBytes(signature[size:])
		return signature, nil
	case ed25519.PrivateKey:
		if a.family == jose.EdDSA {
			return ed25519.Sign(key, []byte(input)), nil
		}
	}
	return nil, fmt.Errorf("mockissuer: a %T cannot sign so", key)
}

func (a algorithm) mac(secret []byte, input string) []byte {
	m := hmac.New(a.hash.New, secret)
	m.Write([]byte(input))
	return m.Sum(nil)
}
