package mockissuer

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

const (
	expired      = "token_expired"
	early        = "token_not_yet_valid"
	claim        = "invalid_claim"
	wrongIssuer  = "wrong_issuer"
	wrongAud     = "wrong_audience"
	wrongType    = "wrong_type"
	unproven     = "binding_mismatch"
	numericDate  = "A NumericDate is a JSON number of seconds (RFC 7519, Section 2). "
	exactIssuer  = "The issuer is compared exactly (RFC 7519, Section 7.3). "
	exactAud     = "One of the API's audiences must be in aud, exactly (RFC 7519, Section 4.1.3). "
	stringClaim  = "The claim is a string, and what is not understood must not pass for absent. "
	boundToken   = "A token that is bound to a key is no bearer token (RFC 9449, Section 7.2; RFC 8705, Section 3). "
	anotherType  = "It is another kind of token, though rightly signed (RFC 8725, Section 3.11): "
	exactMembers = "Names are compared exactly (RFC 7519, Section 7.3): "
)

// thumbprint is a well-formed hash of no key that the client has.
const thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

// badTimes are tokens that are expired or not yet valid, or that don't say so.
var badTimes = []badToken{
	{"expired", expired, "It expired an hour ago (RFC 7519, Section 4.1.4).", func(f *forger) string { return f.withClaims(members{"exp": f.now - 3600}) }},
	{"expired in 1970", expired, "exp is 0, which is a time and not its absence.", func(f *forger) string { return f.withClaims(members{"exp": 0}) }},
	{"no exp", claim, "It never ends.", func(f *forger) string { return f.withClaims(members{"exp": nil}) }},
	{"exp is null", claim, numericDate + "exp is null.", func(f *forger) string { return f.withClaims(members{"exp": raw("null")}) }},
	{"exp is a string", claim, numericDate + "exp is a string of digits.", func(f *forger) string {
		return f.withClaims(members{"exp": strconv.FormatInt(f.now+3600, 10)})
	}},
	{"exp is a date in words", claim, numericDate + "exp is a date by RFC 3339.", func(f *forger) string { return f.withClaims(members{"exp": "2999-12-31T23:59:59Z"}) }},
	{"exp is true", claim, numericDate + "exp is true.", func(f *forger) string { return f.withClaims(members{"exp": true}) }},
	{"exp is a list", claim, numericDate + "exp is an array.", func(f *forger) string { return f.withClaims(members{"exp": []int64{f.now + 3600}}) }},
	{"exp in milliseconds", claim, numericDate + "exp is in milliseconds, and ends in fifty thousand years.", func(f *forger) string {
		return f.withClaims(members{"exp": (f.now + 3600) * 1000})
	}},
	{"exp without bounds", claim, numericDate + "exp is more than a float holds.", func(f *forger) string { return f.withClaims(members{"exp": raw("1e400")}) }},
	{"exp beyond int64", claim, numericDate + "exp wraps around in 64 bits.", func(f *forger) string { return f.withClaims(members{"exp": raw("18446744073709551616")}) }},
	{"EXP", claim, exactMembers + "EXP is a private claim, and exp is missing.", func(f *forger) string {
		return f.withClaims(members{"exp": nil, "EXP": f.now + 3600})
	}},
	{"not yet", early, "nbf is in an hour (RFC 7519, Section 4.1.5).", func(f *forger) string {
		return f.withClaims(members{"nbf": f.now + 3600, "exp": f.now + 7200})
	}},
	{"nbf is a string", claim, numericDate + "nbf is a string of digits.", func(f *forger) string {
		return f.withClaims(members{"nbf": strconv.FormatInt(f.now, 10)})
	}},
	{"issued in the future", early, "iat is in an hour.", func(f *forger) string {
		return f.withClaims(members{"iat": f.now + 3600, "exp": f.now + 7200})
	}},
	{"iat is a string", claim, numericDate + "iat is a string of digits.", func(f *forger) string {
		return f.withClaims(members{"iat": strconv.FormatInt(f.now, 10)})
	}},
}

// badNames are tokens of another issuer or for another API, or without either,
// or with names that two readers read differently.
var badNames = []badToken{
	{"no iss", wrongIssuer, exactIssuer + "Here it is missing.", func(f *forger) string { return f.withClaims(members{"iss": nil}) }},
	{"another issuer", wrongIssuer, exactIssuer + "Here it is another's.", func(f *forger) string { return f.withClaims(members{"iss": "https://attacker.invalid/"}) }},
	{"issuer without its slash", wrongIssuer, exactIssuer + "Here the slash at its end is missing, or one too many.", func(f *forger) string {
		if cut, ok := strings.CutSuffix(f.issuer, "/"); ok {
			return f.withClaims(members{"iss": cut})
		}
		return f.withClaims(members{"iss": f.issuer + "/"})
	}},
	{"issuer in capitals", wrongIssuer, exactIssuer + "Here it is in capitals.", func(f *forger) string { return f.withClaims(members{"iss": strings.ToUpper(f.issuer)}) }},
	{"issuer that begins so", wrongIssuer, exactIssuer + "Here the issuer's name is the beginning of another host's.", func(f *forger) string {
		return f.withClaims(members{"iss": strings.TrimSuffix(f.issuer, "/") + ".attacker.invalid/"})
	}},
	{"issuer with a user", wrongIssuer, exactIssuer + "Here the issuer's host is the user of another's.", func(f *forger) string {
		u, err := url.Parse(f.issuer)
		f.note(err)
		return f.withClaims(members{"iss": u.Scheme + "://" + u.Host + "@attacker.invalid/"})
	}},
	{"issuer with a space", wrongIssuer, exactIssuer + "Here a space follows it.", func(f *forger) string { return f.withClaims(members{"iss": f.issuer + " "}) }},
	{"ISS", wrongIssuer, exactMembers + "ISS is a private claim, and iss is missing.", func(f *forger) string {
		return f.withClaims(members{"iss": nil, "ISS": f.issuer})
	}},
	{"iss is a list", claim, stringClaim + "iss is an array.", func(f *forger) string { return f.withClaims(members{"iss": []string{f.issuer}}) }},
	{"iss is null", claim, stringClaim + "iss is null.", func(f *forger) string { return f.withClaims(members{"iss": raw("null")}) }},

	{"no aud", wrongAud, exactAud + "Here it is missing, so the token is for no API, or for all.", func(f *forger) string { return f.withClaims(members{"aud": nil}) }},
	{"another audience", wrongAud, exactAud + "Here it is another API of the same issuer.", func(f *forger) string { return f.withClaims(members{"aud": "https://other.example.com"}) }},
	{"several other audiences", wrongAud, exactAud + "Here it is two others.", func(f *forger) string {
		return f.withClaims(members{"aud": []string{"https://other.example.com", userInfoAudience(f.issuer)}})
	}},
	{"audience with a slash", wrongAud, exactAud + "Here a slash follows it.", func(f *forger) string { return f.withClaims(members{"aud": f.audience + "/"}) }},
	{"audience cut short", wrongAud, exactAud + "Here its last letter is missing.", func(f *forger) string { return f.withClaims(members{"aud": f.audience[:len(f.audience)-1]}) }},
	{"audience in another case", wrongAud, exactAud + "Here it is in another case.", func(f *forger) string {
		if upper := strings.ToUpper(f.audience); upper != f.audience {
			return f.withClaims(members{"aud": upper})
		}
		return ""
	}},
	{"audience in a list of words", wrongAud, exactAud + "Here it is in a string of several, with spaces.", func(f *forger) string {
		return f.withClaims(members{"aud": "https://other.example.com " + f.audience})
	}},
	{"empty audience", wrongAud, exactAud + "Here it is an empty string.", func(f *forger) string { return f.withClaims(members{"aud": ""}) }},
	{"aud is an empty list", claim, exactAud + "Here it is an empty array.", func(f *forger) string { return f.withClaims(members{"aud": []string{}}) }},
	{"aud is a number", claim, exactAud + "Here it is a number.", func(f *forger) string { return f.withClaims(members{"aud": 1}) }},
	{"aud is null", claim, exactAud + "Here it is null.", func(f *forger) string { return f.withClaims(members{"aud": raw("null")}) }},
	{"aud is an object", claim, exactAud + "Here it is an object with the API as a name.", func(f *forger) string {
		return f.withClaims(members{"aud": map[string]any{f.audience: true}})
	}},
	{"aud has a number in it", claim, exactAud + "Here the API is in an array with a number.", func(f *forger) string {
		return f.withClaims(members{"aud": []any{f.audience, 1}})
	}},

	{"sub is a number", claim, stringClaim + "sub is a number.", func(f *forger) string { return f.withClaims(members{"sub": 1}) }},
	{"sub is null", claim, stringClaim + "sub is null.", func(f *forger) string { return f.withClaims(members{"sub": raw("null")}) }},
	{"sub is a list", claim, stringClaim + "sub is an array of two.", func(f *forger) string { return f.withClaims(members{"sub": []string{"alice", "admin"}}) }},
	{"scope is a number", claim, stringClaim + "scope is a number.", func(f *forger) string { return f.withClaims(members{"scope": 1}) }},
	{"client_id is a number", claim, stringClaim + "client_id is a number.", func(f *forger) string { return f.withClaims(members{"client_id": 1}) }},
	{"azp is a list", claim, stringClaim + "azp is an array.", func(f *forger) string { return f.withClaims(members{"azp": []string{"demo-app"}}) }},
}

// badTypes are other kinds of token, and tokens that need a proof.
var badTypes = []badToken{
	{"ID token", wrongAud, anotherType + "an ID token, which is for a client and says who logged in there.", func(f *forger) string {
		return f.asAnother(members{"aud": "demo-app", "nonce": "n", "sid": "s"})
	}},
	{"ID token for the API", wrongType, anotherType + "an ID token whose audience is the API's, by nonce and at_hash.", func(f *forger) string {
		return f.asAnother(members{"nonce": "n", "at_hash": "h"})
	}},
	{"ID token for the API without a nonce", wrongType, anotherType + "an ID token whose audience is the API's, by at_hash.", func(f *forger) string {
		return f.asAnother(members{"at_hash": "h"})
	}},
	{"typ of an ID token", wrongType, anotherType + "its claim typ says ID.", func(f *forger) string { return f.asAnother(members{"typ": "ID"}) }},
	{"typ of a refresh token", wrongType, anotherType + "its claim typ says Refresh.", func(f *forger) string { return f.asAnother(members{"typ": "Refresh"}) }},
	{"tokenType of a refresh token", wrongType, anotherType + "its claim tokenType says refresh-token.", func(f *forger) string {
		return f.asAnother(members{"tokenType": "refresh-token"})
	}},
	{"token_type of a refresh token", wrongType, anotherType + "its claim token_type says refresh.", func(f *forger) string { return f.asAnother(members{"token_type": "refresh"}) }},
	{"type of a refresh token", wrongType, anotherType + "its claim type says refresh.", func(f *forger) string { return f.asAnother(members{"type": "refresh"}) }},
	{"refresh token of an access token", wrongType, anotherType + "a refresh token, whose ati is the ID of an access token.", func(f *forger) string { return f.asAnother(members{"ati": "j"}) }},
	{"token_use id", wrongType, anotherType + "its claim token_use says id.", func(f *forger) string { return f.asAnother(members{"token_use": "id"}) }},
	{"logout token", wrongType, anotherType + "a logout token (OpenID Connect Back-Channel Logout).", func(f *forger) string {
		return f.signed(f.alg, f.own, f.header(members{"typ": "logout+jwt"}), f.claims(members{
			"events": raw(`{"http://schemas.openid.net/event/backchannel-logout":{}}`), "jti": "j",
		}))
	}},
	{"logout token without a type", wrongType, anotherType + "a logout token of the type JWT.", func(f *forger) string {
		return f.asAnother(members{"events": raw(`{"http://schemas.openid.net/event/backchannel-logout":{}}`), "jti": "j"})
	}},
	{"security event", wrongType, anotherType + "a security event token (RFC 8417).", func(f *forger) string { return f.withHeader(members{"typ": "secevent+jwt"}) }},
	{"DPoP proof", wrongType, anotherType + "a DPoP proof (RFC 9449).", func(f *forger) string { return f.withHeader(members{"typ": "dpop+jwt"}) }},
	{"introspection response", wrongType, anotherType + "a signed answer to an introspection (RFC 9701).", func(f *forger) string {
		return f.signed(f.alg, f.own, f.header(members{"typ": "token-introspection+jwt"}), f.claims(members{
			"token_introspection": map[string]any{"active": true},
		}))
	}},
	{"authorization request", wrongType, anotherType + "a signed authorization request (RFC 9101).", func(f *forger) string {
		return f.asAnother(members{"response_type": "code", "client_id": "demo-app"})
	}},
	{"type of its own", wrongType, anotherType + "of a type that an access token does not have.", func(f *forger) string { return f.withHeader(members{"typ": "session+jwt"}) }},
	{"typ is a number", malformed, "The type in the header is a string (RFC 7515, Section 4.1.9).", func(f *forger) string { return f.withHeader(members{"typ": 1}) }},

	{"bound to a DPoP key", unproven, boundToken + "cnf has the thumbprint of a DPoP key.", func(f *forger) string {
		return f.withClaims(members{"cnf": map[string]any{"jkt": thumbprint}})
	}},
	{"bound to a certificate", unproven, boundToken + "cnf has the hash of a client certificate.", func(f *forger) string {
		return f.withClaims(members{"cnf": map[string]any{"x5t#S256": thumbprint}})
	}},
	{"bound in an unknown way", unproven, boundToken + "cnf asks for a proof of an unknown kind.", func(f *forger) string {
		return f.withClaims(members{"cnf": map[string]any{"future": "x"}})
	}},
	{"cnf is empty", unproven, boundToken + "cnf is an empty object.", func(f *forger) string { return f.withClaims(members{"cnf": map[string]any{}}) }},
	{"cnf is null", unproven, boundToken + "cnf is null.", func(f *forger) string { return f.withClaims(members{"cnf": raw("null")}) }},
	{"cnf is a string", unproven, boundToken + "cnf is a string.", func(f *forger) string { return f.withClaims(members{"cnf": thumbprint}) }},
	{"cnf with a number", unproven, boundToken + "cnf has a thumbprint that is a number.", func(f *forger) string {
		return f.withClaims(members{"cnf": map[string]json.Number{"jkt": "1"}})
	}},
}
