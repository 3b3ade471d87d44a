package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
)

// PublicKeyOf is [ParsePublicKey] for the members of a JWK that has been read already, by [TokenLimits].
func PublicKeyOf(members []Member) (Key, error) { return keyOf(members, directly) }

// directly loads a key whose parameters minimalKey has found to be well-formed. It is for keys that come with each
// request, as those of DPoP proofs do: the way through the library costs a fifth of a signature check.
func directly(_ string, members []Member) (crypto.PublicKey, error) {
	switch kty := textOf(members, "kty"); kty {
	case "RSA":
		n, e := bytesOf(members, "n"), new(big.Int).SetBytes(bytesOf(members, "e"))
		if !e.IsInt64() {
			break
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(e.Int64())}, nil
	case "EC":
		curve := elliptic.P256()
		switch textOf(members, "crv") {
		case "P-384":
			curve = elliptic.P384()
		case "P-521":
			curve = elliptic.P521()
		}
		x, y := bytesOf(members, "x"), bytesOf(members, "y")
		// The caller checks the point. ecdsa.ParseUncompressedPublicKey would check it a second time.
		return &ecdsa.PublicKey{Curve: curve, X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}, nil //nolint:staticcheck // see above
	case "OKP":
		return ed25519.PublicKey(bytesOf(members, "x")), nil
	}
	return nil, errors.New("the key's parameters are malformed")
}

func textOf(members []Member, name string) string {
	v, _ := Lookup(members, name)
	text, _ := v.Text()
	return text
}

func bytesOf(members []Member, name string) []byte {
	text := textOf(members, name)
	b := make([]byte, base64url.DecodedLen(len(text)))
	if !decodeInto(b, text) {
		return nil // which is no key
	}
	return b
}
