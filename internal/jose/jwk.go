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

// A jwkMembers holds the members of a JWK that are used. A missing one has no
// kind. All others are ignored (RFC 7517, Section 4), including certificates.
// The hashes of certificates, which some issuers misspell, are used as names
// alone.
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
		// Private and symmetric keys have these (RFC 7518, Sections 6.2.2,
		// 6.3.2 and 6.4.1). An issuer that publishes one has disclosed the key.
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
			m.private = o.Member.Name
		}
	}
	return m, o.Err()
}

// parse applies the rules for the members of an unknown key, the cheapest
// first.
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

// describe reads the members that describe a key. It needs no arithmetic.
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

// ErrOtherPurpose is the reason to leave out a key that is not for signatures,
// such as one for encryption. Many issuers publish one. It is no problem.
var ErrOtherPurpose = errors.New("a key for another purpose")

// An otherPurposeError is an ErrOtherPurpose that names the purpose.
type otherPurposeError struct{ text string }

func (e *otherPurposeError) Error() string { return e.text }
func (e *otherPurposeError) Unwrap() error { return ErrOtherPurpose }

// checkPurpose reads the purpose of a key (RFC 7517, Sections 4.2 and 4.3).
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

// checkType returns an error if a key's type or curve is unknown.
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

// ecCurve returns the curve of an EC key, or nil if it is unknown.
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

// fits reports whether a key past checkType has the type and curve of alg. It
// ignores the parameters.
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

// parameters are those of a public key in a checked form. Each has its length,
// and numbers have no leading zeros.
type parameters struct {
	curve elliptic.Curve // of an EC key
	n, e  []byte         // of an RSA key
	x, y  []byte         // of an EC key; x alone of an Ed25519 key
}

// parameters reads the parameters of a key past checkType.
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

// byLibrary loads the keys of a set. The JOSE library gets a JWK that is
// written anew, with only the parameters of the public key, each in its
// canonical form. How the library reads members that repeat, differ by case or
// have too few or too many digits is then irrelevant.
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
// request, such as those of DPoP proofs. The library takes a fifth of the time
// of a signature check.
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
		// check it again.
		return &ecdsa.PublicKey{Curve: p.curve, X: x, Y: y}, nil //nolint:staticcheck // see above
	}
	return ed25519.PublicKey(p.x), nil
}

// maxModulus is in bytes: 8192 bits.
const maxModulus = 1 << 10

// parameter reads a parameter of exactly size bytes (RFC 7518, Section 6.2.1.2;
// RFC 8037, Section 2).
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
// Section 2, Base64urlUInt). It removes leading zeros, which that section
// forbids but some issuers write.
func integerParameter(v Value, name string, size int) ([]byte, error) {
	text, ok := v.Text()
	if !ok {
		return nil, fmt.Errorf("%q is not a string", name)
	}
	const zeros = 8 // as many as are accepted
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
