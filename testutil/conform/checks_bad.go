package conform

import (
	"fmt"
	"strings"
	"sync"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A badCase says how much one token of [mockissuer.Issuer.BadTokens] matters.
type badCase struct {
	name    string // in the catalogue
	id      string
	level   Level
	section string
}

const (
	jws71   = "RFC 7515, Section 7.1"
	jws2    = "RFC 7515, Section 2"
	jws4    = "RFC 7515, Section 4"
	jwsAlg  = "RFC 7515, Section 4.1.1"
	jwsKid  = "RFC 7515, Section 4.1.4"
	jwsCrit = "RFC 7515, Section 4.1.11"
	jws52   = "RFC 7515, Section 5.2"
	jwt2    = "RFC 7519, Section 2"
	jwt4    = "RFC 7519, Section 4"
	jwtIss  = "RFC 7519, Section 4.1.1"
	jwtSub  = "RFC 7519, Section 4.1.2"
	jwtAud  = "RFC 7519, Section 4.1.3"
	jwtExp  = "RFC 7519, Section 4.1.4"
	jwtNbf  = "RFC 7519, Section 4.1.5"
	jwtIat  = "RFC 7519, Section 4.1.6"
	jwt72   = "RFC 7519, Section 7.2"
	jwt73   = "RFC 7519, Section 7.3"
	bcp31   = "RFC 8725, Section 3.1"
	bcp32   = "RFC 8725, Section 3.2"
	bcp33   = "RFC 8725, Section 3.3"
	bcp38   = "RFC 8725, Section 3.8"
	bcp310  = "RFC 8725, Section 3.10"
	bcp311  = "RFC 8725, Section 3.11"
	bcp312  = "RFC 8725, Section 3.12"
)

// badCases has a row for each token of the catalogue.
var badCases = []badCase{
	{"opaque", "form/opaque", Must, jws71},
	{"two segments", "form/two-segments", Must, jws71},
	{"four segments", "form/four-segments", Must, jws71},
	{"five segments", "form/five-segments", Must, "RFC 7516, Section 7.1"},
	{"no header", "form/no-header", Must, jws52},
	{"no payload", "form/no-payload", Must, "RFC 7515, Appendix F"},
	{"no signature", "form/no-signature", Must, jws52},
	{"padding", "form/padding", Should, jws2},
	{"standard alphabet", "form/standard-alphabet", Should, jws2},
	{"trailing bits", "form/trailing-bits", May, "RFC 4648, Section 3.5"},
	{"line break", "form/line-break", Should, jws2},
	{"NUL behind", "form/nul", Must, jws71},
	{"token twice", "form/twice", Must, jws71},
	{"JSON serialisation", "form/json-serialization", Must, "RFC 7519, Section 1"},
	{"unprotected header", "form/unprotected-header", Must, "RFC 7519, Section 1"},
	{"nested token", "form/nested", May, "RFC 7519, Section 8"}, // support for them is optional
	{"header in plain base64", "form/plain-base64", Should, jws2},
	{"too large", "form/too-large", May, ""},
	{"many dots", "form/many-dots", Must, jws71},

	{"header is no JSON", "json/header-text", Must, jws52},
	{"header is an array", "json/header-array", Must, jws52},
	{"two algs", "json/two-algs", May, jws4},
	{"two kids", "json/two-kids", May, jws4},
	{"payload is no JSON", "json/payload-text", Must, jwt72},
	{"payload is an array", "json/payload-array", Must, jwt72},
	{"payload is null", "json/payload-null", Must, jwt72},
	{"payload is empty", "json/payload-empty", Must, jwt72},
	{"two exps", "json/two-exps", May, jwt4},
	{"two subs", "json/two-subs", May, jwt4},
	{"two members deep inside", "json/two-members-inside", May, "RFC 8259, Section 4"},
	{"two objects", "json/two-objects", Must, jwt72},
	{"NUL after the object", "json/nul", Must, jwt72},
	{"byte order mark", "json/byte-order-mark", May, "RFC 8259, Section 8.1"},
	{"trailing comma", "json/trailing-comma", Must, "RFC 8259, Section 4"},
	{"comment", "json/comment", Must, "RFC 8259, Section 2"},
	{"control character", "json/control-character", Must, "RFC 8259, Section 7"},
	{"number with a leading zero", "json/leading-zero", Must, "RFC 8259, Section 6"},
	{"NaN", "json/nan", Must, "RFC 8259, Section 6"},
	{"invalid UTF-8", "json/invalid-utf8", Should, jwt72},
	{"half a surrogate pair", "json/half-surrogate", May, "RFC 8259, Section 8.2"},
	{"nested deep", "json/nested-deep", May, ""},
	{"critical extension", "json/critical-extension", Must, jwsCrit},
	{"empty crit", "json/empty-crit", Should, jwsCrit},
	{"unencoded payload", "json/unencoded-payload", Must, "RFC 7797, Section 7"},
	{"b64 without crit", "json/b64-without-crit", May, "RFC 7797, Section 6"},

	{"none", "algorithm/none", Must, bcp32},
	{"none with a signature", "algorithm/none-signed", Must, bcp32},
	{"None", "algorithm/none-in-another-case", Must, bcp32},
	{"no alg", "algorithm/missing", Must, jwsAlg},
	{"alg is null", "algorithm/null", Must, jwsAlg},
	{"alg is empty", "algorithm/empty", Must, jwsAlg},
	{"alg is a list", "algorithm/list", Must, jwsAlg},
	{"alg in another case", "algorithm/another-case", Must, jwsAlg},
	{"alg with a space", "algorithm/space", Must, jwsAlg},
	{"Alg", "algorithm/member-in-another-case", Must, jwt73},
	{"unknown alg", "algorithm/unknown", Must, bcp31},
	{"another alg of the same key", "algorithm/another-of-the-key", Must, bcp31},
	{"alg of another kind of key", "algorithm/another-kind", Must, bcp31},
	{"HS256 with the public key in PEM", "algorithm/hs256-pem", Must, "RFC 8725, Section 2.1"},
	{"HS256 with the public key in DER", "algorithm/hs256-der", Must, "RFC 8725, Section 2.1"},
	{"HS256 with the public key in PKCS #1", "algorithm/hs256-pkcs1", Must, "RFC 8725, Section 2.1"},
	{"HS256 with the JWK", "algorithm/hs256-jwk", Must, "RFC 8725, Section 2.1"},
	{"HS256 with nothing", "algorithm/hs256-empty", Must, bcp31},
	{"HS256 by a path", "algorithm/hs256-path", Must, bcp310},
	{"HS256 by a query", "algorithm/hs256-query", Must, bcp310},

	{"unknown kid", "key/unknown-kid", Must, bcp38},
	{"kid in another case", "key/kid-in-another-case", Should, jwsKid},
	{"kid is a number", "key/kid-number", Should, jwsKid},
	{"kid is null", "key/kid-null", May, jwsKid},
	{"huge kid", "key/huge-kid", Must, bcp38},
	{"kid with line breaks", "key/kid-line-breaks", Must, bcp310},
	{"stranger's key", "key/stranger", Must, bcp38},
	{"stranger's key without a kid", "key/stranger-without-kid", Must, bcp38},
	{"jwk", "key/jwk", Must, bcp38},
	{"jwk without a kid", "key/jwk-without-kid", Must, bcp38},
	{"jku", "key/jku", Must, bcp310},
	{"x5u", "key/x5u", Must, bcp310},
	{"x5c", "key/x5c", Must, bcp38},

	{"claims changed", "signature/claims-changed", Must, bcp33},
	{"header changed", "signature/header-changed", Must, bcp33},
	{"bit changed", "signature/bit-changed", Must, bcp33},
	{"zeros", "signature/zeros", Must, bcp33},
	{"signature cut", "signature/cut", Must, bcp33},
	{"signature with a byte more", "signature/byte-more", Must, bcp33},
	{"signature of a byte", "signature/one-byte", Must, bcp33},
	{"huge signature", "signature/huge", Must, bcp33},

	{"expired", "time/expired", Must, jwtExp},
	{"expired in 1970", "time/expired-in-1970", Must, jwtExp},
	{"no exp", "time/no-exp", Should, "RFC 9068, Section 2.2"},
	{"exp is null", "time/exp-null", Should, jwtExp},
	{"exp is a string", "time/exp-string", Should, jwtExp},
	{"exp is a date in words", "time/exp-words", Should, jwtExp},
	{"exp is true", "time/exp-true", Should, jwtExp},
	{"exp is a list", "time/exp-list", Should, jwtExp},
	{"exp in milliseconds", "time/exp-milliseconds", May, jwt2},
	{"exp without bounds", "time/exp-without-bounds", May, jwt2},
	{"exp beyond int64", "time/exp-beyond-int64", May, jwt2},
	{"EXP", "time/exp-in-another-case", Should, jwt73},
	{"not yet", "time/not-yet", Must, jwtNbf},
	{"nbf is a string", "time/nbf-string", Should, jwtNbf},
	{"issued in the future", "time/issued-in-the-future", May, jwtIat},
	{"iat is a string", "time/iat-string", May, jwtIat},

	{"no iss", "issuer/missing", Must, bcp38},
	{"another issuer", "issuer/another", Must, bcp38},
	{"issuer without its slash", "issuer/slash", Must, jwt73},
	{"issuer in capitals", "issuer/capitals", Must, jwt73},
	{"issuer that begins so", "issuer/prefix", Must, bcp38},
	{"issuer with a user", "issuer/user", Must, bcp38},
	{"issuer with a space", "issuer/space", Must, jwt73},
	{"ISS", "issuer/member-in-another-case", Must, jwt73},
	{"iss is a list", "issuer/list", Should, jwtIss},
	{"iss is null", "issuer/null", Must, bcp38},

	{"no aud", "audience/missing", Must, "RFC 8725, Section 3.9"},
	{"another audience", "audience/another", Must, jwtAud},
	{"several other audiences", "audience/several-others", Must, jwtAud},
	{"audience with a slash", "audience/slash", Must, jwt73},
	{"audience cut short", "audience/cut", Must, jwt73},
	{"audience in another case", "audience/another-case", Must, jwt73},
	{"audience in a list of words", "audience/words", Must, jwtAud},
	{"empty audience", "audience/empty", Must, jwtAud},
	{"aud is an empty list", "audience/empty-list", Must, jwtAud},
	{"aud is a number", "audience/number", Must, jwtAud},
	{"aud is null", "audience/null", Must, jwtAud},
	{"aud is an object", "audience/object", Must, jwtAud},
	{"aud has a number in it", "audience/number-in-list", May, jwtAud},

	{"sub is a number", "claim/sub-number", Should, jwtSub},
	{"sub is null", "claim/sub-null", May, jwtSub},
	{"sub is a list", "claim/sub-list", Should, jwtSub},
	{"scope is a number", "claim/scope-number", May, "RFC 6749, Section 3.3"},
	{"client_id is a number", "claim/client-id-number", May, "RFC 9068, Section 2.2"},
	{"azp is a list", "claim/azp-list", May, ""},

	{"ID token", "type/id-token", Must, jwtAud},
	{"ID token for the API", "type/id-token-for-the-api", Should, bcp312},
	{"ID token for the API without a nonce", "type/id-token-without-nonce", May, bcp312},
	{"typ of an ID token", "type/claim-typ-id", May, bcp312},
	{"typ of a refresh token", "type/claim-typ-refresh", May, bcp312},
	{"tokenType of a refresh token", "type/claim-token-type-refresh", May, bcp312},
	{"token_type of a refresh token", "type/claim-token_type-refresh", May, bcp312},
	{"type of a refresh token", "type/claim-type-refresh", May, bcp312},
	{"refresh token of an access token", "type/claim-ati", May, bcp312},
	{"token_use id", "type/claim-token-use-id", May, bcp312},
	{"logout token", "type/logout-token", Should, bcp311},
	{"logout token without a type", "type/logout-token-without-type", May, bcp312},
	{"security event", "type/security-event", Should, bcp311},
	{"DPoP proof", "type/dpop-proof", Should, bcp311},
	{"introspection response", "type/introspection-response", Should, "RFC 9701, Section 8.1"},
	{"authorization request", "type/authorization-request", May, "RFC 9101, Section 10.8"},
	{"type of its own", "type/unknown", Should, bcp311},
	{"typ is a number", "type/number", May, "RFC 7515, Section 4.1.9"},

	{"bound to a DPoP key", "binding/dpop-key", May, "RFC 9449, Section 7.2"},
	{"bound to a certificate", "binding/certificate", May, "RFC 8705, Section 3"},
	{"bound in an unknown way", "binding/unknown", May, "RFC 7800, Section 3.1"},
	{"cnf is empty", "binding/empty", May, "RFC 7800, Section 3.1"},
	{"cnf is null", "binding/null", May, "RFC 7800, Section 3.1"},
	{"cnf is a string", "binding/string", May, "RFC 7800, Section 3.1"},
	{"cnf with a number", "binding/number", May, "RFC 7800, Section 3.1"},
}

// levelFor returns the level of bad for the target.
func (bad badCase) levelFor(target Target) Level {
	switch {
	case bad.id == "binding/dpop-key" && target.DPoP, bad.id == "binding/certificate" && target.MTLS:
		return Must
	case strings.HasPrefix(bad.id, "binding/") && target.Profile == ProfileFAPI2:
		return Must // nothing but the key of the proof is a binding
	case bad.id == "time/no-exp" && target.Profile.strict():
		return Must
	case strings.HasPrefix(bad.id, "type/") && target.Profile.strict() && bad.id != "type/number":
		return Must // none of them has the type at+jwt
	}
	return bad.level
}

func (bad badCase) sectionFor(target Target) string {
	if strings.HasPrefix(bad.id, "type/") && target.Profile.strict() {
		return "RFC 9068, Section 4"
	}
	return bad.section
}

// reasons are the catalogue's, by name. They are the same for each issuer.
var reasons = sync.OnceValue(func() map[string]string {
	why := make(map[string]string)
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://issuer.example/"})
	if err != nil {
		return why
	}
	defer iss.Close()
	list, _ := iss.BadTokens(mockissuer.DefaultAudience)
	for _, bad := range list {
		why[bad.Name] = bad.Reason
	}
	return why
})

func badChecks(target Target, s *session) []check {
	var list []check
	why := reasons()
	tokens := sync.OnceValues(func() (map[string]string, error) {
		bad, err := s.iss.BadTokensLike(target.Audience, s.good())
		tokens := make(map[string]string)
		for _, b := range bad {
			tokens[b.Name] = b.Token
		}
		return tokens, err
	})
	for _, bad := range badCases {
		group, _, _ := strings.Cut(bad.id, "/")
		list = append(list, check{
			Case: Case{
				ID: bad.id, Level: bad.levelFor(target), Section: bad.sectionFor(target), Fix: fixes[group],
				Title: fmt.Sprintf("A token is rejected: %s.", bad.name), Why: why[bad.name],
			},
			run: func(s *session) verdict {
				all, err := tokens()
				if err != nil {
					return broken(err)
				}
				token := all[bad.name]
				switch {
				case token == "":
					return skip("there is no such token for this algorithm or audience")
				case !sendable(token):
					return skip("a header field can't hold this token, so HTTP rejects it")
				}
				return s.rejects(s.bearer(token))
			},
		})
	}
	return list
}

// fixes say what to change, by group, or by id where the group's is too wide.
var fixes = map[string]string{
	"good/audience-list":         "Accept aud as a string and as a list of strings.",
	"good/audience-among-others": "Look for the API's own name in the list aud, not at one place of it.",
	"good/scheme-in-lower-case":  "Compare the scheme without regard to case.",
	"good/several-spaces":        "Split the field at one or more spaces.",
	"good/fraction-of-a-second":  "Read exp, nbf and iat as numbers that may have a fraction.",
	"good/issued-just-ahead":     "Allow a clock difference of some seconds, and a minute at most.",
	"good/four-kib":              "Raise the limit of the header, in the server and in the proxies before it.",
	"good/no-type":               "Accept a token without typ in its header, unless the API requires at+jwt.",
	"good/at-jwt":                "Accept the typ at+jwt, which is that of access tokens.",
	"http2/good":                 "Read the token in the same way for every protocol that the server speaks.",

	"good":      "Configure the issuer, the audience and the algorithm that the mock issuer prints, and accept what the standard allows.",
	"rotation":  "Fetch the key set again if a token has an unknown kid, but not more often than every few seconds, and drop keys that are gone from it.",
	"outage":    "Keep the last good key set while the issuer can't be reached. Bound the time and the size of a fetch, and follow no redirect.",
	"request":   "Read the token from one Authorization field with the scheme Bearer, and from nowhere besides. Reject all other requests.",
	"challenge": "Answer 401 with WWW-Authenticate: Bearer, and with error=\"invalid_token\" if there was a token. Answer 403 with error=\"insufficient_scope\" if it lacks a scope.",
	"form":      "Read the token as a JWS in compact serialization, strictly: three segments of base64url without padding.",
	"json":      "Read header and payload as one JSON object each, with a strict parser, and reject critical extensions.",
	"algorithm": "List the allowed algorithms, such as RS256, and compare alg with the list exactly. Never take the algorithm from the token alone.",
	"key":       "Take keys from the issuer's key set alone, by the exact kid. Never use a key that the token brings or points to.",
	"signature": "Verify the signature over the header and the payload as they were sent, with a maintained library.",
	"time":      "Require exp, as a number, and compare exp and nbf with the time, with a leeway of a minute at most.",
	"issuer":    "Compare iss with the issuer's URL exactly, character by character.",
	"audience":  "Require that aud is, or has among its strings, the API's own name exactly.",
	"claim":     "Check the type of a claim before it is used. What is of another type is not absent.",
	"type":      "Reject tokens of other kinds: by typ in the header, and by the claims that only ID, refresh and logout tokens have.",
	"binding":   "Reject a token with cnf unless the request proves the key or certificate that it names.",
	"scope":     "Split scope at spaces and require each scope exactly. Answer 403 with error=\"insufficient_scope\" otherwise.",
	"http2":     "Put the check of tokens in front of every protocol that the server speaks.",
	"dpop":      "Check each proof as RFC 9449, Section 4.3 lists it, remember its jti, and never accept a bound token as a bearer token.",
	"mtls":      "Compare x5t#S256 in cnf with the certificate of the connection, and reject the token if they differ.",
	"metadata":  "Serve the protected resource metadata at the well-known URL, and name that URL in each challenge.",
	"robust":    "Reject bad input as the client's fault, by 400 or 401, and log it. No input of a client is a server error.",
	"leak":      "Write no token, and no part of its signature, into responses or logs.",
}
