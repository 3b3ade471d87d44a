package forge

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"math/big"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

func keySetCases() *suite {
	s := newSuite("key-sets", "Key sets: unusable keys are left out one by one, and the others stay (RFC 7517, Section 5).")
	const (
		others   = "RFC 7517, Section 5: a key that is not understood is left out, and no other"
		use      = "RFC 7517, Sections 4.2 and 4.3: what a key is for"
		size     = "RFC 7518, Section 3.3: 2048 bits or more, and 8192 at most by a limit of our own"
		exponent = "RFC 8017, Section 3.1: e is odd, and at least 3"
		form     = "RFC 7518, Sections 6.2.1 and 6.2.1.2: a point of the curve, with each coordinate in full"
		private  = "RFC 7517, Section 9.2: a private key is kept private, so one that was published proves nothing"
	)
	good := jwk(rsaKey1(), member{"kid", `"good"`})
	n := 0
	set := func(keys ...string) option {
		n++
		return keySet("set "+string(rune('a'+n/26%26))+string(rune('a'+n%26))+strings.Repeat("'", n/676), jwks(keys...))
	}
	// unusable adds a vector whose key is left out, even for its own
	// signatures, and one for a key beside it, which stays.
	unusable := func(name, why, key string, signer ...option) {
		with := set(key, good)
		s.refuse("unknown_key", name, why, append(signer, with)...)
		s.accept(name+": the key beside it", others, head("kid", `"good"`), with)
	}

	s.accept("nothing but kty, n and e", "RFC 7517, Section 4: the rest is optional", set(jwk(rsaKey1(), member{"use", ""})))
	s.accept("without alg and use, as Auth0 may have it", "RFC 7517, Sections 4.2 and 4.4: optional", set(jwk(rsaKey1(), member{"use", ""}, member{"x5t", `"QjU4MDk4RTlGNTY0NDhFRTQ0MzQ0N0MwNTQ3QTk2RTMwRTQ5RTM5OQ"`}, member{"x5c", `["MIIDBzCCAe+gAwIBAgIJ"]`})))
	for _, x := range []member{{"x5t", `"not base64 !"`}, {"x5t", "1"}, {"x5c", `["nonsense"]`}, {"x5c", `"nonsense"`}, {"x5u", `"file:///etc/passwd"`}, {"x5t#S256", `""`}, {"ext", "true"}, {"nbf", "1"}, {"exp", "1"}, {"iat", `"x"`}, {"status", `"revoked"`}} {
		s.accept("a key with "+x.name+" "+x.raw, "RFC 7517, Section 4: others are ignored", set(jwk(rsaKey1(), x)))
	}
	s.accept("key_ops verify", use, set(jwk(rsaKey1(), member{"key_ops", `["verify"]`})))
	s.accept("key_ops verify among others, no use", use, set(jwk(rsaKey1(), member{"key_ops", `["encrypt","verify"]`}, member{"use", ""})))
	s.accept("use jwt-svid", "RFC 7517, Section 4.2: other values may be used, and this one is for JWTs in a SPIFFE bundle", set(jwk(rsaKey1(), member{"use", `"jwt-svid"`})))
	unusable("a key with use x509-svid", use, jwk(rsaKey1(), member{"use", `"x509-svid"`}))
	unusable("a key with use JWT-SVID", use, jwk(rsaKey1(), member{"use", `"JWT-SVID"`}))
	unusable("a key with use jwt-svid, and key_ops encrypt", use, jwk(rsaKey1(), member{"use", `"jwt-svid"`}, member{"key_ops", `["encrypt"]`}))
	for _, x := range []member{{"use", `"enc"`}, {"use", `"SIG"`}, {"use", `""`}, {"use", "null"}, {"use", "1"}, {"use", `["sig"]`}, {"key_ops", `["encrypt"]`}, {"key_ops", `[]`}, {"key_ops", `["sign"]`}, {"key_ops", `["VERIFY"]`}, {"key_ops", `"verify"`}, {"key_ops", "null"}} {
		unusable("a key with "+x.name+" "+x.raw, use, jwk(rsaKey1(), x))
	}
	for _, text := range []string{`"rs256"`, `"RS"`, `"HS256"`, `"none"`, `"RSA-OAEP"`, `"ES256"`, `""`, "null", "1", `["RS256"]`} {
		unusable("a key with alg "+text, "RFC 7517, Section 4.4", jwk(rsaKey1(), member{"alg", text}))
	}
	for _, text := range []string{`"rsa"`, `"RSA "`, `"oct"`, `"OKP"`, `"EC"`, `"AKP"`, `""`, "null", "1", ""} {
		unusable("a key with kty "+text, "RFC 7517, Section 4.1", jwk(rsaKey1(), member{"kty", text}))
	}
	for _, m := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		unusable("an RSA key with "+m, private, jwk(rsaKey1(), member{m, `"AQAB"`}))
	}
	unusable("an EC key with d", private, jwk(p256Key(), member{"d", `"AQAB"`}), signed("ES256", p256Key), allow("RS256", "ES256"))
	unusable("an OKP key with d", private, jwk(edKey(), member{"d", `"AQAB"`}), signed("EdDSA", edKey), allow("RS256", "EdDSA"))

	// Sizes and exponents.
	s.accept("RSA of 3072 bits", size, signed("RS256", rsa3072), set(jwk(rsa3072())))
	s.accept("RSA of 4096 bits", size, signed("RS256", rsa4096), set(jwk(rsa4096())))
	s.accept("RSA of 8192 bits", size, signed("RS256", rsa8192), set(jwk(rsa8192())))
	unusable("RSA of 1024 bits", size, jwk(rsa1024()), signed("RS256", rsa1024))
	unusable("RSA of 2047 bits", size, jwk(rsa2047()), signed("RS256", rsa2047))
	unusable("RSA of 8193 bits", size, jwk(rsa8193()), signed("RS256", rsa8193))
	unusable("RSA of 1024 bits with zeros before", size, jwk(rsa1024(), member{"n", quote(b64(append(make([]byte, 128), rsa1024().rsa.n.Bytes()...)))}), signed("RS256", rsa1024))
	s.accept("e of 2^31-1", exponent, signed("RS256", rsaBigE), set(jwk(rsaBigE())))
	unusable("e of more than 32 bits", exponent, jwk(rsaHugeE()), signed("RS256", rsaHugeE))
	for _, e := range []struct {
		name string
		e    []byte
	}{{"0", []byte{0}}, {"1", []byte{1}}, {"2", []byte{2}}, {"65536", []byte{1, 0, 0}}, {"nothing", nil}, {"2^31+1", []byte{0x80, 0, 0, 1}}, {"as much as n", rsaKey1().rsa.n.Bytes()}} {
		// With e = 1 the signature is the padded hash itself.
		signer := signature(func(in string) []byte { return emsaPKCS1(256, hashOf("RS256"), []byte(in)) })
		unusable("e of "+e.name, exponent, jwk(rsaKey1(), member{"e", quote(b64(e.e))}), signer)
	}
	even := new(big.Int).Sub(rsaKey1().rsa.n, big.NewInt(1))
	unusable("an even modulus", "RFC 8017, Section 3.1: the primes are odd", jwk(rsaKey1(), member{"n", quote(b64(even.Bytes()))}))
	for _, m := range []member{{"n", ""}, {"e", ""}, {"n", "null"}, {"e", "65537"}, {"n", `""`}, {"n", `"!"`}, {"e", `"AQAB="`}, {"n", quote(rsaKey1().rsa.n.String())}} {
		unusable("RSA with "+m.name+" "+shorten(m.raw), "RFC 7518, Section 6.3.1", jwk(rsaKey1(), m))
	}

	unusable("RSA with the weakness of CVE-2017-15361", "the private key can be computed from the public one", jwk(rsaKey1(), member{"n", quote(rocaModulus)}))
	for _, point := range smallOrder {
		unusable("Ed25519 of small order "+point[:4], "a point of small order has signatures that no private key made", jwk(edKey(), member{"x", quote(point)}),
			signed("EdDSA", edKey), allow("RS256", "EdDSA"), signature(func(string) []byte { return append([]byte{1}, make([]byte, 63)...) }))
	}

	// Curves and points.
	es := []option{signed("ES256", p256Key), allow("RS256", "ES256")}
	x, y := p256Key().point()
	for _, c := range []struct {
		name string
		m    []member
	}{
		{"off the curve", []member{{"y", quote(b64(append([]byte{y[0] ^ 1}, y[1:]...)))}}},
		{"of zeros", []member{{"x", quote(b64(make([]byte, 32)))}, {"y", quote(b64(make([]byte, 32)))}}},
		{"one digit short", []member{{"x", quote(b64(x[1:]))}}},
		{"one digit more", []member{{"x", quote(b64(append([]byte{0}, x...)))}}},
		{"without y", []member{{"y", ""}}},
		{"with y null", []member{{"y", "null"}}},
		{"with y for x", []member{{"x", quote(b64(y))}, {"y", quote(b64(x))}}},
		{"called P-384", []member{{"crv", `"P-384"`}}},
		{"called P-521", []member{{"crv", `"P-521"`}}},
		{"called secp256k1", []member{{"crv", `"secp256k1"`}}},
		{"called p-256", []member{{"crv", `"p-256"`}}},
		{"called Ed25519", []member{{"crv", `"Ed25519"`}}},
		{"without crv", []member{{"crv", ""}}},
		{"beyond the field", []member{{"x", quote(b64([]byte(strings.Repeat("\xff", 32))))}}},
		{"with padding", []member{{"x", quote(b64(x) + "=")}}},
	} {
		unusable("P-256 "+c.name, form, jwk(p256Key(), c.m...), es...)
	}
	unusable("P-224", "RFC 7518, Section 6.2.1.1: not among the curves", jwk(p224Key()), signed("ES256", p256Key), head("kid", `"p224"`), allow("RS256", "ES256"))
	unusable("Ed448", "RFC 8037, Section 2: not among ours", jwk(edKey(), member{"crv", `"Ed448"`}, member{"x", quote(b64(make([]byte, 57)))}), signed("EdDSA", edKey), allow("RS256", "EdDSA"))
	unusable("X25519", "RFC 8037, Section 3.2: not for signatures", jwk(edKey(), member{"crv", `"X25519"`}), signed("EdDSA", edKey), allow("RS256", "EdDSA"))
	unusable("Ed25519 one byte short", "RFC 8037, Section 2", jwk(edKey(), member{"x", quote(b64(make([]byte, 31)))}), signed("EdDSA", edKey), allow("RS256", "EdDSA"))

	// Forms of the key itself.
	unusable("a key with two members n", "RFC 7517, Section 4: names are unique", strings.Replace(jwk(rsaKey1()), `"kty"`, `"n":"AQAB","kty"`, 1))
	unusable("a key with two members kid", "RFC 7517, Section 4: names are unique", strings.Replace(jwk(rsaKey1()), `"kty"`, `"kid":"rsa","kty"`, 1))
	unusable("a key with KTY and no kty", "RFC 7517, Section 6: names are compared as they are", strings.Replace(jwk(rsaKey1()), `"kty"`, `"KTY"`, 1))
	for _, text := range []string{"null", "1", `"rsa"`, "[]", "{}", "true"} {
		unusable("among the keys: "+text, others, text)
	}
	unusable("a kid that is a number", "RFC 7517, Section 4.5: a string", jwk(rsaKey1(), member{"kid", "1"}), head("kid", `"1"`))

	// What many parsers reject, in members that are not used.
	const (
		unused = "one odd key must not lose the set; RFC 8259, Section 8.2 lets a parser reject such JSON"
		half   = `"\ud83d"`
	)
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	crowd := "{" + strings.TrimSuffix(strings.Repeat(`"\u0061":0,`, 1100), ",") + "}"
	for _, x := range []struct{ name, text string }{
		{"half a surrogate pair", half}, {"half a surrogate pair in a name", "{" + half + ":1}"}, {"the other half", `"\ude00"`}, {"arrays to a depth of 34", deep},
		{"objects to a depth of 300", strings.Repeat(`{"a":`, 299) + "{}" + strings.Repeat("}", 299)}, {"two members of one name within", `{"a":1,"a":2}`}, {"1,100 members with escapes", crowd},
	} {
		unusable("a key with "+x.name, unused, jwk(rsaKey1(), member{"x", x.text}))
		s.accept("a set with "+x.name+" beside its keys", unused, head("kid", `"good"`), keySet("beside keys, "+x.name, `{"x":`+x.text+`,"keys":[`+good+`]}`))
	}
	unusable("a key whose kid has half a surrogate pair", unused, jwk(rsaKey1(), member{"kid", half}), head("kid", `"rsa"`))
	unusable("half a surrogate pair among the keys", unused, half)
	unusable("an array to a depth of 33 among the keys", unused, deep)
	s.accept("a set with two members of one name beside its keys", unused, head("kid", `"good"`), keySet("two members beside keys", `{"x":1,"keys":[`+good+`],"x":2}`))
	s.accept("a key to a depth of 32", "the depth is limited to 32", set(jwk(rsaKey1(), member{"x", deep[2 : len(deep)-2]})))

	// Several keys.
	s.accept("two keys of one kid, the second signed", "RFC 7517, Section 4.5: kids should differ, but sets are in use in which they do not", set(jwk(otherRSA(), member{"kid", `"rsa"`}), jwk(rsaKey1())))
	s.accept("an EC key of the same kid", "RFC 7517, Section 4.5", set(jwk(p256Key(), member{"kid", `"rsa"`}), jwk(rsaKey1())))
	s.accept("the same key twice", others, set(jwk(rsaKey1()), jwk(rsaKey1())))
	s.refuse("invalid_signature", "two keys of one kid, neither signed", "RFC 7515, Section 5.2", set(jwk(otherRSA(), member{"kid", `"rsa"`}), jwk(tenantBKey(), member{"kid", `"rsa"`})))
	s.refuse("unknown_key", "a key without kid, a token with one", "RFC 7515, Section 4.1.4: the kid must match", set(jwk(rsaKey1(), member{"kid", ""})))
	s.accept("a key without kid, a token without one", "RFC 7515, Section 4.1.4: kid is optional", headWithout("kid"), set(jwk(rsaKey1(), member{"kid", ""})))
	s.accept("a key with a kid, a token without one", "RFC 7515, Section 4.1.4: kid is optional", headWithout("kid"), set(jwk(rsaKey1())))
	s.refuse("unknown_key", "kid of another key in capitals", "RFC 7515, Section 4.1.4: case-sensitive", head("kid", `"RSA"`), set(jwk(rsaKey1())))

	var five []string
	for i, k := range []func() *key{otherRSA, tenantBKey, rsa3072, rsa4096} {
		five = append(five, jwk(k(), member{"kid", quote("k" + string(rune('1'+i)))}))
	}
	s.accept("no kid, the fourth of four keys signed", "RFC 7515, Appendix D", headWithout("kid"), set(append(five[:3:3], jwk(rsaKey1()))...))
	s.refuse("invalid_signature", "no kid, the fifth of five keys signed", "four are tried: a token must not cost more", headWithout("kid"), set(append(five[:4:4], jwk(rsaKey1()))...))

	// The hash of a certificate names a key if there is no kid.
	const (
		x5t     = "RFC 7515, Section 4.1.7: the certificate's hash names a key where there is no kid"
		x5tS256 = "RFC 7515, Section 4.1.8: the certificate's hash names a key where there is no kid"
	)
	named := set(append(five[:4:4], jwk(rsaKey1(), member{"x5t", `"2oJ"`}, member{"x5t#S256", `"fC1"`}))...)
	s.accept("no kid, x5t of the fifth of five keys", x5t, headWithout("kid"), head("x5t", `"2oJ"`), named)
	s.accept("no kid, x5t#S256 of the fifth of five keys", x5tS256, headWithout("kid"), head("x5t#S256", `"fC1"`), named)
	s.accept("kid is empty, x5t of the fifth of five keys", x5t, head("kid", `""`), head("x5t", `"2oJ"`), named)
	s.refuse("invalid_signature", "no kid, x5t in another case", x5t, headWithout("kid"), head("x5t", `"2OJ"`), named)
	s.refuse("invalid_signature", "no kid, x5t is what x5t#S256 is", x5tS256, headWithout("kid"), head("x5t", `"fC1"`), named)
	s.refuse("invalid_signature", "no kid, x5t is no string", x5t, headWithout("kid"), head("x5t", `["2oJ"]`), named)
	s.refuse("invalid_signature", "no kid, x5t is empty, and so is a key's", x5t, headWithout("kid"), head("x5t", `""`), set(append(five[:4:4], jwk(rsaKey1(), member{"x5t", `""`}))...))
	s.refuse("invalid_signature", "no kid, x5t of a key that has not signed", x5t, headWithout("kid"), head("x5t", `"a"`), set(jwk(otherRSA(), member{"x5t", `"a"`}), jwk(rsaKey1())))
	s.accept("no kid, x5t of no key", x5t, headWithout("kid"), head("x5t", `"a"`), set(jwk(otherRSA()), jwk(rsaKey1())))
	s.accept("no kid, x5t of two keys, the second signed", x5t, headWithout("kid"), head("x5t", `"a"`), set(jwk(otherRSA(), member{"x5t", `"a"`}), jwk(rsaKey1(), member{"x5t", `"a"`})))
	s.accept("a kid beside the x5t of another key", "RFC 7515, Section 4.1.4", head("x5t", `"a"`), set(jwk(otherRSA(), member{"x5t", `"a"`}), jwk(rsaKey1())))
	s.accept("a kid of two keys beside the x5t of the one that has not signed", "RFC 7515, Section 4.1.4", head("x5t", `"a"`), set(jwk(otherRSA(), member{"kid", `"rsa"`}, member{"x5t", `"a"`}), jwk(rsaKey1())))
	s.refuse("unknown_key", "an unknown kid beside the x5t of a key", "RFC 7515, Section 4.1.4: the kid must match", head("kid", `"k9"`), head("x5t", `"2oJ"`), named)

	s.accept("a kid, the fifth of five keys signed", "RFC 7515, Section 4.1.4", set(append(five[:4:4], jwk(rsaKey1()))...))

	// The set itself. If there is no key set, nothing is decided about the
	// token.
	for _, c := range []struct{ name, text string }{
		{"no keys", `{"keys":[]}`}, {"{}", "{}"}, {"null", "null"}, {"an array", "[" + good + "]"}, {"keys is an object", `{"keys":{}}`}, {"keys is null", `{"keys":null}`}, {"keys is a string", `{"keys":"x"}`},
		{"KEYS", `{"KEYS":[` + good + `]}`}, {"HTML", "<!doctype html><title>Sign in</title>"}, {"nothing", " "}, {"one key, without a set", good}, {"cut off", jwks(good)[:200]}, {"something after it", jwks(good) + "x"}, {"two sets", jwks(good) + jwks(good)},
		{"only unusable keys", jwks(jwk(rsaKey1(), member{"use", `"enc"`}))}, {"two byte order marks", "\ufeff\ufeff" + jwks(good)}, {"keys twice", `{"keys":[` + good + `],"keys":[` + good + `]}`},
		{"keys twice, once with an escape", `{"keys":[` + good + `],"\u006beys":[]}`}, {"a byte order mark within", "{\ufeff" + jwks(good)[1:]}, {"malformed beside the keys", `{"keys":[` + good + `],"x":tru}`}, {"malformed in another key", jwks(good, `{"x":"\x"}`)},
		{"an error in JSON", `{"error":"server_error"}`}, {"a certificate", "-----BEGIN CERTIFICATE-----\n"},
	} {
		s.refuse("unavailable", "the key set is "+c.name, "RFC 7517, Section 5; an outage is not the token's fault", keySet("set of "+c.name, c.text), head("kid", `"good"`))
	}
	s.accept("a set with other members", "RFC 7517, Section 5: others are ignored", head("kid", `"good"`), keySet("more members", `{"issuer":"x","keys":[`+good+`],"next":null}`))
	s.accept("a set after a byte order mark", "RFC 8259, Section 8.1: a parser may ignore one", head("kid", `"good"`), keySet("byte order mark", "\ufeff"+jwks(good)))
	s.accept("a set whose member keys has an escape", "RFC 8259, Section 8.3: names are compared without escapes", head("kid", `"good"`), keySet("escaped keys", `{"\u006beys":[`+good+`]}`))
	s.accept("a set with white space", "RFC 8259, Section 2", head("kid", `"good"`), keySet("white space", "\n\t{ \"keys\" : [ "+good+" ] }\r\n"))
	return s
}

// rocaModulus is the one of Project Wycheproof's vectors.
const rocaModulus = "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE"

// smallOrder are points of Ed25519 whose order divides eight.
var smallOrder = []string{
	"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",                              // the neutral one
	b64(append(append([]byte{0xec}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)), // of order two
	b64(make([]byte, 32)), // of order four
}

func tenantsCases() *suite {
	s := newSuite("tenants", "Several issuers: each token is checked by its own, with its own keys and audiences (RFC 8725, Section 3.8).")
	const why = "RFC 8725, Section 3.8: keys belong to an issuer"
	a := vectors.Tenant{Keys: "standard", Config: vectors.Config{Issuers: []string{issuer, "https://login.example.com/"}, Audiences: []string{audience}}}
	b := vectors.Tenant{Keys: "tenant-b", Config: vectors.Config{Issuers: []string{"https://tenant-b.example.com/"}, Audiences: []string{"https://b.example.com"}, Algorithms: []string{"RS256"}}}
	both := tenants(a, b)
	ofB := func(opts ...option) []option {
		return append([]option{both, claim("iss", `"https://tenant-b.example.com/"`), claim("aud", `"https://b.example.com"`), by("RS256", tenantBKey)}, opts...)
	}
	s.accept("A's token", why, both)
	s.accept("A's token by its other domain", why, both, claim("iss", `"https://login.example.com/"`))
	s.accept("B's token", why, ofB()...)
	s.refuse("invalid_signature", "A's token signed by B, the same kid", why, both, by("RS256", tenantBKey))
	s.refuse("invalid_signature", "B's token signed by A, the same kid", why, ofB(by("RS256", rsaKey1))...)
	s.refuse("unknown_key", "B's token with a kid of A's", why, ofB(head("kid", `"p256"`))...)
	s.refuse("wrong_audience", "A's token for B's audience", why, both, claim("aud", `"https://b.example.com"`))
	s.refuse("wrong_audience", "B's token for A's audience", why, ofB(claim("aud", quote(audience)))...)
	s.refuse("algorithm_not_allowed", "B's token by an algorithm of nobody's", why, ofB(head("alg", `"ES256"`))...)
	s.refuse("token_expired", "B's token, expired", why, ofB(claim("exp", "1767225000"))...)
	for _, iss := range []string{"https://tenant-c.example.com/", "https://tenant.example.com", "https://TENANT.example.com/", "https://tenant-b.example.com", "", "https://tenant-b.example.com/ ", "https://attacker.example/"} {
		s.refuse("wrong_issuer", "iss "+quote(iss), "only configured issuers: no patterns", both, claim("iss", quote(iss)))
	}
	s.refuse("wrong_issuer", "no iss", "RFC 9068, Section 2.2: iss is required", both, without("iss"))
	for _, text := range []string{"null", "1", `["https://tenant.example.com/"]`, "{}"} {
		s.refuse("invalid_claim", "iss is "+text, "RFC 7519, Section 4.1.1: a string", both, claim("iss", text))
	}
	s.refuse("token_malformed", "two iss, A's and B's", "RFC 7519, Section 4: names are unique", both, claimToo("iss", `"https://tenant-b.example.com/"`))
	s.refuse("wrong_issuer", "iss in the header is A's, in the claims nobody's", "RFC 7519, Section 5.3: what a copy in the header means is left to applications, and here it is not read", both, head("iss", quote(issuer)), claim("iss", `"https://tenant-c.example.com/"`))
	// One issuer, whose tokens were signed with a secret and are now signed
	// with a key. The alg chooses, and each Validator has one kind of key.
	const change = "RFC 8725, Section 3.1: a key has one algorithm, so alg chooses between keys that are configured and says nothing of how one is used"
	shared := (&stream{label: "secret"}).bytes(32)
	old := vectors.Tenant{Keys: "standard", Config: vectors.Config{Issuers: []string{issuer}, Audiences: []string{audience}, Secret: b64(shared)}}
	now := vectors.Tenant{Keys: "standard", Config: vectors.Config{Issuers: []string{issuer}, Audiences: []string{audience}, Algorithms: []string{"ES256"}}}
	mac := func(alg string, key []byte) option {
		return func(d *draft) {
			head("alg", quote(alg))(d)
			signature(func(input string) []byte {
				m := hmac.New(crypto.SHA256.New, key)
				m.Write([]byte(input))
				return m.Sum(nil)
			})(d)
		}
	}
	changing := func(opts ...option) []option { return append(opts, tenants(old, now)) }
	x, y := p256Key().point()
	s.accept("while keys are changed: the secret", change, changing(mac("HS256", shared))...)
	s.accept("while keys are changed: the secret, and a kid of a public key", change, changing(mac("HS256", shared), head("kid", `"p256"`))...)
	s.accept("while keys are changed: the key", change, changing(signed("ES256", p256Key))...)
	s.refuse("invalid_signature", "while keys are changed: the secret, called ES256", change, changing(mac("ES256", shared), head("kid", `"p256"`))...)
	s.refuse("invalid_signature", "while keys are changed: the key, called HS256", change, changing(signed("ES256", p256Key), head("alg", `"HS256"`))...)
	for _, k := range [][]byte{append(append([]byte{4}, x...), y...), x, append(bytes.Clone(x), y...), nil} {
		s.refuse("invalid_signature", "while keys are changed: the public key as a secret, "+strconv.Itoa(len(k))+" bytes", change, changing(mac("HS256", k), head("kid", `"p256"`))...)
	}
	for _, alg := range []string{"HS512", "RS256", "ES384", "ES256K", "none", "hs256", ""} {
		s.refuse("algorithm_not_allowed", "while keys are changed: alg "+quote(alg), change, changing(mac(alg, shared))...)
	}
	s.refuse("wrong_issuer", "while keys are changed: another issuer", change, changing(mac("HS256", shared), claim("iss", `"https://tenant-b.example.com/"`))...)

	s.refuse("token_malformed", "no token at all", "RFC 7515, Section 7.1", both, token("a.b"))
	s.refuse("token_malformed", "an opaque token", "RFC 6749, Section 1.4", both, token("HvH2zkQtVb5aZmS3q8gTtKQWcXUo1rEd"))
	return s
}
