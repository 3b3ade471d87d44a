package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// A jwkMembers holds the members of a JWK that matter here, each of no kind if
// there is none. All others are ignored, as RFC 7517, Section 4 requires:
// certificates among them. Their hashes, which issuers are known to misspell,
// are names and nothing else.
type jwkMembers struct {
	kty, crv, x, y, n, e          Value
	use, keyOps, alg, kid, issuer Value
	x5t, x5tS256                  Value

	private string // the name of a member that no public key has, if there is one
}

func readJWK(text string) (m jwkMembers, err error) {
	var o Object
	o.Open(text, TokenLimits)
	for o.Next() {
		v := o.Member.Value
		switch o.Member.Name {
		case "kty":
			m.kty = v
		case "crv":
			m.crv = v
		case "x":
			m.x = v
		case "y":
			m.y = v
		case "n":
			m.n = v
		case "e":
			m.e = v
		case "use":
			m.use = v
		case "key_ops":
			m.keyOps = v
		case "alg":
			m.alg = v
		case "kid":
			m.kid = v
		case "issuer":
			m.issuer = v
		case "x5t":
			m.x5t = v
		case "x5t#S256":
			m.x5tS256 = v
		// Those of private and symmetric keys (RFC 7518, Sections 6.2.2, 6.3.2
		// and 6.4.1). Whatever publishes one has told the key to everybody.
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
			m.private = o.Member.Name
		}
	}
	return m, o.Err()
}

// parse applies the rules for a key of which nothing is known but its members,
// in the order of what they cost.
func (m *jwkMembers) parse(load func(parameters) (crypto.PublicKey, error)) (Key, error) {
	key, err := m.describe()
	if err != nil {
		return Key{}, err
	}
	p, err := m.parameters()
	if err != nil {
		return Key{}, err
	}
	if key.Public, err = load(p); err != nil {
		return Key{}, err
	}
	if err := CheckPublicKey(key.Public); err != nil {
		return Key{}, err
	}
	return key, nil
}

// describe reads what a key says of itself. It needs no arithmetic.
func (m *jwkMembers) describe() (key Key, err error) {
	if m.private != "" {
		return Key{}, fmt.Errorf("not a public key: it has %q", m.private)
	}
	if err := m.checkPurpose(); err != nil {
		return Key{}, err
	}
	if m.kid.Kind() != KindNone {
		var ok bool
		if key.ID, ok = m.kid.Text(); !ok {
			return Key{}, fmt.Errorf(`"kid" is %v, want a string`, m.kid.Kind())
		}
	}
	if err := m.checkType(); err != nil {
		return Key{}, err
	}
	if m.alg.Kind() == KindNone {
		return key, nil
	}
	key.Algorithm, _ = m.alg.Text()
	switch {
	case isForEncryption(key.Algorithm):
		return Key{}, &otherPurposeError{fmt.Sprintf(`"alg" is %.32q`, m.alg.Raw())}
	case !Known(key.Algorithm):
		return Key{}, fmt.Errorf(`"alg" is %.32q`, m.alg.Raw())
	case !m.fits(key.Algorithm):
		return Key{}, fmt.Errorf(`"alg" is %q, for which it is the wrong type or curve`, key.Algorithm)
	}
	return key, nil
}

// ErrOtherPurpose is the reason to leave out a key that says that it is for
// something else than signatures, such as encryption. Many issuers publish one.
// It is nothing to worry about.
var ErrOtherPurpose = errors.New("a key for another purpose")

// An otherPurposeError is an ErrOtherPurpose that says which.
type otherPurposeError struct{ text string }

func (e *otherPurposeError) Error() string { return e.text }
func (e *otherPurposeError) Unwrap() error { return ErrOtherPurpose }

// checkPurpose reads what a key says that it is for (RFC 7517, Sections 4.2 and
// 4.3).
func (m *jwkMembers) checkPurpose() error {
	if m.use.Kind() != KindNone {
		switch use, _ := m.use.Text(); use {
		case "sig":
		case "jwt-svid": // for JWTs, in a SPIFFE bundle, which has x509-svid besides
		case "enc", "x509-svid":
			return &otherPurposeError{fmt.Sprintf(`"use" is %.32q`, m.use.Raw())}
		default:
			return fmt.Errorf(`"use" is %.32q`, m.use.Raw())
		}
	}
	if m.keyOps.Kind() == KindNone {
		return nil
	}
	if !m.keyOps.IsTexts() {
		return errors.New(`"key_ops" is not an array of strings`)
	}
	others := m.keyOps.Len() > 0
	for operation := range m.keyOps.All() {
		switch text, _ := operation.Text(); text {
		case "verify":
			return nil
		case "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits":
		default:
			others = false
		}
	}
	if others {
		return &otherPurposeError{`"key_ops" is without "verify"`}
	}
	return errors.New(`"key_ops" is without "verify"`)
}

// isForEncryption reports whether alg encrypts keys with a public one (RFC 7518,
// Section 4.1).
func isForEncryption(alg string) bool {
	return strings.HasPrefix(alg, "RSA-OAEP") || strings.HasPrefix(alg, "ECDH-ES") || alg == "RSA1_5"
}

// checkType reports why a key's type or curve is none that is known.
func (m *jwkMembers) checkType() error {
	switch {
	case m.kty.Is("RSA"):
		return nil
	case m.kty.Is("EC"):
		if m.ecCurve() == nil {
			return fmt.Errorf(`"crv" is %.32q`, m.crv.Raw())
		}
		return nil
	case m.kty.Is("OKP"):
		if !m.crv.Is("Ed25519") {
			return fmt.Errorf(`"crv" is %.32q`, m.crv.Raw())
		}
		return nil
	}
	return fmt.Errorf(`"kty" is %.32q`, m.kty.Raw())
}

// ecCurve is the curve of an EC key, nil if it is unknown.
func (m *jwkMembers) ecCurve() elliptic.Curve {
	switch {
	case m.crv.Is("P-256"):
		return elliptic.P256()
	case m.crv.Is("P-384"):
		return elliptic.P384()
	case m.crv.Is("P-521"):
		return elliptic.P521()
	}
	return nil
}

// fits reports whether a key past checkType is of the type and curve that alg
// is for. What its parameters are doesn't matter.
func (m *jwkMembers) fits(alg string) bool {
	a := algorithm(alg)
	switch {
	case m.kty.Is("RSA"):
		return a.Family == PKCS1 || a.Family == PSS
	case m.kty.Is("EC"):
		return a.Family == ECDSA && m.ecCurve() == a.Curve
	}
	return a.Family == EdDSA
}

// parameters are those of a public key, whose form has been checked: each has
// its length, and numbers have no leading zeros.
type parameters struct {
	curve elliptic.Curve // of an EC key
	n, e  []byte         // of an RSA key
	x, y  []byte         // of an EC key; x alone of an Ed25519 key
}

// parameters reads those of a key past checkType.
func (m *jwkMembers) parameters() (p parameters, err error) {
	switch {
	case m.kty.Is("RSA"):
		if p.n, err = integerParameter(m.n, "n", maxModulus); err != nil {
			return parameters{}, err
		}
		p.e, err = integerParameter(m.e, "e", 4)
	case m.kty.Is("EC"):
		p.curve = m.ecCurve()
		size := (p.curve.Params().BitSize + 7) / 8
		if p.x, err = parameter(m.x, "x", size); err != nil {
			return parameters{}, err
		}
		p.y, err = parameter(m.y, "y", size)
	default:
		p.x, err = parameter(m.x, "x", ed25519.PublicKeySize)
	}
	return p, err
}

// byLibrary is how the keys of a set are loaded, now and then. The JOSE library
// gets to see a JWK that is written anew, with nothing but the parameters of
// the public key, each in its one right form: how it reads members that repeat,
// differ by case, lack digits or hold too many doesn't matter then.
func (p parameters) byLibrary() (public crypto.PublicKey, err error) {
	encode := base64url.EncodeToString
	var text string
	switch {
	case p.n != nil:
		text = `{"kty":"RSA","n":"` + encode(p.n) + `","e":"` + encode(p.e) + `"}`
	case p.curve != nil:
		text = `{"kty":"EC","crv":"` + p.curve.Params().Name + `","x":"` + encode(p.x) + `","y":"` + encode(p.y) + `"}`
	default:
		text = `{"kty":"OKP","crv":"Ed25519","x":"` + encode(p.x) + `"}`
	}
	parsed, err := jwk.ParseKey([]byte(text))
	if err != nil {
		return nil, err
	}
	err = parsed.Raw(&public)
	return public, err
}

// directly loads a key without the library. It is for keys that come with each
// request, as those of DPoP proofs do: the way through the library costs a
// fifth of a signature check.
func (p parameters) directly() (crypto.PublicKey, error) {
	switch {
	case p.n != nil:
		exponent := 0
		for _, b := range p.e {
			exponent = exponent<<8 | int(b)
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(p.n), E: exponent}, nil
	case p.curve != nil:
		x, y := new(big.Int).SetBytes(p.x), new(big.Int).SetBytes(p.y)
		// The caller checks the point. ecdsa.ParseUncompressedPublicKey would
		// check it a second time.
		return &ecdsa.PublicKey{Curve: p.curve, X: x, Y: y}, nil //nolint:staticcheck // see above
	}
	return ed25519.PublicKey(p.x), nil
}

// maxModulus is in bytes: 8192 bits.
const maxModulus = 1 << 10

// parameter reads a parameter that has exactly size bytes (RFC 7518, Section
// 6.2.1.2; RFC 8037, Section 2).
func parameter(v Value, name string, size int) ([]byte, error) {
	text, ok := v.Text()
	if !ok {
		return nil, fmt.Errorf("%q is not a string", name)
	}
	if len(text) != base64url.EncodedLen(size) {
		return nil, fmt.Errorf("%q has %d characters, not %d", name, len(text), base64url.EncodedLen(size))
	}
	decoded := make([]byte, size)
	if !decodeInto(decoded, text) {
		return nil, fmt.Errorf("%q is not base64url", name)
	}
	return decoded, nil
}

// integerParameter reads an unsigned integer of at most size bytes (RFC 7518,
// Section 2, Base64urlUInt). Leading zeros, against that section but common,
// are taken off.
func integerParameter(v Value, name string, size int) ([]byte, error) {
	text, ok := v.Text()
	if !ok {
		return nil, fmt.Errorf("%q is not a string", name)
	}
	const zeros = 8 // as many as are forgiven
	if len(text) > base64url.EncodedLen(size+zeros) {
		return nil, fmt.Errorf("%q has %d characters, over %d", name, len(text), base64url.EncodedLen(size+zeros))
	}
	decoded := make([]byte, base64url.DecodedLen(len(text)))
	if !decodeInto(decoded, text) {
		return nil, fmt.Errorf("%q is not base64url", name)
	}
	for len(decoded) > 0 && decoded[0] == 0 {
		decoded = decoded[1:]
	}
	if len(decoded) == 0 || len(decoded) > size {
		return nil, fmt.Errorf("%q is a number of %d bytes, not 1 to %d", name, len(decoded), size)
	}
	return decoded, nil
}
