package mockissuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

const (
	notAllowed = "algorithm_not_allowed"
	unknownKey = "unknown_key"
	forged     = "invalid_signature"
	confusion  = "A verifier that lets the token choose the algorithm takes the public key for a shared secret (RFC 8725, Section 2.1). The secret here is "
	sameSpell  = "The value of alg is compared exactly (RFC 7515, Section 4.1.1). Here it is "
	noRescue   = "The signature is right by the usual algorithm, but the header does not say so: "
	ownKeys    = "A token cannot bring the key that it is checked with (RFC 8725, Sections 3.8 and 3.10). Here it is in "
)

// badAlgorithms are tokens of attackers that want the signature checked by an
// algorithm that isn't allowed, or not checked.
var badAlgorithms = []badToken{
	{"none", malformed, "It is unsigned, and says so (RFC 8725, Section 2.1).", func(f *forger) string {
		return f.signed("none", nil, f.header(members{"alg": "none"}), f.claims(nil))
	}},
	{"none with a signature", notAllowed, "It says that it is unsigned, and has a signature nevertheless.", func(f *forger) string {
		return f.withHeader(members{"alg": "none"})
	}},
	{"None", notAllowed, "It says that it is unsigned, in a spelling that a list of what is forbidden may not have.", func(f *forger) string {
		return f.withHeader(members{"alg": "nOnE"})
	}},
	{"no alg", notAllowed, noRescue + "it has no alg (RFC 7515, Section 4.1.1: it must be there).", func(f *forger) string { return f.withHeader(members{"alg": nil}) }},
	{"alg is null", notAllowed, noRescue + "alg is null.", func(f *forger) string { return f.withHeader(members{"alg": raw("null")}) }},
	{"alg is empty", notAllowed, noRescue + "alg is empty.", func(f *forger) string { return f.withHeader(members{"alg": ""}) }},
	{"alg is a list", notAllowed, noRescue + "alg is an array.", func(f *forger) string { return f.withHeader(members{"alg": []string{f.alg}}) }},
	{"alg in another case", notAllowed, sameSpell + "in another case.", func(f *forger) string {
		if lower := strings.ToLower(f.alg); lower != f.alg {
			return f.withHeader(members{"alg": lower})
		}
		return ""
	}},
	{"alg with a space", notAllowed, sameSpell + "followed by a space.", func(f *forger) string { return f.withHeader(members{"alg": f.alg + " "}) }},
	{"Alg", notAllowed, "Names are compared exactly: Alg is not alg.", func(f *forger) string {
		return f.withHeader(members{"alg": nil, "Alg": f.alg})
	}},
	{"unknown alg", notAllowed, sameSpell + "an undefined one.", func(f *forger) string { return f.withHeader(members{"alg": "RS257"}) }},
	{"another alg of the same key", notAllowed, "The key signs by another algorithm than it is for (RFC 8725, Section 3.1), and than the API allows.", func(f *forger) string {
		for _, alg := range []string{"PS256", "RS512"} {
			if _, ok := f.own.(*rsa.PrivateKey); ok && alg != f.alg {
				return f.signed(alg, f.own, f.header(members{"alg": alg}), f.claims(nil))
			}
		}
		return ""
	}},
	{"alg of another kind of key", notAllowed, "It is signed by ECDSA or RSA with a key of the attacker's, under the kid of a key of another kind.", func(f *forger) string {
		alg := "ES256"
		if algorithms[f.alg].family == jose.ECDSA {
			alg = "EdDSA"
		}
		key, err := algorithms[alg].newKey()
		f.note(err)
		return f.signed(alg, key, f.header(members{"alg": alg}), f.claims(nil))
	}},
	{"HS256 with the public key in PEM", notAllowed, confusion + "the PEM text of the key.", func(f *forger) string {
		return f.withMAC(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: f.publicKey()}), nil)
	}},
	{"HS256 with the public key in DER", notAllowed, confusion + "the DER form of the key.", func(f *forger) string { return f.withMAC(f.publicKey(), nil) }},
	{"HS256 with the public key in PKCS #1", notAllowed, confusion + "the PEM text of the key in PKCS #1.", func(f *forger) string {
		key, ok := f.own.Public().(*rsa.PublicKey)
		if !ok {
			return ""
		}
		return f.withMAC(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)}), nil)
	}},
	{"HS256 with the JWK", notAllowed, confusion + "the JSON text of the key.", func(f *forger) string { return f.withMAC(f.publicJWK(key{id: f.kid, alg: f.alg, private: f.own}), nil) }},
	{"HS256 with nothing", notAllowed, "It is signed by HMAC with an empty secret, as a key that was not found may be read.", func(f *forger) string { return f.withMAC(nil, nil) }},
	{"HS256 by a path", notAllowed, "Its kid is the path of a file with known content (RFC 8725, Section 3.10).", func(f *forger) string {
		return f.withMAC(nil, members{"kid": "../../../../dev/null"})
	}},
	{"HS256 by a query", notAllowed, "Its kid is SQL that makes a database answer with a key of the attacker's.", func(f *forger) string {
		return f.withMAC([]byte("attacker"), members{"kid": "x' UNION SELECT 'attacker"})
	}},
}

// badKeys are tokens signed with a key that isn't the issuer's.
var badKeys = []badToken{
	{"unknown kid", unknownKey, "The issuer has no key of this kid.", func(f *forger) string { return f.strange(members{"kid": "unknown"}) }},
	{"kid in another case", unknownKey, "A kid is compared exactly (RFC 7515, Section 4.1.4).", func(f *forger) string {
		if upper := strings.ToUpper(f.kid); upper != f.kid {
			return f.withHeader(members{"kid": upper})
		}
		return ""
	}},
	{"kid is a number", malformed, "A kid is a string (RFC 7515, Section 4.1.4).", func(f *forger) string { return f.withHeader(members{"kid": 1}) }},
	{"kid is null", malformed, "A kid is a string (RFC 7515, Section 4.1.4).", func(f *forger) string { return f.withHeader(members{"kid": raw("null")}) }},
	{"huge kid", malformed, "Its kid has 16 KiB: it would fill logs and caches.", func(f *forger) string { return f.strange(members{"kid": strings.Repeat("k", 16<<10)}) }},
	{"kid with line breaks", unknownKey, "Its kid would write a line of its own into a log or a header field.", func(f *forger) string {
		return f.strange(members{"kid": "x\r\nSet-Cookie: a=b"})
	}},
	{"stranger's key", forged, "It is signed with a stranger's key under the kid of the issuer's.", func(f *forger) string { return f.strange(nil) }},
	{"stranger's key without a kid", forged, "It is signed with a stranger's key, and names none.", func(f *forger) string { return f.strange(members{"kid": nil}) }},
	{"jwk", forged, ownKeys + "jwk.", func(f *forger) string {
		return f.strange(members{"jwk": raw(string(f.publicJWK(key{id: f.kid, alg: f.alg, private: f.stranger})))})
	}},
	{"jwk without a kid", forged, ownKeys + "jwk, and no kid names another.", func(f *forger) string {
		return f.strange(members{"kid": nil, "jwk": raw(string(f.publicJWK(key{alg: f.alg, private: f.stranger})))})
	}},
	{"jku", unknownKey, ownKeys + "the key set at jku, which must not be fetched.", func(f *forger) string {
		return f.strange(members{"kid": "attacker", "jku": "https://attacker.invalid/jwks.json"})
	}},
	{"x5u", unknownKey, ownKeys + "the certificate at x5u, which must not be fetched.", func(f *forger) string {
		return f.strange(members{"kid": "attacker", "x5u": "https://attacker.invalid/cert.pem"})
	}},
	{"x5c", forged, ownKeys + "the certificate in x5c, which is signed by itself.", func(f *forger) string {
		return f.strange(members{"x5c": []string{f.certificate()}})
	}},
}

const changed = "The signature is of other bytes: "

// badSignatures are tokens whose signature is of the right key but not of the
// token, or is empty.
var badSignatures = []badToken{
	{"claims changed", forged, changed + "a permission was added to the claims.", func(f *forger) string {
		h, _, s := f.parts()
		return h + "." + encode([]byte(f.claims(members{"permissions": []string{"admin"}}))) + "." + s
	}},
	{"header changed", forged, changed + "a member was added to the header.", func(f *forger) string {
		_, p, s := f.parts()
		return encode([]byte(f.header(members{"x": 1}))) + "." + p + "." + s
	}},
	{"bit changed", forged, "One bit of the signature is another.", func(f *forger) string {
		return f.resign(func(s []byte) []byte { s[len(s)/2] ^= 1; return s })
	}},
	{"zeros", forged, "The signature is all zeros, of the right length: ECDSA that forgets to look finds it good for everything.", func(f *forger) string {
		return f.resign(func(s []byte) []byte { clear(s); return s })
	}},
	{"signature cut", forged, "The last byte of the signature is missing.", func(f *forger) string {
		return f.resign(func(s []byte) []byte { return s[:len(s)-1] })
	}},
	{"signature with a byte more", forged, "The signature has a zero byte more in front (RFC 8017, Section 8.2.2: the length must be that of the key).", func(f *forger) string {
		return f.resign(func(s []byte) []byte { return append([]byte{0}, s...) })
	}},
	{"signature of a byte", forged, "The signature is one byte long.", func(f *forger) string {
		return f.resign(func([]byte) []byte { return []byte{1} })
	}},
	{"huge signature", forged, "The signature has 4 KiB.", func(f *forger) string {
		return f.resign(func([]byte) []byte { return []byte(strings.Repeat("s", 4<<10)) })
	}},
}

// strange returns a token signed with the stranger's key.
func (f *forger) strange(header members) string {
	return f.signed(f.alg, f.stranger, f.header(header), f.claims(nil))
}

// resign changes a good token's signature.
func (f *forger) resign(change func([]byte) []byte) string {
	h, p, s := f.parts()
	signature, err := base64.RawURLEncoding.DecodeString(s)
	f.note(err)
	return h + "." + p + "." + encode(change(signature))
}

func (f *forger) publicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(f.own.Public())
	f.note(err)
	return der
}

func (f *forger) publicJWK(k key) []byte {
	public, err := k.jwk()
	f.note(err)
	text, err := json.Marshal(public)
	f.note(err)
	return text
}

func (f *forger) certificate() string {
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "attacker.invalid"},
		NotBefore:    time.Unix(f.now, 0),
		NotAfter:     time.Unix(f.now, 0).AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, f.stranger.Public(), f.stranger)
	f.note(err)
	return base64.StdEncoding.EncodeToString(der)
}
