package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
)

// CheckPublicKey returns an error if signatures by a key prove nothing, which
// is so for these keys:
//
//   - an RSA key whose modulus is even or outside of 2048 to 8192 bits, or
//     whose exponent is even, under 3 or over 2³¹−1
//   - a key of a curve other than P-256, P-384 and P-521, or whose point isn't
//     on its curve
//   - an Ed25519 key of another size, or of small order, with which anyone can
//     sign
//   - a key of any other type
func CheckPublicKey(key crypto.PublicKey) error {
	if err := checkForm(key); err != nil {
		return err
	}
	return checkStrength(key)
}

// checkForm is the part of CheckPublicKey without arithmetic.
func checkForm(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		return checkECDSA(key)
	case ed25519.PublicKey:
		return checkEd25519(key)
	}
	return fmt.Errorf("a key of type %T", key)
}

// checkStrength is the rest of CheckPublicKey, for a key past checkForm.
func checkStrength(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if hasROCA(key.N) {
			return errors.New("an RSA key whose private key can be computed from it")
		}
	case *ecdsa.PublicKey:
		// ECDH is the standard library's function that checks whether the point
		// is on the curve.
		if _, err := key.ECDH(); err != nil {
			return errors.New("an EC key whose point is not on its curve")
		}
	}
	return nil
}

func checkRSA(key *rsa.PublicKey) error {
	if key == nil || key.N == nil || key.N.Sign() <= 0 {
		return errors.New("an RSA key without a modulus")
	}
	switch bits := key.N.BitLen(); {
	case bits < 2048 || bits > 8*maxModulus:
		return fmt.Errorf("an RSA key of %d bits, not 2048 to 8192", bits)
	case key.N.Bit(0) == 0:
		return errors.New("an RSA key with an even modulus")
	case key.E < 3 || key.E > math.MaxInt32 || key.E&1 == 0:
		return fmt.Errorf("an RSA key with the exponent %d", key.E)
	}
	return nil
}

// hasPoint reports whether key has both coordinates. Without them, its methods
// panic.
func hasPoint(key *ecdsa.PublicKey) bool {
	return key.X != nil && key.Y != nil //nolint:staticcheck // deprecated, but there is no other way to ask
}

func checkECDSA(key *ecdsa.PublicKey) error {
	if key == nil || key.Curve == nil || !hasPoint(key) {
		return errors.New("an EC key without a point")
	}
	switch key.Curve {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
	default:
		return errors.New("an EC key on a curve other than P-256, P-384 and P-521")
	}
	return nil
}

// smallOrder holds the encodings of the points of Ed25519 whose order divides
// 8, with the sign bit cleared, including the second spellings of two of them.
var smallOrder = [...]string{
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
	"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
	"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	"\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
}

func checkEd25519(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key of %d bytes", len(key))
	}
	y := [ed25519.PublicKeySize]byte(key)
	y[len(y)-1] &= 0x7f // the sign of x
	for _, point := range smallOrder {
		if string(y[:]) == point {
			return errors.New("an Ed25519 key of small order")
		}
	}
	return nil
}

// Thumbprint returns the SHA-256 JWK Thumbprint of a key (RFC 7638), in
// base64url. It returns an error if the key has no form that CheckPublicKey
// would accept. The other checks of CheckPublicKey are not repeated here.
func Thumbprint(key crypto.PublicKey) (string, error) {
	canonical, err := PublicJWK(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(canonical))
	return base64url.EncodeToString(sum[:]), nil
}

// PublicJWK returns a key as a JWK with the required members alone, in the form
// of RFC 7638, Section 3. It returns an error where Thumbprint does.
func PublicJWK(key crypto.PublicKey) (string, error) {
	if err := checkForm(key); err != nil {
		return "", err
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		e := []byte{byte(key.E >> 24), byte(key.E >> 16), byte(key.E >> 8), byte(key.E)}
		return `{"e":"` + base64url.EncodeToString(bytes.TrimLeft(e, "\x00")) +
			`","kty":"RSA","n":"` + base64url.EncodeToString(key.N.Bytes()) + `"}`, nil
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y
		if err != nil {
			return "", err
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		return `{"crv":"` + key.Curve.Params().Name + `","kty":"EC","x":"` +
			base64url.EncodeToString(x) + `","y":"` + base64url.EncodeToString(y) + `"}`, nil
	case ed25519.PublicKey:
		return `{"crv":"Ed25519","kty":"OKP","x":"` + base64url.EncodeToString(key) + `"}`, nil
	}
	return "", fmt.Errorf("a key of type %T", key)
}

// Describe returns the type and size of a key.
func Describe(key crypto.PublicKey) string {
	if CheckPublicKey(key) != nil {
		return "a key that can't be used"
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "an EC key on " + key.Curve.Params().Name
	}
	return "an Ed25519 key"
}
