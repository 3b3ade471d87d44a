package forge

import (
	"crypto"
	"crypto/hmac"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

const (
	none     = "RFC 8725, Sections 2.1 and 3.2: an unsigned token is not a token"
	algCase  = "RFC 7515, Section 4.1.1: alg is a case-sensitive string"
	algAllow = "RFC 8725, Section 3.1: only algorithms on the list"
	algFit   = "RFC 8725, Section 3.1: each key is used with one algorithm"
)

// signers are the algorithms, each with a key of the standard set.
var signers = []struct {
	alg string
	k   func() *key
}{
	{"RS256", rsaKey1}, {"RS384", rsaKey1}, {"RS512", rsaKey1}, {"PS256", rsaKey1}, {"PS384", rsaKey1}, {"PS512", rsaKey1},
	{"ES256", p256Key}, {"ES384", p384Key}, {"ES512", p521Key}, {"EdDSA", edKey},
	{"Ed25519", edKey}, {"ESP256", p256Key}, {"ESP384", p384Key}, {"ESP512", p521Key},
}

func algorithms() *suite {
	s := newSuite("algorithms", "The alg header: which are accepted, and everything that only looks like one (RFC 8725, Section 3.1).")

	s.accept("RS256 by default", "RS256 is allowed if nothing is said")
	for _, a := range signers {
		s.accept(a.alg+" allowed", "RFC 7518, Section 3.1, and RFC 8037, Section 3.1", signed(a.alg, a.k))
		if a.alg == "RS256" {
			continue
		}
		s.refuse("algorithm_not_allowed", a.alg+" by default", algAllow, signed(a.alg, a.k), allow())
		s.refuse("algorithm_not_allowed", a.alg+" where RS256 is allowed", algAllow, signed(a.alg, a.k), allow("RS256"))
		s.accept(a.alg+" among several", algAllow, signed(a.alg, a.k), allow("RS256", a.alg))
	}
	s.refuse("algorithm_not_allowed", "RS256 where ES256 is allowed", algAllow, allow("ES256"))
	s.refuse("algorithm_not_allowed", "RS256 where all but it are allowed", algAllow,
		allow("RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"))

	// RFC 9864: two names of one algorithm.
	for _, names := range []struct {
		older, newer, section string
		k                     func() *key
	}{{"EdDSA", "Ed25519", "2.2", edKey}, {"ES256", "ESP256", "2.1", p256Key}, {"ES384", "ESP384", "2.1", p384Key}, {"ES512", "ESP512", "2.1", p521Key}} {
		algNames := "RFC 9864, Section " + names.section + ": another name for it, and only those on the list are allowed"
		algKey := "RFC 9864, Section " + names.section + ": two names of one algorithm, which the key is for"
		s.refuse("algorithm_not_allowed", names.newer+" where "+names.older+" is allowed", algNames, signed(names.newer, names.k), allow(names.older))
		s.refuse("algorithm_not_allowed", names.older+" where "+names.newer+" is allowed", algNames, signed(names.older, names.k), allow(names.newer))
		for _, alg := range []string{names.older, names.newer} {
			for _, says := range []string{names.older, names.newer} {
				s.accept(alg+" with a key that says "+says, algKey, signed(alg, names.k), keySet("a key that says "+says, jwks(jwk(names.k(), member{"alg", quote(says)}))))
			}
		}
	}

	for _, spelling := range []string{"none", "None", "NONE", "nOnE", "nonE", "none ", " none", "none\x00", "null", "undefined", ""} {
		s.refuse("algorithm_not_allowed", "unsigned, alg "+quote(spelling)+", one byte of signature", none,
			head("alg", quote(spelling)), signature(func(string) []byte { return []byte{0} }))
		s.refuse("algorithm_not_allowed", "alg "+quote(spelling)+" over a good signature", none, head("alg", quote(spelling)))
	}
	s.refuse("token_malformed", "unsigned, alg none, empty signature", "RFC 7515, Section 7.1: three parts", head("alg", `"none"`), signature(func(string) []byte { return nil }))
	s.refuse("token_malformed", "unsigned, alg RS256, empty signature", "RFC 7515, Section 7.1: three parts", signature(func(string) []byte { return nil }))

	for _, spelling := range []string{
		"rs256", "Rs256", "RS256 ", " RS256", "RS256\x00", "RS256\n", "RS257", "RS25", "RS2560", "RS", "RSA", "RS256,RS384", "RSA256",
		"SHA256withRSA", "RSASSA-PKCS1-v1_5", "RS1", "RS224", "RSA1_5", "RSA-OAEP", "R\u0455256", "\uff32\uff33256", "RS\u200b256", "*", "any",
	} {
		s.refuse("algorithm_not_allowed", "alg "+quote(spelling)+" over a good RS256 signature", algCase, head("alg", quote(spelling)))
	}
	for _, text := range []string{`null`, `256`, `true`, `["RS256"]`, `{"alg":"RS256"}`, `[]`} {
		s.refuse("algorithm_not_allowed", "alg is "+text, "RFC 7515, Section 4.1.1: alg is a string", head("alg", text))
	}
	s.refuse("algorithm_not_allowed", "no alg", "RFC 7515, Section 4.1.1: alg is there", headWithout("alg"))
	s.refuse("algorithm_not_allowed", "only ALG", "RFC 7515, Section 5.3: names are compared as they are", headWithout("alg"), head("ALG", `"RS256"`))
	s.accept("ALG beside alg", "RFC 7515, Section 4: other names are ignored", head("ALG", `"none"`))
	s.accept("alg written with an escape", "RFC 8259, Sections 7 and 8.3: the same string", head("alg", `"\u0052S256"`))
	s.accept("the name alg written with an escape", "RFC 8259, Sections 7 and 8.3: the same string", header(`{"\u0061lg":"RS256","typ":"JWT","kid":"rsa"}`))

	for _, alg := range []string{"ES256K", "ES224", "ed25519", "ED25519", "Ed25519ph", "Ed448", "ESP256 ", "esp256", "ESP521", "ESB256", "EDDSA", "eddsa", "ML-DSA-65", "BS256", "A128KW", "dir", "HS1", "XS256"} {
		s.refuse("algorithm_not_allowed", "alg "+alg, algAllow, head("alg", quote(alg)))
	}
	// A key that fits alg by name only.
	for _, c := range []struct {
		alg string
		k   func() *key
		as  string // the kid that is named
	}{
		{"ES256", p256Key, "rsa"}, {"ES256", p256Key, "p384"}, {"ES256", p256Key, "p521"}, {"ES256", p256Key, "ed"},
		{"ES384", p384Key, "p256"}, {"ES384", p384Key, "p521"}, {"ES384", p384Key, "rsa"}, {"ES512", p521Key, "p256"},
		{"ES512", p521Key, "p384"}, {"ES512", p521Key, "ed"}, {"EdDSA", edKey, "rsa"}, {"EdDSA", edKey, "p256"},
		{"Ed25519", edKey, "rsa"}, {"Ed25519", edKey, "p256"}, {"ESP256", p256Key, "p384"}, {"ESP256", p256Key, "ed"}, {"ESP384", p384Key, "p256"}, {"ESP512", p521Key, "rsa"},
		{"RS256", rsaKey1, "p256"}, {"RS256", rsaKey1, "ed"}, {"PS256", rsaKey1, "p256"}, {"PS256", rsaKey1, "ed"},
		{"RS384", rsaKeyAlg, "rsa-rs256"}, {"RS512", rsaKeyAlg, "rsa-rs256"}, {"PS256", rsaKeyAlg, "rsa-rs256"}, {"PS512", rsaKeyAlg, "rsa-rs256"},
	} {
		s.refuse("algorithm_not_allowed", c.alg+" with the kid of "+c.as, algFit, signed(c.alg, c.k), head("kid", quote(c.as)))
	}
	s.accept("RS256 with the key that says RS256", algFit, signed("RS256", rsaKeyAlg))
	s.refuse("invalid_signature", "PS256 signature called RS256", algFit, by("PS256", rsaKey1))
	s.refuse("invalid_signature", "RS384 signature called RS256", algFit, by("RS384", rsaKey1))
	s.refuse("invalid_signature", "RS256 signature called PS256", algFit, signed("PS256", rsaKey1), by("RS256", rsaKey1))
	s.refuse("invalid_signature", "RS256 signature called RS512", algFit, signed("RS512", rsaKey1), by("RS256", rsaKey1))
	s.refuse("invalid_signature", "PS384 signature called PS256", algFit, signed("PS256", rsaKey1), by("PS384", rsaKey1))
	return s
}

// publicEncodings are the ways in which a public RSA key may be taken for a
// secret.
func publicEncodings() []struct {
	name   string
	secret []byte
} {
	k := rsaKey1().rsa
	pkix, err := x509.MarshalPKIXPublicKey(k.std())
	if err != nil {
		panic(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(k.std())
	cert := k.certificate()
	armor := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	pkixPEM := armor("PUBLIC KEY", pkix)
	return []struct {
		name   string
		secret []byte
	}{
		{"PKIX PEM", pkixPEM},
		{"PKIX PEM without its last newline", []byte(strings.TrimSuffix(string(pkixPEM), "\n"))},
		{"PKIX PEM with CRLF", []byte(strings.ReplaceAll(string(pkixPEM), "\n", "\r\n"))},
		{"PKIX PEM in one line", []byte(strings.ReplaceAll(string(pkixPEM), "\n", ""))},
		{"PKIX PEM after a space", append([]byte(" "), pkixPEM...)},
		{"PKIX DER", pkix},
		{"PKIX DER in base64", []byte(base64.StdEncoding.EncodeToString(pkix))},
		{"PKCS #1 PEM", armor("RSA PUBLIC KEY", pkcs1)},
		{"PKCS #1 DER", pkcs1},
		{"certificate PEM", armor("CERTIFICATE", cert)},
		{"certificate DER", cert},
		{"certificate in x5c form", []byte(base64.StdEncoding.EncodeToString(cert))},
		{"modulus", k.n.Bytes()},
		{"modulus with a leading zero", append([]byte{0}, k.n.Bytes()...)},
		{"modulus in base64url", []byte(b64(k.n.Bytes()))},
		{"modulus in decimal", []byte(k.n.String())},
		{"modulus in hexadecimal", []byte(k.n.Text(16))},
		{"JWK", []byte(jwk(rsaKey1()))},
		{"JWK set", []byte(standard())},
		{"kid", []byte("rsa")},
		{"empty string", nil},
	}
}

func keyConfusion() *suite {
	s := newSuite("key-confusion", "A public key taken for an HMAC secret, in every encoding (RFC 8725, Section 2.1).")
	const why = "RFC 8725, Section 2.1: a public key is no HMAC secret"

	mac := func(h crypto.Hash, secret []byte) option {
		return signature(func(input string) []byte {
			m := hmac.New(h.New, secret)
			m.Write([]byte(input))
			return m.Sum(nil)
		})
	}
	for _, e := range publicEncodings() {
		s.refuse("algorithm_not_allowed", "HS256 with "+e.name, why, head("alg", `"HS256"`), mac(crypto.SHA256, e.secret))
		s.refuse("invalid_signature", "HS256 signature called RS256, with "+e.name, why, mac(crypto.SHA256, e.secret))
	}
	pkix := publicEncodings()[0].secret
	s.refuse("algorithm_not_allowed", "HS384 with PKIX PEM", why, head("alg", `"HS384"`), mac(crypto.SHA384, pkix))
	s.refuse("algorithm_not_allowed", "HS512 with PKIX PEM", why, head("alg", `"HS512"`), mac(crypto.SHA512, pkix))
	for _, spelling := range []string{"hs256", "HS256 ", "Hs256", "HS2\u200b56"} {
		s.refuse("algorithm_not_allowed", "alg "+quote(spelling)+" with PKIX PEM", why, head("alg", quote(spelling)), mac(crypto.SHA256, pkix))
	}
	s.refuse("algorithm_not_allowed", "HS256 without a kid", why, head("alg", `"HS256"`), headWithout("kid"), mac(crypto.SHA256, pkix))

	oct := `{"kty":"oct","kid":"shared","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	shared, err := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err != nil {
		panic(err)
	}
	withOct := keySet("with a symmetric key", jwks(oct, jwk(rsaKey1())))
	s.refuse("algorithm_not_allowed", "HS256 with a symmetric key of the set", why, head("alg", `"HS256"`), head("kid", `"shared"`), mac(crypto.SHA256, shared), withOct)
	s.refuse("unknown_key", "RS256 with a symmetric key of the set", why, head("kid", `"shared"`), mac(crypto.SHA256, shared), withOct)
	s.accept("RS256 beside a symmetric key in the set", "RFC 7517, Section 5: other keys stay usable", withOct)
	return s
}
