package forge

import (
	"crypto/sha256"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

func bindings() *suite {
	s := newSuite("bindings", "cnf: a token that is bound to a key is no bearer token (RFC 7800, Section 3.1; RFC 9449, Section 7.2; RFC 8705, Section 3).")
	const (
		bearer  = "RFC 9449, Section 7.2: a bound token is not taken as a Bearer token"
		unknown = "RFC 7800, Section 3.1: members that are not understood are ignored, and a cnf with nothing left proves nothing"
		ignored = "RFC 7800, Section 3.1: confirmation members that are not understood are ignored"
		second  = "RFC 7800, Section 3.1: a registered member names a second key, which cannot be proven"
	)
	hash := func(of string) string {
		sum := sha256.Sum256([]byte(of))
		return b64(sum[:])
	}
	jkt, x5t, other := hash("key"), hash("certificate"), hash("other")
	obj := func(name, value string) string { return `{"` + name + `":"` + value + `"}` }
	refuse := func(name, why string, opts ...option) { s.refuse("binding_mismatch", name, why, opts...) }
	key, cert := vectors.Confirmed{JKT: jkt}, vectors.Confirmed{X5TS256: x5t}

	s.accept("no cnf, nothing proven", bearer)
	s.accept("no cnf, a key proven", bearer, confirmed(key))
	refuse("a DPoP key, nothing proven", bearer, claim("cnf", obj("jkt", jkt)))
	s.accept("a DPoP key, proven", "RFC 9449, Section 6.1", claim("cnf", obj("jkt", jkt)), confirmed(key))
	refuse("a DPoP key, another proven", "RFC 9449, Section 6.1", claim("cnf", obj("jkt", other)), confirmed(key))
	refuse("a DPoP key, a certificate of that hash proven", "RFC 9449, Section 6.1: jkt is the thumbprint of a key", claim("cnf", obj("jkt", x5t)), confirmed(cert))
	refuse("a certificate, nothing proven", "RFC 8705, Section 3", claim("cnf", obj("x5t#S256", x5t)))
	s.accept("a certificate, proven", "RFC 8705, Section 3.1", claim("cnf", obj("x5t#S256", x5t)), confirmed(cert))
	refuse("a certificate, another proven", "RFC 8705, Section 3", claim("cnf", obj("x5t#S256", other)), confirmed(cert))
	refuse("a certificate, a DPoP key of that hash proven", "RFC 8705, Section 3.1: x5t#S256 is the hash of a certificate", claim("cnf", obj("x5t#S256", jkt)), confirmed(key))
	two := `{"jkt":"` + jkt + `","x5t#S256":"` + x5t + `"}`
	s.accept("both, both proven", "every one must be proven", claim("cnf", two), confirmed(vectors.Confirmed{JKT: jkt, X5TS256: x5t}))
	refuse("both, the key proven", "every one must be proven", claim("cnf", two), confirmed(key))
	refuse("both, the certificate proven", "every one must be proven", claim("cnf", two), confirmed(cert))
	refuse("both, the two exchanged", "every one must be proven", claim("cnf", two), confirmed(vectors.Confirmed{JKT: x5t, X5TS256: jkt}))

	for _, text := range []string{
		"null", "true", "1", `""`, quote(jkt), "[]", "[" + obj("jkt", jkt) + "]", "{}", obj("JKT", jkt), obj("jkt ", jkt), obj("jwk", jkt), `{"jwk":` + jwk(otherRSA()) + `}`, obj("kid", "rsa"), obj("jku", "https://attacker.example/"),
		obj("jwe", "x"), obj("x5t#S512", x5t), obj("x5t#s256", x5t), obj("x5t", x5t), obj("osc", "x"), `{"jkt":null}`, `{"jkt":1}`, `{"jkt":["` + jkt + `"]}`, `{"jkt":{}}`, obj("jkt", ""), obj("jkt", jkt[:42]), obj("jkt", jkt+"A"),
		obj("jkt", jkt+"="), obj("jkt", jkt[:42]+"!"), obj("jkt", jkt+"\\n"), obj("x5t#S256", ""), `{"jkt":"` + jkt + `","x5t#S256":null}`, `{"jkt":"` + jkt + `","x5t#S256":""}`,
	} {
		name := "cnf is " + shorten(strings.ReplaceAll(strings.ReplaceAll(text, jkt, "HASH"), x5t, "HASH"))
		refuse(name+", nothing proven", unknown, claim("cnf", text))
		refuse(name+", a key proven", unknown, claim("cnf", text), confirmed(key))
	}

	// Members beside one that is understood.
	for _, known := range []struct {
		name, member string
		proven       vectors.Confirmed
	}{
		{"a DPoP key", `"jkt":"` + jkt + `"`, key},
		{"a certificate", `"x5t#S256":"` + x5t + `"`, cert},
	} {
		for _, text := range []string{
			`"kc-jkt-type":"DPoP"`, `"kc-jkt-type":1`, `"x":null`, `"x":{"jkt":"` + other + `"}`, `"x5t":"` + other + `"`, `"x5t#S512":"` + other + `"`, `"x5t#s256":"` + other + `"`,
			`"JKT":"` + other + `"`, `"JWK":{}`, `"Kid":"rsa"`, `"typ":"DPoP"`,
		} {
			name := known.name + " and " + strings.ReplaceAll(text, other, "ANOTHER")
			s.accept(name+", proven", ignored, claim("cnf", "{"+known.member+","+text+"}"), confirmed(known.proven))
			s.accept(name+" before it, proven", ignored, claim("cnf", "{"+text+","+known.member+"}"), confirmed(known.proven))
			refuse(name+", nothing proven", bearer, claim("cnf", "{"+known.member+","+text+"}"))
		}
		for _, text := range []string{`"jwk":` + jwk(otherRSA()), `"jwk":null`, `"jwe":"x"`, `"kid":"rsa"`, `"kid":""`, `"jku":"https://tenant.example.com/jwks.json"`, `"osc":{}`} {
			name := known.name + " and a second key by " + shorten(text)
			refuse(name+", the first proven", second, claim("cnf", "{"+known.member+","+text+"}"), confirmed(known.proven))
			refuse(name+" before it, the first proven", second, claim("cnf", "{"+text+","+known.member+"}"), confirmed(known.proven))
		}
	}
	refuse("nothing but what is not understood", unknown, claim("cnf", `{"kc-jkt-type":"DPoP"}`), confirmed(key))
	refuse("a DPoP key of another type, and what is not understood", unknown, claim("cnf", `{"jkt":1,"kc-jkt-type":"DPoP"}`), confirmed(key))
	refuse("a DPoP key, another proven, and what is not understood", "RFC 9449, Section 6.1", claim("cnf", `{"jkt":"`+other+`","kc-jkt-type":"DPoP"}`), confirmed(key))

	// One more spelling of the same hash: the unused bits of its last
	// character.
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range chars {
		if chars[i] == jkt[42] {
			odd := jkt[:42] + string(chars[i+1])
			refuse("jkt with an unused bit set", "RFC 4648, Section 3.5", claim("cnf", obj("jkt", odd)), confirmed(key))
			refuse("jkt with an unused bit set, and proven so", "RFC 4648, Section 3.5", claim("cnf", obj("jkt", odd)), confirmed(vectors.Confirmed{JKT: odd}))
		}
	}
	s.refuse("token_malformed", "two cnf", "RFC 7519, Section 4: names are unique", claim("cnf", obj("jkt", jkt)), claimToo("cnf", obj("jkt", jkt)), confirmed(key))
	s.refuse("token_malformed", "two jkt", "RFC 7519, Section 4: names are unique", claim("cnf", `{"jkt":"`+other+`","jkt":"`+jkt+`"}`), confirmed(key))
	s.accept("CNF is another name", "RFC 7519, Section 7.3: names are compared as they are", claim("CNF", obj("jkt", jkt)))
	s.refuse("invalid_signature", "a key, proven, and a bad signature", "a binding is no signature", claim("cnf", obj("jkt", jkt)), confirmed(key), by("RS256", otherRSA))
	s.refuse("token_expired", "a key, proven, and expired", "a binding is no longer life", claim("cnf", obj("jkt", jkt)), confirmed(key), claim("exp", "1767225000"))
	return s
}
