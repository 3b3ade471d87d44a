package forge

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

// The client's keys, and another client's.
var (
	clientKey   = ecOf("client", elliptic.P256())
	clientEd    = edOf("client-ed")
	clientRSA   = rsaOf("client-rsa", 2048, 65537)
	clientP384  = ecOf("client-p384", elliptic.P384())
	thiefKey    = ecOf("thief", elliptic.P256())
	clientRSA1k = rsaOf("client-rsa-1024", 1024, 65537)
	clientRSA8k = rsaOf("client-rsa-8192", 8192, 65537)
)

// bare is a JWK with nothing but the key's parameters.
func (k *key) bare(changes ...member) string {
	return jwk(k, append([]member{{"kid", ""}, {"use", ""}}, changes...)...)
}

// ath is the hash of the access token (RFC 9449, Section 4.2).
func ath(token string) string {
	sum := sha256.Sum256([]byte(token))
	return b64(sum[:])
}

// proofFor returns a proof by clientKey for GET https://api.example.com/orders
// with the token.
func proofFor(token string, opts []option) string {
	p := &draft{
		header: []member{{"typ", `"dpop+jwt"`}, {"alg", `"ES256"`}, {"jwk", clientKey().bare()}},
		payload: []member{
			{"jti", `"proof-1"`}, {"htm", `"GET"`}, {"htu", `"https://api.example.com/orders"`},
			{"iat", strconv.Itoa(now)}, {"ath", quote(ath(token))},
		},
		key: clientKey(), alg: "ES256",
	}
	for _, opt := range opts {
		opt(p)
	}
	return p.compact()
}

// bound binds the token to a key.
func bound(k func() *key) option {
	return func(d *draft) { d.payload = set(d.payload, member{"cnf", `{"jkt":"` + k().thumbprint() + `"}`}) }
}

// proven sends a bound token with its proof, which opts change.
func proven(opts ...option) option {
	return func(d *draft) {
		bound(clientKey)(d)
		d.v.Config.DPoP = &vectors.DPoP{}
		d.v.Request = &vectors.Request{
			Scheme: "https", Target: "/orders", Header: [][2]string{{"Authorization", "DPoP {token}"}, {"Dpop", "{proof}"}},
		}
		d.proof = opts
	}
}

func dpopConfig(f func(*vectors.DPoP)) option { return func(d *draft) { f(d.v.Config.DPoP) } }

func requireBinding() option { return config(func(c *vectors.Config) { c.RequireBinding = true }) }

func sent(f func(*vectors.Request)) option { return func(d *draft) { f(d.v.Request) } }

// proofBy signs the proof with k, and puts k into its header and into the
// token.
func proofBy(alg string, k func() *key) []option {
	return []option{head("alg", quote(alg)), head("jwk", k().bare()), by(alg, k)}
}

func proofs() *suite {
	s := newSuite("proofs", "DPoP proofs: for this request, this token, this key, now, and once (RFC 9449, Section 4.3).")
	const (
		field     = "RFC 9449, Section 4.3, check 1: one DPoP field"
		form      = "RFC 9449, Section 4.3, check 2: one well-formed JWT"
		claims    = "RFC 9449, Section 4.3, check 3, and Section 4.2: the required claims"
		typ       = "RFC 9449, Section 4.3, check 4: typ is dpop+jwt"
		algs      = "RFC 9449, Section 4.3, check 5: asymmetric, and on the list"
		algEd     = "RFC 9864, Section 2.2: Ed25519 is one of the algorithms that EdDSA stands for"
		signed    = "RFC 9449, Section 4.3, check 6: signed by the key in jwk"
		private   = "RFC 9449, Section 4.3, check 7: no private key"
		htm       = "RFC 9449, Section 4.3, check 8: the method"
		htu       = "RFC 9449, Section 4.3, check 9: the URL, without query and fragment, normalized"
		nonce     = "RFC 9449, Section 4.3, check 10, and Section 9: the nonce"
		iat       = "RFC 9449, Section 4.3, check 11, and Section 11.1: made lately"
		ofToken   = "RFC 9449, Section 4.3, check 12: of this token, and by the key that it is bound to"
		once      = "RFC 9449, Section 11.1: once"
		downgrade = "RFC 9449, Section 7.2: a bound token is not taken as a Bearer token"
	)
	accept := func(name, why string, opts ...option) { s.accept(name, why, proven(opts...)) }
	refuse := func(name, why string, opts ...option) { s.refuse("invalid_proof", name, why, proven(opts...)) }

	accept("as it should be", "RFC 9449, Section 7.1")
	s.accept("the scheme in small letters", "RFC 9110, Section 11.1: schemes have no case", proven(), sent(func(r *vectors.Request) { r.Header[0][1] = "dpop {token}" }))

	// Fields and schemes.
	header := func(fields ...[2]string) option { return sent(func(r *vectors.Request) { r.Header = fields }) }
	auth, proof := [2]string{"Authorization", "DPoP {token}"}, [2]string{"Dpop", "{proof}"}
	s.refuse("invalid_proof", "no proof", field, proven(), header(auth))
	s.refuse("invalid_proof", "two DPoP fields, the same", field, proven(), header(auth, proof, proof))
	s.refuse("invalid_proof", "two DPoP fields, one empty", field, proven(), header(auth, proof, [2]string{"Dpop", ""}))
	for _, value := range []string{"", " ", "{proof},{proof}", "{proof}, {proof}", "{proof} {proof}", " {proof}", "{proof} ", "{proof}=", "{proof}\n", "DPoP {proof}", `"{proof}"`, "a", "a.b.c", "..", "{proof}.", "{proof}.{proof}", "{token}", "null"} {
		s.refuse("invalid_proof", "DPoP: "+quote(value), form, proven(), header(auth, [2]string{"Dpop", value}))
	}
	s.refuse("binding_mismatch", "a bound token under Bearer, with its proof", downgrade, proven(), header([2]string{"Authorization", "Bearer {token}"}, proof))
	s.refuse("binding_mismatch", "a bound token under Bearer, without", downgrade, proven(), header([2]string{"Authorization", "Bearer {token}"}))
	s.refuse("binding_mismatch", "a bound token under Bearer, where a binding is required", downgrade, proven(), requireBinding(), header([2]string{"Authorization", "Bearer {token}"}))
	s.refuse("binding_mismatch", "a bound token under Bearer, where proofs are not checked", downgrade, proven(), header([2]string{"Authorization", "Bearer {token}"}), config(func(c *vectors.Config) { c.DPoP = nil }))
	s.refuse("binding_mismatch", "an unbound token under DPoP, with a proof", "RFC 9449, Section 7.1: the token must be bound", proven(), without("cnf"))
	s.refuse("invalid_proof", "an unbound token under DPoP, without a proof", field, proven(), without("cnf"), header(auth))
	s.accept("an unbound token under Bearer", "RFC 9449, Section 7.2: both are welcome", proven(), without("cnf"), header([2]string{"Authorization", "Bearer {token}"}))
	s.accept("an unbound token under Bearer, and a proof that nobody asked for", "RFC 9449, Section 7.2", proven(), without("cnf"), header([2]string{"Authorization", "Bearer {token}"}, proof))
	s.refuse("binding_mismatch", "an unbound token under Bearer, where a binding is required", "RFC 9449, Section 7.2", proven(), without("cnf"), requireBinding(), header([2]string{"Authorization", "Bearer {token}"}))
	s.accept("a bound token under DPoP, where a binding is required", "RFC 9449, Section 7.2", proven(), requireBinding())
	s.refuse("token_missing", "nothing", "RFC 6750, Section 3.1: no credentials, no error code", proven(), header())
	s.refuse("token_missing", "a proof and no token", "RFC 6750, Section 3.1: no credentials, no error code", proven(), header(proof))
	s.refuse("token_missing", "nothing, where a binding is required", "RFC 6750, Section 3.1: no credentials, no error code", proven(), header(), requireBinding())
	s.refuse("token_missing", "DPoP, where proofs are not checked", "another scheme's credentials are none", proven(), config(func(c *vectors.Config) { c.DPoP = nil }))
	s.refuse("invalid_request", "DPoP alone", "RFC 9449, Section 7.1: the scheme, a space, a token", proven(), header([2]string{"Authorization", "DPoP"}, proof))
	s.refuse("invalid_request", "DPoP alone, where a token is optional", "RFC 9449, Section 7.1: credentials that can't be read are not none", proven(), header([2]string{"Authorization", "DPoP"}, proof), config(func(c *vectors.Config) { c.Optional = true }))
	s.refuse("invalid_request", "both schemes", "RFC 6750, Section 2: one way in a request", proven(), header(auth, [2]string{"Authorization", "Bearer {token}"}, proof))
	s.refuse("invalid_request", "the token in the query, too", "RFC 6750, Section 2: one way in a request", proven(), sent(func(r *vectors.Request) { r.Target = "/orders?access_token={token}" }))

	// The token that goes with it.
	s.refuse("token_expired", "a good proof, an expired token", "RFC 9449, Section 7.1: a proof is one check more, and replaces none of the token's", proven(), claim("exp", "1767225000"))
	s.refuse("wrong_audience", "a good proof, a token for another", "RFC 9449, Section 7.1: a proof is one check more, and replaces none of the token's", proven(), claim("aud", `"x"`))
	s.refuse("invalid_signature", "a good proof, a forged token", "RFC 9449, Section 7.1: a proof is one check more, and replaces none of the token's", proven(), by("RS256", otherRSA))
	s.refuse("insufficient_scope", "a good proof, a token without the scope", "RFC 9449, Section 7.1", proven(), check("scopes", "admin"), challengeScope("admin"))
	s.refuse("binding_mismatch", "a token bound to another key", ofToken, proven(), bound(thiefKey))
	s.accept("a token whose cnf says of what kind the key is, as Keycloak 26.7 does", "RFC 7800, Section 3.1: what is not understood is ignored", proven(), claim("cnf", `{"jkt":"`+clientKey().thumbprint()+`","kc-jkt-type":"DPoP"}`))
	s.refuse("binding_mismatch", "a token whose cnf says so, bound to another key", ofToken, proven(), claim("cnf", `{"jkt":"`+thiefKey().thumbprint()+`","kc-jkt-type":"DPoP"}`))
	s.refuse("binding_mismatch", "a token bound to a certificate", ofToken, proven(), claim("cnf", `{"x5t#S256":"`+clientKey().thumbprint()+`"}`))
	s.refuse("binding_mismatch", "a thief's proof, by the thief's key", ofToken, proven(proofBy("ES256", thiefKey)...))

	// typ, alg.
	for _, t := range []string{"JWT", "at+jwt", "DPoP+JWT", "application/dpop+jwt", "dpop", "dpop+jws", "", "dpop+jwt ", "jwt"} {
		refuse("typ "+quote(t), typ, head("typ", quote(t)))
	}
	refuse("no typ", typ, headWithout("typ"))
	refuse("typ null", typ, head("typ", "null"))
	for _, c := range []struct {
		alg string
		k   func() *key
	}{{"ES256", clientKey}, {"EdDSA", clientEd}, {"PS256", clientRSA}, {"RS256", clientRSA}} {
		s.accept(c.alg+" by default", algs, proven(proofBy(c.alg, c.k)...), bound(c.k))
		s.refuse("invalid_proof", c.alg+", where ES384 is allowed", algs, proven(proofBy(c.alg, c.k)...), bound(c.k), dpopConfig(func(d *vectors.DPoP) { d.Algorithms = []string{"ES384"} }))
	}
	for _, c := range []struct {
		alg string
		k   func() *key
	}{{"ES384", clientP384}, {"RS384", clientRSA}, {"RS512", clientRSA}, {"PS384", clientRSA}} {
		s.refuse("invalid_proof", c.alg+" by default", algs, proven(proofBy(c.alg, c.k)...), bound(c.k))
		s.accept(c.alg+", where it is allowed", algs, proven(proofBy(c.alg, c.k)...), bound(c.k), dpopConfig(func(d *vectors.DPoP) { d.Algorithms = []string{c.alg} }))
	}
	only := func(algs ...string) option { return dpopConfig(func(d *vectors.DPoP) { d.Algorithms = algs }) }
	s.accept("Ed25519 by default", algEd, proven(proofBy("Ed25519", clientEd)...), bound(clientEd))
	s.accept("Ed25519, where EdDSA is allowed", algEd, proven(proofBy("Ed25519", clientEd)...), bound(clientEd), only("EdDSA"))
	s.accept("Ed25519, where it is allowed", algEd, proven(proofBy("Ed25519", clientEd)...), bound(clientEd), only("Ed25519"))
	s.refuse("invalid_proof", "EdDSA, where Ed25519 is allowed", algEd, proven(proofBy("EdDSA", clientEd)...), bound(clientEd), only("Ed25519"))
	s.refuse("invalid_proof", "Ed25519, where ES256 is allowed", algs, proven(proofBy("Ed25519", clientEd)...), bound(clientEd), only("ES256"))
	for _, alg := range []string{"EdDSA", "Ed25519"} {
		for _, says := range []string{"EdDSA", "Ed25519"} {
			s.accept(alg+" with a jwk that says "+says, algEd, proven(append(proofBy(alg, clientEd), head("jwk", clientEd().bare(member{"alg", quote(says)})))...), bound(clientEd))
		}
	}
	s.refuse("invalid_proof", "ESP256 by default", algs, proven(proofBy("ESP256", clientKey)...), bound(clientKey))
	s.accept("ESP256, where it is allowed", algs, proven(proofBy("ESP256", clientKey)...), bound(clientKey), only("ESP256"))
	s.refuse("invalid_proof", "ES256, where ESP256 is allowed", algs, proven(), bound(clientKey), only("ESP256"))
	for _, alg := range []string{"none", "None", "es256", "ES256 ", "ES256K", "HS512", ""} {
		refuse("alg "+quote(alg), algs, head("alg", quote(alg)))
	}
	refuse("no alg", algs, headWithout("alg"))
	refuse("HS256 with the public key", "RFC 8725, Section 2.1", head("alg", `"HS256"`), signature(func(in string) []byte {
		m := hmac.New(crypto.SHA256.New, []byte(clientKey().bare()))
		m.Write([]byte(in))
		return m.Sum(nil)
	}))
	refuse("HS256 with a symmetric jwk", algs, head("alg", `"HS256"`), head("jwk", `{"kty":"oct","k":"c2VjcmV0"}`), signature(func(in string) []byte {
		m := hmac.New(crypto.SHA256.New, []byte("secret"))
		m.Write([]byte(in))
		return m.Sum(nil)
	}))
	refuse("ES256 with a P-384 key", algFit, head("jwk", clientP384().bare()))
	refuse("ES256 with an RSA key", algFit, head("jwk", clientRSA().bare()))
	refuse("RS256 with an EC key", algFit, head("alg", `"RS256"`))
	refuse("unsigned", form, signature(func(string) []byte { return nil }))

	// jwk.
	refuse("no jwk", claims, headWithout("jwk"))
	for _, text := range []string{"null", `"x"`, "[]", "{}", "1", "[" + clientKey().bare() + "]", `{"kty":"EC"}`, quote(clientKey().bare())} {
		refuse("jwk is "+shorten(text), form, head("jwk", text))
	}
	refuse("only a kid", "RFC 9449, Section 4.2: jwk is the key", headWithout("jwk"), head("kid", `"client"`))
	refuse("only a jku", "RFC 9449, Section 4.2: jwk is the key", headWithout("jwk"), head("jku", `"https://attacker.example/jwks.json"`))
	refuse("only an x5c", "RFC 9449, Section 4.2: jwk is the key", headWithout("jwk"), head("x5c", `["`+base64.StdEncoding.EncodeToString(clientRSA().rsa.certificate())+`"]`))
	accept("a kid beside jwk", "RFC 7515, Section 4: not used, so not in the way", head("kid", `"x"`))
	for _, m := range []member{{"kid", `"x"`}, {"use", `"sig"`}, {"alg", `"ES256"`}, {"key_ops", `["verify"]`}, {"ext", "true"}} {
		accept("jwk with "+m.name, "RFC 7517, Section 4: members that any key may have", head("jwk", clientKey().bare(m)))
	}
	for _, m := range []member{{"d", `"AQAB"`}, {"d", "null"}, {"k", `"AQAB"`}, {"p", `"AQAB"`}, {"q", `"AQAB"`}, {"dp", `"AQAB"`}, {"dq", `"AQAB"`}, {"qi", `"AQAB"`}, {"oth", "[]"}} {
		refuse("jwk with "+m.name+" "+m.raw, private, head("jwk", clientKey().bare(m)))
	}
	const unknown = "RFC 7517, Section 4: members that are not understood are ignored"
	for _, m := range []member{{"x5c", `["MII"]`}, {"x5u", `"https://attacker.example/"`}, {"x5t", "1"}, {"x5t#S256", `"AQAB"`}, {"n", `"AQAB"`}, {"X", `"x"`}, {"D", `"AQAB"`}, {"secret", `"x"`}, {"issuer", "null"}, {"https://wallet.example/", `{"d":"AQAB"}`}} {
		accept("jwk with "+m.name+" "+m.raw, unknown, head("jwk", clientKey().bare(m)))
	}
	refuse("jwk with secret, and d", private, head("jwk", clientKey().bare(member{"secret", `"x"`}, member{"d", `"AQAB"`})))
	refuse("jwk with x5t twice", "RFC 7517, Section 4: names are unique", head("jwk", strings.Replace(clientKey().bare(), `"y"`, `"x5t":1,"x5t":1,"y"`, 1)))
	for _, m := range []member{{"use", `"enc"`}, {"key_ops", `["sign"]`}, {"alg", `"ES384"`}, {"alg", `"RS256"`}, {"crv", `"P-384"`}, {"crv", `"secp256k1"`}, {"kty", `"RSA"`}, {"kty", `"oct"`}, {"x", ""}, {"y", ""}, {"y", "null"}, {"x", `"AQAB"`}} {
		refuse("jwk with "+m.name+" "+shorten(m.raw+"-"), signed, head("jwk", clientKey().bare(m)))
	}
	refuse("jwk with two members x", "RFC 7517, Section 4: names are unique", head("jwk", strings.Replace(clientKey().bare(), `"y"`, `"x":"AQAB","y"`, 1)))
	_, y := clientKey().point()
	refuse("jwk off its curve", form, head("jwk", clientKey().bare(member{"y", quote(b64(append([]byte{y[0] ^ 1}, y[1:]...)))})))
	rsaProof := func(alg string) option {
		return proven(append(proofBy("RS256", clientRSA), head("jwk", clientRSA().bare(member{"alg", quote(alg)})))...)
	}
	s.accept("jwk with alg RS256 under RS256", algFit, rsaProof("RS256"), bound(clientRSA))
	s.refuse("invalid_proof", "jwk with alg PS256 under RS256", algFit, rsaProof("PS256"), bound(clientRSA))
	s.refuse("invalid_proof", "jwk with alg RS384 under RS256", algFit, rsaProof("RS384"), bound(clientRSA))
	s.refuse("invalid_proof", "RSA of 1024 bits", "RFC 7518, Section 3.3", proven(proofBy("RS256", clientRSA1k)...), bound(clientRSA1k))
	s.refuse("invalid_proof", "RSA of 8192 bits", "a stranger's key must not cost much", proven(proofBy("RS256", clientRSA8k)...), bound(clientRSA8k))
	refuse("Ed25519 of small order", "a point of small order has signatures that no private key made", head("alg", `"EdDSA"`), head("jwk", `{"kty":"OKP","crv":"Ed25519","x":"`+smallOrder[0]+`"}`), signature(func(string) []byte { return append([]byte{1}, make([]byte, 63)...) }))

	// The signature.
	refuse("signed by another key", signed, by("ES256", thiefKey))
	refuse("another's jwk, the signature of the client", signed, head("jwk", thiefKey().bare()))
	for _, m := range []struct {
		name string
		f    func([]byte) []byte
	}{
		{"last bit flipped", func(b []byte) []byte { b[63] ^= 1; return b }},
		{"one byte short", func(b []byte) []byte { return b[:63] }},
		{"one byte long", func(b []byte) []byte { return append(b, 0) }},
		{"zeros", func([]byte) []byte { return make([]byte, 64) }},
	} {
		refuse("signature: "+m.name, signed, mangled(m.f))
	}
	twin := mangled(func(sig []byte) []byte {
		n := clientKey().ec.Curve.Params().N
		rest := new(big.Int).Sub(n, new(big.Int).SetBytes(sig[32:]))
		return append(sig[:32:32], rest.FillBytes(make([]byte, 32))...)
	})
	accept("the signature's twin, n-S", "RFC 7518, Section 3.4: it is valid, too", twin)
	refuse("signature in DER", sigECDSA, signature(func(in string) []byte {
		r, s := ecdsaRS(clientKey().ec, crypto.SHA256, []byte(in))
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			panic(err)
		}
		return der
	}))
	refuse("crit", "RFC 7515, Section 4.1.11", head("crit", `["exp"]`))
	refuse("b64 false", "RFC 7797, Section 7", head("b64", "false"))
	refuse("two members of one name", "RFC 7519, Section 4", claimToo("htm", `"GET"`))
	refuse("two header members of one name", "RFC 7515, Section 4", headToo("alg", `"ES256"`))
	refuse("a payload that is no object", form, payload(`"x"`))

	// Claims.
	for _, name := range []string{"jti", "htm", "htu", "iat", "ath"} {
		refuse("no "+name, claims, without(name))
		for _, text := range []string{"null", "true", `["GET"]`, "{}", `""`} {
			refuse(name+" is "+text, claims, claim(name, text))
		}
	}
	refuse("JTI in capitals", claims, without("jti"), claim("JTI", `"x"`))
	refuse("jti is a number", claims, claim("jti", "1"))
	accept("jti of 256 bytes", "RFC 9449, Section 11.1: as long as is reasonable", claim("jti", quote(strings.Repeat("j", 256))))
	refuse("jti of 257 bytes", "RFC 9449, Section 11.1: not longer than is reasonable", claim("jti", quote(strings.Repeat("j", 257))))
	accept("claims of others", "RFC 9449, Section 4.2: there may be more", claim("iss", `"x"`), claim("x", "null"))
	for _, m := range []string{"get", "Get", "POST", "GET ", "GET,POST", "*", "HEAD"} {
		refuse("htm "+quote(m), htm, claim("htm", quote(m)))
	}
	for _, m := range []string{"POST", "DELETE", "OPTIONS", "PATCH"} {
		s.accept("htm "+m+" of a "+m, htm, proven(claim("htm", quote(m))), sent(func(r *vectors.Request) { r.Method = m }))
		s.refuse("invalid_proof", "htm GET of a "+m, htm, proven(), sent(func(r *vectors.Request) { r.Method = m }))
	}
	for _, u := range []string{
		"HTTPS://api.example.com/orders", "https://API.Example.COM/orders", "https://api.example.com:443/orders", "https://api.example.com/./orders", "https://api.example.com/a/../orders", "https://api.example.com/%6Frders", "https://api.example.com/%6frders",
		"https://api.example.com/orders?a=b", "https://api.example.com/orders#f", "https://api.example.com/orders?", "https://api.example.com/../orders",
	} {
		accept("htu "+u, htu, claim("htu", quote(u)))
	}
	for _, u := range []string{
		"http://api.example.com/orders", "https://api.example.com/", "https://api.example.com", "https://api.example.com/orders/", "https://api.example.com/Orders", "https://api.example.com/orders/1", "https://api.example.com/order", "https://api.example.com//orders", "https://api.example.com/%2Forders",
		"https://api.example.com:8443/orders", "https://api.example.com:80/orders", "https://api.example.com./orders", "https://other.example.com/orders", "https://api.example.com.attacker.example/orders", "https://attacker.example/orders#https://api.example.com/orders",
		"https://user@api.example.com/orders", "https://api.example.com@attacker.example/orders", "/orders", "orders", "//api.example.com/orders", "api.example.com/orders", "https:/api.example.com/orders", "https:api.example.com/orders", "https://", "ftp://api.example.com/orders", "javascript:alert(1)",
		" https://api.example.com/orders", "https://api.example.com/orders ", "https://api.example.com/orders\n", "https://api.example.com/orders\x00", "https://api.example.com\\orders", "https://api.example.com/orders%", "https://api.example.com/%zzorders", "https://\u0430pi.example.com/orders", "*", "null",
	} {
		refuse("htu "+quote(u), htu, claim("htu", quote(u)))
	}
	target := func(target string) option { return sent(func(r *vectors.Request) { r.Target = target }) }
	s.accept("a request with a query", htu, proven(), target("/orders?a=b&c=d"))
	s.accept("a path with an escape", htu, proven(claim("htu", `"https://api.example.com/orders/a%20b"`)), target("/orders/a%20b"))
	s.refuse("invalid_proof", "an escaped slash, and a slash in htu", htu, proven(claim("htu", `"https://api.example.com/orders/a/b"`)), target("/orders/a%2Fb"))
	s.refuse("invalid_proof", "a request without TLS, htu with", htu, proven(), sent(func(r *vectors.Request) { r.Scheme = "" }))
	s.refuse("invalid_proof", "a request for another host", htu, proven(), sent(func(r *vectors.Request) { r.Host = "other.example.com" }))
	s.refuse("invalid_proof", "a host that X-Forwarded-Host names", "RFC 7239, Section 8.1: any client can write it", proven(claim("htu", `"https://public.example.com/orders"`)),
		header(auth, proof, [2]string{"X-Forwarded-Host", "public.example.com"}, [2]string{"X-Forwarded-Proto", "https"}, [2]string{"Forwarded", "host=public.example.com;proto=https"}))
	s.accept("a host that X-Forwarded-Host does not change", "RFC 7239, Section 8.1: any client can write it", proven(), header(auth, proof, [2]string{"X-Forwarded-Host", "public.example.com"}))
	pathsBehindAPrefix(s)

	// Times.
	at := func(offset int) option { return claim("iat", strconv.Itoa(now+offset)) }
	accept("iat 60 seconds ago", iat, at(-60))
	refuse("iat 61 seconds ago", iat, at(-61))
	refuse("iat an hour ago", iat, at(-3600))
	accept("iat 30 seconds ahead", iat, at(30))
	refuse("iat 31 seconds ahead", iat, at(31))
	refuse("iat an hour ahead", iat, at(3600))
	refuse("iat zero", iat, claim("iat", "0"))
	refuse("iat of milliseconds", iat, claim("iat", strconv.Itoa(now)+"000"))
	refuse("iat 1e400", iat, claim("iat", "1e400"))
	refuse("iat is text", iat, claim("iat", quote(strconv.Itoa(now))))
	accept("iat with a fraction", iat, claim("iat", strconv.Itoa(now-60)+".5"))
	refuse("iat with a fraction too much", iat, claim("iat", strconv.Itoa(now-61)+".9"))
	s.accept("iat five minutes ago, of five minutes", iat, proven(at(-300)), dpopConfig(func(c *vectors.DPoP) { c.MaxAgeSeconds = 300 }))
	s.refuse("invalid_proof", "iat five minutes and a second ago, of five minutes", iat, proven(at(-301)), dpopConfig(func(c *vectors.DPoP) { c.MaxAgeSeconds = 300 }))
	s.refuse("invalid_proof", "iat a second ahead, without leeway", iat, proven(at(1)), dpopConfig(func(c *vectors.DPoP) { c.LeewaySeconds = -1 }))
	s.accept("iat now, without leeway", iat, proven(), dpopConfig(func(c *vectors.DPoP) { c.LeewaySeconds = -1 }))
	refuse("exp passed", "RFC 7519, Section 4.1.4", claim("exp", strconv.Itoa(now-30)))
	accept("exp passed, within leeway", "RFC 7519, Section 4.1.4", claim("exp", strconv.Itoa(now-29)))
	refuse("nbf to come", "RFC 7519, Section 4.1.5", claim("nbf", strconv.Itoa(now+31)))
	accept("nbf to come, within leeway", "RFC 7519, Section 4.1.5", claim("nbf", strconv.Itoa(now+30)))
	accept("exp and nbf of now", "RFC 7519, Section 4.1.4", claim("exp", strconv.Itoa(now+10)), claim("nbf", strconv.Itoa(now)))

	// The token's hash.
	sum512 := sha512.Sum512([]byte("token"))
	for _, c := range []struct{ name, text string }{
		{"of another token", ath("another")}, {"of nothing", ath("")}, {"of SHA-512", b64(sum512[:])}, {"of SHA-512, cut", b64(sum512[:32])}, {"as long, of zeros", b64(make([]byte, 32))}, {"of one letter", "A"},
	} {
		refuse("ath "+c.name, ofToken, claim("ath", quote(c.text)))
	}
	ofTokens := func(name string, f func(ath string) string) {
		s.refuse("invalid_proof", "ath "+name, ofToken, proven(func(p *draft) {
			for i := range p.payload {
				if p.payload[i].name == "ath" {
					p.payload[i].raw = quote(f(strings.Trim(p.payload[i].raw, `"`)))
				}
			}
		}))
	}
	ofTokens("with padding", func(ath string) string { return ath + "=" })
	ofTokens("in capitals", strings.ToUpper)
	ofTokens("cut", func(ath string) string { return ath[:42] })
	ofTokens("in hexadecimal", func(ath string) string { return hex.EncodeToString(mustDecode(ath)) })
	ofTokens("in standard base64", func(ath string) string { return base64.StdEncoding.EncodeToString(mustDecode(ath)) })
	ofTokens("with a space after it", func(ath string) string { return ath + " " })

	// Nonces.
	demanded := dpopConfig(func(c *vectors.DPoP) { c.Nonce = "nonce-1" })
	s.accept("the nonce that is demanded", nonce, proven(claim("nonce", `"nonce-1"`)), demanded)
	for _, c := range []struct{ name, text string }{{"another nonce", `"nonce-2"`}, {"an empty nonce", `""`}, {"the nonce in capitals", `"NONCE-1"`}, {"the nonce and a space", `"nonce-1 "`}} {
		s.refuse("proof_nonce_required", c.name, nonce, proven(claim("nonce", c.text)), demanded)
	}
	s.refuse("proof_nonce_required", "no nonce", nonce, proven(), demanded)
	for _, text := range []string{"null", "1", `["nonce-1"]`} {
		s.refuse("invalid_proof", "a nonce that is "+text, nonce, proven(claim("nonce", text)), demanded)
	}
	accept("a nonce that nobody demands", nonce, claim("nonce", `"x"`))
	s.refuse("invalid_proof", "no nonce, and another method", "a nonce does not mend other faults", proven(claim("htm", `"POST"`)), demanded)
	s.refuse("token_expired", "the nonce, and an expired token", nonce, proven(claim("nonce", `"nonce-1"`)), demanded, claim("exp", "1767225000"))

	// Proofs used again. The first use is a request of its own.
	after := func(opts ...option) option {
		return func(d *draft) {
			d.v.Request.Before = &vectors.Request{Scheme: "https", Target: "/orders", Header: [][2]string{{"Authorization", "DPoP {token}"}, {"Dpop", proofFor(d.compact(), opts)}}}
		}
	}
	s.refuse("proof_replayed", "the same proof again", once, proven(), after())
	s.refuse("proof_replayed", "the same proof with the signature's twin", once, proven(twin), after())
	s.refuse("proof_replayed", "another proof with the same jti", once, proven(claim("iat", strconv.Itoa(now-1))), after())
	s.refuse("proof_replayed", "the same jti, written with an escape", once, proven(claim("jti", `"proof\u002d1"`)), after())
	s.accept("another jti", once, proven(claim("jti", `"proof-2"`)), after())
	s.accept("the same jti in capitals", "RFC 7519, Section 4.1.7: case-sensitive", proven(claim("jti", `"PROOF-1"`)), after())
	s.refuse("proof_replayed", "the proof of another path", once, proven(claim("htu", `"https://api.example.com/orders/2"`)), target("/orders/2"), after())
	return s
}

// pathsBehindAPrefix has requests to an API behind a proxy that removes /v1.
// Another service has the neighbouring paths, and a request must not reach
// them.
func pathsBehindAPrefix(s *suite) {
	const (
		own    = "RFC 9449, Section 4.3, check 9: the URL, the part that a proxy takes off included"
		beside = "RFC 3986, Section 5.2.4: dot segments end at the root of their own path"
	)
	behind := config(func(c *vectors.Config) { c.Origin = "https://www.example.com/v1" })
	proofOf := func(path string) option { return proven(claim("htu", quote("https://www.example.com"+path))) }
	target := func(target string) option { return sent(func(r *vectors.Request) { r.Target = target }) }

	s.accept("behind a prefix", own, proofOf("/v1/orders"), behind)
	s.refuse("invalid_proof", "behind a prefix, htu without it", own, proofOf("/orders"), behind)
	s.accept("behind a prefix, dots within", own, proofOf("/v1/orders"), behind, target("/a/../orders"))
	for _, climb := range []string{
		"/../other/orders", "/../../other/orders", "/v1/../../other/orders", "/%2e%2e/other/orders", "/.%2E/other/orders",
		"/./../other/orders", "//../../other/orders", "/a/../../other/orders", "https://api.example.com/../other/orders",
	} {
		s.refuse("invalid_proof", "behind a prefix, "+climb+" for the service beside", beside, proofOf("/other/orders"), behind, target(climb))
	}
	s.accept("behind a prefix, /../other/orders for its own", beside, proofOf("/v1/other/orders"), behind, target("/../other/orders"))
	s.accept("behind a prefix, the root", own, proofOf("/v1/"), behind, target("/.."))
	s.refuse("invalid_proof", "behind a prefix, the root of the host", beside, proofOf("/"), behind, target("/.."))
	s.refuse("invalid_proof", "behind a prefix, an encoded slash", own, proofOf("/other/orders"), behind, target("/..%2Fother/orders"))
}
