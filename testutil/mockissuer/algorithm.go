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
)

// algorithm is how a JWS algorithm signs (RFC 7518, Section 3; RFC 8037).
type algorithm struct {
	family byte // R, P, E, D or H
	hash   crypto.Hash
	curve  elliptic.Curve
}

var algorithms = map[string]algorithm{
	"RS256": {family: 'R', hash: crypto.SHA256},
	"RS384": {family: 'R', hash: crypto.SHA384},
	"RS512": {family: 'R', hash: crypto.SHA512},
	"PS256": {family: 'P', hash: crypto.SHA256},
	"PS384": {family: 'P', hash: crypto.SHA384},
	"PS512": {family: 'P', hash: crypto.SHA512},
	"ES256": {family: 'E', hash: crypto.SHA256, curve: elliptic.P256()},
	"ES384": {family: 'E', hash: crypto.SHA384, curve: elliptic.P384()},
	"ES512": {family: 'E', hash: crypto.SHA512, curve: elliptic.P521()},
	"EdDSA": {family: 'D'},
	"HS256": {family: 'H', hash: crypto.SHA256},
	"HS384": {family: 'H', hash: crypto.SHA384},
	"HS512": {family: 'H', hash: crypto.SHA512},
}

// Asymmetric tells whether alg is an algorithm that the issuer can have a key pair for: RS256, RS384, RS512, PS256, PS384,
// PS512, ES256, ES384, ES512 or EdDSA (with Ed25519).
func Asymmetric(alg string) bool {
	a, ok := algorithms[alg]
	return ok && a.family != 'H'
}

// newKey makes a key pair for a. RSA keys come from the pool.
func (a algorithm) newKey() (crypto.Signer, error) {
	switch a.family {
	case 'R', 'P':
		return rsaKeys.take()
	case 'E':
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

// sign makes the signature of input with key.
func (a algorithm) sign(key crypto.Signer, input string) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		switch a.family {
		case 'R':
			return rsa.SignPKCS1v15(rand.Reader, key, a.hash, a.digest(input))
		case 'P':
			return rsa.SignPSS(rand.Reader, key, a.hash, a.digest(input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
	case *ecdsa.PrivateKey:
		if a.family != 'E' || a.curve != key.Curve {
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
		if a.family == 'D' {
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
