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
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// A Key is a public key that signatures can be checked with.
type Key struct {
	ID        string           // "kid"; empty if there is none
	Algorithm string           // "alg"; empty means any that fits
	Issuer    string           // "issuer": whose tokens it signs; empty means any
	Public    crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, past CheckPublicKey
}

// maxKeys is the length of the longest key set.
const maxKeys = 1 << 14

// ParseKeySet reads a JWK Set (RFC 7517, Section 5). A key that can't be used, for whatever reason, is left out and
// leftOut says why, with the key's place and "kid" and nothing of the key; the others are as good as without it. The
// last error says why data is no JWK Set at all. A set without any usable key is none of its errors.
func ParseKeySet(data []byte) (keys []Key, leftOut []error, err error) {
	// One key with a duplicate member must not cost the others: each is read strictly by itself.
	members, err := ParseObject(nil, string(data), Limits{DocumentLimits.Depth, DocumentLimits.Members, true})
	if err != nil {
		return nil, nil, err
	}
	set, ok := Lookup(members, "keys")
	if !ok {
		return nil, nil, &SyntaxError{`JSON has no "keys"`}
	}
	elements, ok := set.Elements()
	if !ok {
		return nil, nil, &SyntaxError{`"keys" is not an array`}
	}
	if len(elements) > maxKeys {
		return nil, nil, &SyntaxError{fmt.Sprintf(`"keys" has %d elements, over %d`, len(elements), maxKeys)}
	}

	for i, element := range elements {
		key, err := parseKey(element)
		if err != nil {
			leftOut = append(leftOut, fmt.Errorf("key %d%s: %w", i, describeID(element), err))
			continue
		}
		// Cloned, lest one short string keeps the whole document alive.
		key.ID, key.Algorithm, key.Issuer = strings.Clone(key.ID), strings.Clone(key.Algorithm), strings.Clone(key.Issuer)
		keys = append(keys, key)
	}
	return keys, leftOut, nil
}

// ParsePublicKey reads one public key in JWK form (RFC 7517, Section 4), by the rules that hold in a set.
func ParsePublicKey(text string) (Key, error) {
	members, err := ParseObject(nil, text, TokenLimits)
	if err != nil {
		return Key{}, err
	}
	return keyOf(members, directly)
}

func parseKey(v Value) (Key, error) {
	if v.Kind() != KindObject {
		return Key{}, errors.New("not an object")
	}
	var few [16]Member
	members, err := ParseObject(few[:0], v.Raw(), TokenLimits)
	if err != nil {
		return Key{}, err
	}
	key, err := keyOf(members, byLibrary)
	if err != nil {
		return Key{}, err
	}
	if issuer, ok := Lookup(members, "issuer"); ok {
		// Whose it is can't be told otherwise, and a key of nobody's must not
		// pass for one of anybody's.
		if key.Issuer, _ = issuer.Text(); key.Issuer == "" {
			return Key{}, errors.New(`"issuer" is not a string that names one`)
		}
	}
	return key, nil
}

// describeID names a key in a log line by its kid, if it has one that can be read.
func describeID(v Value) string {
	if v.Kind() != KindObject {
		return ""
	}
	members, err := ParseObject(nil, v.Raw(), Limits{TokenLimits.Depth, TokenLimits.Members, true})
	if err != nil {
		return ""
	}
	if kid, _ := Lookup(members, "kid"); kid.Kind() == KindString {
		text, _ := kid.Text()
		return fmt.Sprintf(" (kid %.64q)", text)
	}
	return ""
}

// privateMembers are those of private and symmetric keys (RFC 7518, Sections 6.2.2, 6.3.2 and 6.4.1). A set that
// publishes one has told the key to everybody.
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// keyOf applies the rules for a key of which nothing is known but that it is one JSON object. Members that it
// doesn't look at never matter: certificates and their hashes among them, which issuers are known to misspell.
func keyOf(members []Member, load func(minimal string, members []Member) (crypto.PublicKey, error)) (Key, error) {
	for _, name := range privateMembers {
		if _, ok := Lookup(members, name); ok {
			return Key{}, fmt.Errorf("not a public key: it has %q", name)
		}
	}
	if err := checkPurpose(members); err != nil {
		return Key{}, err
	}
	var key Key
	if kid, ok := Lookup(members, "kid"); ok {
		if key.ID, ok = kid.Text(); !ok {
			return Key{}, errors.New(`"kid" is not a string`)
		}
	}
	minimal, err := minimalKey(members)
	if err != nil {
		return Key{}, err
	}
	if key.Public, err = load(minimal, members); err != nil {
		return Key{}, err
	}
	if err := CheckPublicKey(key.Public); err != nil {
		return Key{}, err
	}

	alg, ok := Lookup(members, "alg")
	if !ok {
		return key, nil
	}
	key.Algorithm, _ = alg.Text()
	if key.Algorithm == "Ed25519" { // as RFC 9864 calls it, and WebCrypto since
		key.Algorithm = "EdDSA"
	}
	switch {
	case !Known(key.Algorithm):
		return Key{}, fmt.Errorf(`"alg" is %.32q`, alg.Raw())
	case !Fits(key.Algorithm, key.Public):
		return Key{}, fmt.Errorf(`"alg" is %q, for which it is the wrong type or curve`, key.Algorithm)
	}
	return key, nil
}

// ErrForEncryption is the reason to leave out a key that says that it is for encryption. Many issuers publish one; it is
// nothing to worry about.
var ErrForEncryption = errors.New(`"use" is "\"enc\""`)

// checkPurpose reads what a key says that it is for (RFC 7517, Sections 4.2 and 4.3).
func checkPurpose(members []Member) error {
	if use, ok := Lookup(members, "use"); ok {
		if text, _ := use.Text(); text != "sig" {
			if text == "enc" {
				return ErrForEncryption
			}
			return fmt.Errorf(`"use" is %.32q`, use.Raw())
		}
	}
	ops, ok := Lookup(members, "key_ops")
	if !ok {
		return nil
	}
	texts, ok := ops.AppendTexts(nil)
	if !ok {
		return errors.New(`"key_ops" is not an array of strings`)
	}
	if slices.Contains(texts, "verify") {
		return nil
	}
	return errors.New(`"key_ops" is without "verify"`)
}

// byLibrary is how the keys of a set are loaded, now and then.
func byLibrary(minimal string, _ []Member) (public crypto.PublicKey, err error) {
	parsed, err := jwk.ParseKey([]byte(minimal))
	if err != nil {
		return nil, err
	}
	err = parsed.Raw(&public)
	return public, err
}

// minimalKey writes the JWK anew, with nothing but the parameters of the public key, each in its one right form.
// It is all that the JOSE library gets to see: how that reads members that repeat, differ by case, lack digits or
// hold too many doesn't matter then.
func minimalKey(members []Member) (string, error) {
	kty, _ := Lookup(members, "kty")
	switch text, _ := kty.Text(); text {
	case "RSA":
		n, err := integerParameter(members, "n", maxModulus)
		if err != nil {
			return "", err
		}
		e, err := integerParameter(members, "e", 4)
		if err != nil {
			return "", err
		}
		return `{"kty":"RSA","n":"` + n + `","e":"` + e + `"}`, nil
	case "EC":
		crv, _ := Lookup(members, "crv")
		name, _ := crv.Text()
		size := 0
		switch name {
		case "P-256":
			size = 32
		case "P-384":
			size = 48
		case "P-521":
			size = 66
		default:
			return "", fmt.Errorf(`"crv" is %.32q`, crv.Raw())
		}
		x, err := parameter(members, "x", size)
		if err != nil {
			return "", err
		}
		y, err := parameter(members, "y", size)
		if err != nil {
			return "", err
		}
		return `{"kty":"EC","crv":"` + name + `","x":"` + x + `","y":"` + y + `"}`, nil
	case "OKP":
		crv, _ := Lookup(members, "crv")
		if name, _ := crv.Text(); name != "Ed25519" {
			return "", fmt.Errorf(`"crv" is %.32q`, crv.Raw())
		}
		x, err := parameter(members, "x", ed25519.PublicKeySize)
		if err != nil {
			return "", err
		}
		return `{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}`, nil
	}
	return "", fmt.Errorf(`"kty" is %.32q`, kty.Raw())
}

// maxModulus is in bytes: 8192 bits.
const maxModulus = 1 << 10

// parameter returns the spelling of a parameter that has exactly size bytes (RFC 7518, Section 6.2.1.2; RFC 8037,
// Section 2).
func parameter(members []Member, name string, size int) (string, error) {
	v, _ := Lookup(members, name)
	text, ok := v.Text()
	if !ok {
		return "", fmt.Errorf("%q is not a string", name)
	}
	if len(text) != base64url.EncodedLen(size) {
		return "", fmt.Errorf("%q has %d characters, not %d", name, len(text), base64url.EncodedLen(size))
	}
	if _, ok := decode(new(strings.Builder), text); !ok {
		return "", fmt.Errorf("%q is not base64url", name)
	}
	return text, nil
}

// integerParameter returns the canonical spelling of an unsigned integer of at most size bytes (RFC 7518,
// Section 2, Base64urlUInt). Leading zeros, against that section but common, are taken off.
func integerParameter(members []Member, name string, size int) (string, error) {
	v, _ := Lookup(members, name)
	text, ok := v.Text()
	if !ok {
		return "", fmt.Errorf("%q is not a string", name)
	}
	const zeros = 8 // as many as are forgiven
	if len(text) > base64url.EncodedLen(size+zeros) {
		return "", fmt.Errorf("%q has %d characters, over %d", name, len(text), base64url.EncodedLen(size+zeros))
	}
	decoded, ok := decode(new(strings.Builder), text)
	if !ok {
		return "", fmt.Errorf("%q is not base64url", name)
	}
	decoded = strings.TrimLeft(decoded, "\x00")
	if decoded == "" || len(decoded) > size {
		return "", fmt.Errorf("%q is a number of %d bytes, not 1 to %d", name, len(decoded), size)
	}
	return base64url.EncodeToString([]byte(decoded)), nil
}

// CheckPublicKey reports why no signature by a key is to be believed: an RSA modulus outside of 2048 to 8192 bits or
// even, an exponent that is even, under 3 or over 2³¹−1, a point that isn't on its curve, P-256, P-384 or P-521, an
// Ed25519 key of another size or of small order, under which anybody can sign, or a key of any other type.
func CheckPublicKey(key crypto.PublicKey) error {
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
	case hasROCA(key.N):
		return errors.New("an RSA key whose private key can be computed from it")
	}
	return nil
}

// hasPoint reports whether both coordinates of key are there. The methods of a key without them panic.
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
	// ECDH is the standard library's way to ask whether the point is on the curve.
	if _, err := key.ECDH(); err != nil {
		return errors.New("an EC key whose point is not on its curve")
	}
	return nil
}

// smallOrder holds the encodings of the points of Ed25519 whose order divides 8, with the sign bit cleared, and the
// two of them that have a second spelling.
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

// Thumbprint returns the SHA-256 JWK Thumbprint of a key that CheckPublicKey accepts (RFC 7638), in base64url.
func Thumbprint(key crypto.PublicKey) (string, error) {
	if err := CheckPublicKey(key); err != nil {
		return "", err
	}
	var canonical string
	switch key := key.(type) {
	case *rsa.PublicKey:
		e := []byte{byte(key.E >> 24), byte(key.E >> 16), byte(key.E >> 8), byte(key.E)}
		canonical = `{"e":"` + base64url.EncodeToString(bytes.TrimLeft(e, "\x00")) +
			`","kty":"RSA","n":"` + base64url.EncodeToString(key.N.Bytes()) + `"}`
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y
		if err != nil {
			return "", err
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		canonical = `{"crv":"` + key.Curve.Params().Name + `","kty":"EC","x":"` +
			base64url.EncodeToString(x) + `","y":"` + base64url.EncodeToString(y) + `"}`
	case ed25519.PublicKey:
		canonical = `{"crv":"Ed25519","kty":"OKP","x":"` + base64url.EncodeToString(key) + `"}`
	}
	sum := sha256.Sum256([]byte(canonical))
	return base64url.EncodeToString(sum[:]), nil
}
