package forge

import (
	"encoding/base64"
	"strings"
)

func headers() *suite {
	s := newSuite("headers", "Header members: crit, b64, keys in the header, kid, typ's form, and members that must be ignored.")
	const crit = "RFC 7515, Section 4.1.11: what is critical must be understood, and no extension is"

	for _, text := range []string{`["b64"]`, `["exp"]`, `["http://example.com/UNDEFINED"]`, `[]`, `null`, `"exp"`, `true`, `["alg"]`, `["exp","exp"]`, `{}`, `[""]`, `[1]`} {
		s.refuse("token_malformed", "crit is "+text, crit, head("crit", text), head("exp", "1767229200"))
	}
	s.refuse("token_malformed", "crit and b64 true", crit, head("crit", `["b64"]`), head("b64", "true"))
	s.accept("CRIT is another name", "RFC 7515, Sections 4 and 5.3: names are compared as they are, and others are ignored", head("CRIT", `["exp"]`))
	s.accept("an unknown member", "RFC 7515, Section 4: others are ignored", head("http://example.com/ext", `{"a":[1,2,{"b":null}]}`))
	s.accept("exp in the header", "RFC 7519, Section 5.3: what a copy in the header means is left to applications, and here it is not read", head("exp", "1"))
	s.accept("crit in the payload", "RFC 7515, Section 4.1.11: it is a header's", claim("crit", `["exp"]`))

	const b64Why = "RFC 7797, Section 7: not false in a JWT, and true is what its absence says"
	s.accept("b64 true", b64Why, head("b64", "true"))
	for _, text := range []string{"false", `"true"`, `"false"`, "null", "0", "1", "[]"} {
		s.refuse("token_malformed", "b64 "+text, b64Why, head("b64", text))
	}
	s.refuse("token_malformed", "b64 false, and the payload as it is", b64Why, head("b64", "false"), head("crit", `["b64"]`), edited(func(t string) string {
		parts := strings.Split(t, ".")
		input := parts[0] + "." + string(mustDecode(parts[1]))
		return input + "." + b64(sign(rsaKey1(), "RS256", []byte(input)))
	}))

	// Keys in the header: the attacker's own with the attacker's signature, or
	// a request to trust it.
	const (
		brought = "RFC 8725, Section 3.8: the key is the issuer's, not one that the token brings"
		fetched = "RFC 8725, Section 3.10: nothing is fetched because a token says so"
	)
	other := otherRSA()
	cert := quote(base64.StdEncoding.EncodeToString(other.rsa.certificate()))
	for _, m := range []member{
		{"jwk", jwk(other)},
		{"jwk", jwk(other, member{"kid", `"rsa"`})},
		{"jku", `"https://attacker.example/jwks.json"`},
		{"jku", `"http://127.0.0.1:1/jwks.json"`},
		{"jku", `"file:///etc/passwd"`},
		{"jku", `"https://tenant.example.com@attacker.example/jwks.json"`},
		{"x5u", `"https://attacker.example/cert.pem"`},
		{"x5u", `"http://169.254.169.254/latest/meta-data/"`},
		{"x5c", "[" + cert + "]"},
		{"x5t", `"dGhpcyBpcyBhIFNIQTEgdGVzdCE"`},
		{"x5t#S256", `"bm90IGEgcmVhbCBTSEEtMjU2IHRodW1icHJpbnQgYXQ"`},
	} {
		embedded, name := brought, m.name+" "+shorten(m.raw)
		if m.name == "jku" || m.name == "x5u" {
			embedded = fetched
		}
		s.refuse("invalid_signature", name+", signed by it", embedded, by("RS256", otherRSA), head(m.name, m.raw))
		s.refuse("unknown_key", name+", signed by it, with its kid", embedded, by("RS256", otherRSA), head("kid", `"other"`), head(m.name, m.raw))
		s.accept(name+", signed by the issuer", "RFC 7515, Section 4: not used, so not in the way", head(m.name, m.raw))
	}
	s.refuse("invalid_signature", "jwk and no kid, signed by it", brought, by("RS256", otherRSA), headWithout("kid"), head("jwk", jwk(other)), onlyRSA)
	s.accept("jwk that is no key, signed by the issuer", "not used, so not in the way", head("jwk", `"nonsense"`))

	// kid
	const kid = "RFC 7515, Section 4.1.4: kid is a string"
	for _, text := range []string{"null", "1", "true", `["rsa"]`, `{"kid":"rsa"}`, "[]"} {
		s.refuse("token_malformed", "kid is "+text, kid, head("kid", text))
	}
	const opaqueKid = "RFC 8725, Section 3.10: a kid is compared, and used for nothing more"
	for _, k := range []string{
		"RSA", "rsa ", " rsa", "rsa\x00", "rs", "rsaa", "rsa\n", "../../../../dev/null", "/dev/null", "' OR '1'='1", "rsa' UNION SELECT 'key", "rsa; rm -rf /",
		"https://attacker.example/key", "rsa\r\nSet-Cookie: admin=1", "\"><script>alert(1)</script>", "{{.Key}}", "${jndi:ldap://attacker.example/a}", "%00", "r\u0455a", "\u202ersa", "0",
	} {
		s.refuse("unknown_key", "kid is "+quote(k), opaqueKid, head("kid", quote(k)))
	}
	s.refuse("unknown_key", "kid of 2,000 bytes", opaqueKid, head("kid", quote(strings.Repeat("k", 2000))))
	s.accept("kid is empty", "an empty kid names no key: like none", head("kid", `""`))
	s.accept("kid written with an escape", "RFC 8259, Sections 7 and 8.3: the same string", head("kid", `"\u0072sa"`))
	odd := "a/b\"c\\d e\u00e9\u4e2d%2F"
	s.accept("kid with odd characters", opaqueKid, head("kid", quote(odd)), keySet("odd kid", jwks(jwk(rsaKey1(), member{"kid", quote(odd)}))))
	s.accept("KID beside kid", "RFC 7515, Section 5.3: names are compared as they are", head("KID", `"other"`))
	s.accept("no kid, one key", "RFC 7515, Section 4.1.4: kid is optional", headWithout("kid"), onlyRSA)
	s.accept("no kid, several keys, one of which fits", "RFC 7515, Appendix D: without a kid, the keys that fit are tried", headWithout("kid"))
	s.refuse("invalid_signature", "no kid, several keys, none of which signed", "RFC 7515, Appendix D", headWithout("kid"), by("RS256", otherRSA))
	s.accept("no kid, ES256", "RFC 7515, Appendix D", signed("ES256", p256Key), headWithout("kid"))
	s.refuse("algorithm_not_allowed", "no kid, and no key fits alg", algFit, signed("ES256", p256Key), headWithout("kid"), onlyRSA)

	// Other members of other types: not looked at.
	for _, m := range []member{{"cty", `"text/plain"`}, {"cty", "1"}, {"zip", `"none"`}, {"iss", `"https://attacker.example/"`}, {"aud", `"other"`}, {"nonce", `"n"`}, {"sub", "null"}, {"", `"empty name"`}} {
		s.accept("header "+m.name+" is "+m.raw, "RFC 7515, Section 4: others are ignored", head(m.name, m.raw))
	}
	return s
}

var onlyRSA = keySet("one RSA key", jwks(jwk(rsaKey1())))

func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
