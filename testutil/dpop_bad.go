package testutil

import (
	"slices"
	"strings"
	"time"
)

// A BadProof is a proof that a resource server must reject.
type BadProof struct {
	Name string
	Why  string   // what is wrong, with the section of the standard
	DPoP []string // the values of the request's DPoP fields
}

// BadProofs returns proofs by k for a request with this token that a resource
// server must reject. Each has one thing wrong, and the response is 401 with
// the error invalid_dpop_proof. The token must be bound to k. The claims of
// changes are added to those of every proof, such as a nonce.
func (k *ProofKey) BadProofs(method, url, token string, changes ...Claims) []BadProof {
	k.tb.Helper()

	const (
		claims = "RFC 9449, Section 4.2: the claims of a proof"
		header = "RFC 9449, Section 4.2: the header of a proof"
		checks = "RFC 9449, Section 4.3: what a server checks"
		strict = "RFC 7515, Sections 4 and 7.1: there is one reading or none"
	)
	another := "PUT"
	if method == another {
		another = "POST"
	}
	proof := func(change Claims) string {
		return k.Proof(method, url, token, append(slices.Clone(changes), change)...)
	}
	good := proof(nil)
	parts, other := strings.Split(good, "."), strings.Split(proof(nil), ".")
	withClaim := func(name string, value any) []string { return []string{proof(Claims{name: value})} }
	withHeader := func(name string, value any) []string {
		return []string{k.Sign(Claims{name: value}, k.claims(method, url, token, changes...))}
	}
	withJWK := func(name string, value any) []string {
		jwk := k.JWK()
		jwk[name] = value
		return withHeader("jwk", jwk)
	}
	now := time.Now
	if k.Now != nil {
		now = k.Now
	}
	return []BadProof{
		{"no proof", "RFC 9449, Section 7.1: a bound token needs one", nil},
		{"an empty proof", checks, []string{""}},
		{"two proofs", checks, []string{good, good}},
		{"a list of proofs", checks, []string{good + ", " + good}},
		{"the token in place of the proof", "RFC 9449, Section 11.5: typ is dpop+jwt", []string{token}},
		{"without a signature", strict, []string{parts[0] + "." + parts[1] + "."}},
		{"with padding", strict, []string{good + "="}},
		{"by another key", checks, []string{DPoPKey(k.tb).Sign(Claims{"jwk": k.JWK(), "alg": k.alg}, k.claims(method, url, token, changes...))}},
		{"changed after it was signed", checks, []string{parts[0] + "." + other[1] + "." + parts[2]}},
		{"without typ", header, withHeader("typ", nil)},
		{"typ of an access token", "RFC 9449, Section 11.5: typ is dpop+jwt", withHeader("typ", "at+jwt")},
		{"without alg", header, withHeader("alg", nil)},
		{"alg none", "RFC 9449, Section 11.6: none is not allowed", withHeader("alg", "none")},
		{"alg of a secret", "RFC 9449, Section 11.6: asymmetric algorithms only", withHeader("alg", "HS256")},
		{"without jwk", header, withHeader("jwk", nil)},
		{"jwk with a private member", header, withJWK("d", "AA")},
		{"jwk of a secret", header, withHeader("jwk", Claims{"kty": "oct", "k": "AA"})},
		{"crit", "RFC 7515, Section 4.1.11: what is critical must be understood", withHeader("crit", []string{"exp"})},
		{"without jti", claims, withClaim("jti", nil)},
		{"an empty jti", claims, withClaim("jti", "")},
		{"a jti of 10,000 bytes", "RFC 9449, Section 11.1: not unnecessarily large", withClaim("jti", strings.Repeat("x", 10_000))},
		{"without htm", claims, withClaim("htm", nil)},
		{"for another method", checks, withClaim("htm", another)},
		{"for the method in lower case", "RFC 9110, Section 9.1: methods are case-sensitive", withClaim("htm", strings.ToLower(method))},
		{"without htu", claims, withClaim("htu", nil)},
		{"for another path", checks, withClaim("htu", strings.TrimRight(url, "/")+"/another")},
		{"for another host", checks, withClaim("htu", "https://another.example/")},
		{"for a path alone", "RFC 9110, Section 7.1: a target URI is absolute", withClaim("htu", "/")},
		{"without iat", claims, withClaim("iat", nil)},
		{"issued an hour ago", "RFC 9449, Section 11.1: a limited time", withClaim("iat", now().Add(-time.Hour))},
		{"issued in an hour", "RFC 9449, Section 11.2: nothing made in advance", withClaim("iat", now().Add(time.Hour))},
		{"issued at a string", "RFC 7519, Section 4.1.6: a number", withClaim("iat", now().Format(time.RFC3339))},
		{"without ath", "RFC 9449, Section 7: with the hash of the token", withClaim("ath", nil)},
		{"with another token's ath", checks, []string{k.Proof(method, url, token+"x", changes...)}},
	}
}
