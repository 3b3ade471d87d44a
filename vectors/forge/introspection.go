package forge

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

const (
	opaqueToken = "2YotnFZFEjr1zCsicMWpAA.~+/_-="
	endpoint    = "https://tenant.example.com/oauth/introspect"
	apiClient   = "orders-api"
)

// opaque makes the token one that says nothing. The claims are then members of
// the endpoint's answer, after "active".
func opaque() option {
	return func(d *draft) {
		d.opaque = opaqueToken
		d.v.Keys = ""
		d.v.Config.Introspection = &vectors.Introspection{ClientID: apiClient, Endpoint: endpoint}
		d.payload = append([]member{{"active", "true"}}, d.payload...)
	}
}

// answered replaces the endpoint's whole answer.
func answered(status int, contentType, body string, fields ...[2]string) option {
	return func(d *draft) {
		d.v.Served = append(d.v.Served, vectors.Served{
			Method: http.MethodPost, URL: endpoint, Status: status, Body: body,
			Header: append([][2]string{{"Content-Type", contentType}}, fields...),
		})
	}
}

// signedAnswer has the answer signed, as opts change it (RFC 9701).
func signedAnswer(opts ...option) option {
	return func(d *draft) { d.signedBy = append([]option{func(*draft) {}}, opts...) }
}

// finishAnswer adds the endpoint's answer, if there is none, and what is needed
// to verify a signed one.
func (d *draft) finishAnswer() {
	if d.opaque == "" {
		return
	}
	for _, s := range d.v.Served {
		if s.Method == http.MethodPost {
			return
		}
	}
	if d.signedBy == nil {
		answered(0, "application/json", d.payloadOf())(d)
		return
	}
	answer := &draft{
		header: []member{{"alg", `"RS256"`}, {"typ", `"token-introspection+jwt"`}, {"kid", `"rsa"`}},
		payload: []member{
			{"iss", quote(issuer)}, {"aud", quote(apiClient)}, {"iat", strconv.Itoa(now)}, {"token_introspection", d.payloadOf()},
		},
		key: rsaKey1(), alg: "RS256",
	}
	for _, opt := range d.signedBy {
		opt(answer)
	}
	answered(0, "application/token-introspection+jwt", answer.compact())(d)
	const keys = "https://tenant.example.com/jwks.json"
	served(
		vectors.Served{URL: "https://tenant.example.com/.well-known/openid-configuration", Body: `{"issuer":` + quote(issuer) + `,"jwks_uri":` + quote(keys) + `}`},
		vectors.Served{URL: keys, Body: "KEYS"},
	)(d)
}

func introspections() *suite {
	s := newSuite("introspection", "Opaque tokens: the issuer's introspection endpoint says what they are (RFC 7662, Section 2.2; RFC 9701, Section 5).")
	with := func(opts []option) []option { return append([]option{opaque()}, opts...) }
	accept := func(name, why string, opts ...option) { s.accept(name, why, with(opts)...) }
	refuse := func(code, name, why string, opts ...option) { s.refuse(code, name, why, with(opts)...) }
	s.answers(accept, refuse)
	s.answersAbout(accept, refuse)
	s.answersBound(accept, refuse)
	s.answersSigned(accept, refuse)
	s.askedOf(accept, refuse)
	return s
}

type (
	accepts func(name, why string, opts ...option)
	refuses func(code, name, why string, opts ...option)
)

// answers are those of any token: what an answer looks like.
func (s *suite) answers(accept accepts, refuse refuses) {
	const (
		active  = "RFC 7662, Section 2.2: active is a boolean, and required"
		down    = "RFC 7662, Section 2.2: an answer that can't be read says nothing about the token"
		status  = "RFC 7662, Section 2.3: an error is about the request of the resource server, not about the token"
		strict  = "RFC 8259, Sections 4 and 8.3: one reading of each name"
		form    = "RFC 6750, Section 2.1: a b64token"
		members = `"iss":"https://tenant.example.com/","aud":"https://api.example.com"`
	)
	plain := func(body string) option { return answered(0, "application/json", body) }

	accept("an active token", active)
	accept("only what is required", active, payload(`{"active":true,"aud":"https://api.example.com"}`))
	accept("active at the end", "RFC 8259, Section 4: members have no order", payload(`{`+members+`,"active":true}`))
	refuse("token_revoked", "active is false", active, claim("active", "false"))
	refuse("token_revoked", "active is false, and nothing else", active, payload(`{"active":false}`))
	refuse("token_revoked", "active is false, for another API", active, claim("active", "false"), claim("aud", `"x"`))
	for _, text := range []string{`"true"`, `"false"`, "1", "0", "null", "[]", "[true]", "{}", `"active"`, `""`} {
		refuse("unavailable", "active is "+text, active, claim("active", text))
	}
	refuse("unavailable", "no active", active, without("active"))
	refuse("unavailable", "Active", active, payload(`{"Active":true,`+members+`}`))
	accept("Active as well", "RFC 7519, Section 7.3: names are compared as they are", claim("Active", "false"))
	refuse("unavailable", "active twice, true first", strict, payload(`{"active":true,"active":false,`+members+`}`))
	refuse("unavailable", "active twice, true last", strict, payload(`{"active":false,"active":true,`+members+`}`))
	refuse("unavailable", "active twice, one with an escape", strict, payload(`{"active":true,"\u0061ctive":true,`+members+`}`))
	accept("active with an escape", strict, payload(`{"\u0061ctive":true,`+members+`}`))
	refuse("unavailable", "aud twice", strict, claimToo("aud", quote(audience)))
	refuse("unavailable", "iss twice", strict, claimToo("iss", quote(issuer)))
	refuse("unavailable", "a name twice within", strict, claim("x", `{"a":1,"a":2}`))
	accept("a name in two objects", strict, claim("x", `[{"a":1},{"a":2}]`))
	refuse("unavailable", "active in an object within", active, payload(`{"x":{"active":true},`+members+`}`))

	good := `{"active":true,` + members + `}`
	for _, c := range []struct{ name, body string }{
		{"nothing", ""}, {"a word", "true"}, {"an array", "[" + good + "]"}, {"a string", quote(good)}, {"null", "null"}, {"an empty object", "{}"},
		{"a page", "<html><body>active</body></html>"}, {"a form", "active=true"}, {"two objects", good + good}, {"cut", good[:len(good)-1]},
		{"a byte order mark", "\ufeff" + good}, {"a zero byte after it", good + "\x00"}, {"a comment", good[:1] + "/**/" + good[1:]},
		{"a comma at the end", good[:len(good)-1] + ",}"}, {"single quotes", strings.ReplaceAll(good, `"`, "'")}, {"a newline in a string", good[:len(good)-2] + "\n" + `"}`},
		{"half of a surrogate pair", good[:len(good)-1] + `,"x":"\ud800"}`},
	} {
		refuse("unavailable", "the answer is "+c.name, down, plain(c.body))
	}
	accept("white space around", "RFC 8259, Section 2: white space", plain(" \t\r\n"+good+"\n "))
	accept("a whole surrogate pair", "RFC 8259, Section 8.2: a pair is a character", plain(good[:len(good)-1]+`,"x":"\ud83d\ude00"}`))
	accept("the content type is text", "the body decides, not what it is called", answered(0, "text/plain", good))
	for _, n := range []int{32, 33} {
		add, name := map[int]func(string, string, ...option){32: accept, 33: func(name, why string, o ...option) { refuse("unavailable", name, why, o...) }}[n], "arrays within arrays, "+strconv.Itoa(n)+" levels with the object"
		add(name, "a limit of our own, as a token's", claim("x", strings.Repeat("[", n-1)+strings.Repeat("]", n-1)))
	}

	for _, code := range []int{201, 202, 204, 206, 301, 302, 303, 307, 308, 304, 400, 401, 403, 404, 405, 429, 500, 502, 503} {
		refuse("unavailable", "status "+httpStatus(code), status, answered(code, "application/json", good, [2]string{"Location", "https://attacker.example/"}),
			func(d *draft) {
				d.v.Served = append(d.v.Served, vectors.Served{Method: http.MethodPost, URL: "https://attacker.example/", Body: good}, vectors.Served{URL: "https://attacker.example/", Body: good})
			})
	}

	// Tokens for which nothing is asked.
	sent := func(text string) option { return func(d *draft) { d.opaque = text } }
	for _, text := range []string{"a", "a=", "a==", "-._~+/", strings.Repeat("a", 16384)} {
		accept("the token is "+shorten(text), form, sent(text))
	}
	for _, text := range []string{" ", "=", "==", "a b", "a=b", "=a", "a\n", "a ", "\ta", "a%20b", "a,b", `"a"`, "a;b", "é", "a\x00", "a&token=b", "a:b", "a@b", "a\\b", strings.Repeat("a", 16385)} {
		refuse("token_malformed", "the token is "+shorten(quote(text)), form, token(text), func(d *draft) {
			d.opaque = text
			if len(text) > 16384 {
				d.code = "token_malformed"
			}
		})
	}
	limit := func(n int) option { return config(func(c *vectors.Config) { c.MaxTokenSize = n }) }
	accept("a token as long as it may be", "a limit of the configuration", limit(64), sent(strings.Repeat("a", 64)))
	refuse("token_malformed", "a token one too long", "a limit of the configuration", limit(64), sent(strings.Repeat("a", 65)))
	accept("a token in JWT form, asked about", "RFC 7662, Section 2.1: the token is a string to the resource server", sent("eyJhbGciOiJub25lIn0.e30."))
	refuse("token_revoked", "a token in JWT form, not active", "RFC 7662, Section 2.1: the token is a string to the resource server", sent("eyJhbGciOiJub25lIn0.e30."), claim("active", "false"))
}

// answersAbout are about whose token it is, for whom, and until when.
func (s *suite) answersAbout(accept accepts, refuse refuses) {
	const (
		optional = "RFC 7662, Section 2.2: every member but active is optional"
		iss      = "RFC 7662, Section 2.2, and RFC 7519, Section 4.1.1: iss is exact"
		aud      = "RFC 7662, Section 2.2, and RFC 7519, Section 4.1.3: this API is in aud"
		noAud    = "RFC 7662, Section 4: a server may tell an API only of tokens that are meant for it, which not every server does"
		times    = "RFC 7662, Section 2.2, and RFC 7519, Section 2: a number of seconds"
		exp      = "RFC 7662, Section 4: an expired token is not active, whatever the answer says"
		nbf      = "RFC 7662, Section 4: a token that is not yet valid is not active"
		kind     = "RFC 7662, Section 2.2, and RFC 6749, Section 7.1: token_type says how an access token is used"
		scope    = "RFC 7662, Section 2.2, and RFC 6749, Section 3.3: a list of scopes"
	)
	accept("no iss", optional, without("iss"))
	for _, text := range []string{
		`"https://tenant.example.com"`, `"https://TENANT.example.com/"`, `"http://tenant.example.com/"`, `"https://tenant-b.example.com/"`, `""`, `"*"`,
		`"https://tenant.example.com/ "`, `"https://tenant.example.com/\u0000"`, `"https://tenant.example.com.attacker.example/"`,
	} {
		refuse("wrong_issuer", "iss is "+text, iss, claim("iss", text))
	}
	for _, text := range []string{"null", "1", "true", "{}", "[]", `["https://tenant.example.com/"]`} {
		refuse("invalid_claim", "iss is "+text, iss, claim("iss", text))
	}
	custom := config(func(c *vectors.Config) { c.Issuers = append(c.Issuers, "https://login.example.com/") })
	accept("iss is a custom domain of the server", iss, custom, claim("iss", `"https://login.example.com/"`))
	accept("iss is the server, beside a custom domain", iss, custom)
	accept("no iss, beside a custom domain", iss, custom, without("iss"))
	refuse("wrong_issuer", "iss is a custom domain that is not configured", iss, claim("iss", `"https://login.example.com/"`))

	for _, text := range []string{
		quote(audience + "/"), `"https://api.example.co"`, `"https://api.example.com.attacker.example"`, `"HTTPS://API.EXAMPLE.COM"`, `"*"`,
		`["https://a.example.com","https://b.example.com"]`, `["https://api.example.com "]`, quote(apiClient),
	} {
		refuse("wrong_audience", "aud is "+text, aud, claim("aud", text))
	}
	for _, text := range []string{"null", "1", "true", "{}", "[]", "[1]", `["https://api.example.com",1]`, `[["https://api.example.com"]]`, `{"https://api.example.com":true}`} {
		refuse("invalid_claim", "aud is "+text, aud, claim("aud", text))
	}
	accept("aud is an array", aud, claim("aud", `["https://a.example.com","https://api.example.com"]`))
	accept("aud is an array of one", aud, claim("aud", `["https://api.example.com"]`))
	accept("aud is another name of this API", aud, claim("aud", quote(apiClient)), config(func(c *vectors.Config) { c.Audiences = append(c.Audiences, apiClient) }))
	refuse("wrong_audience", "no aud", noAud, without("aud"))
	guaranteed := config(func(c *vectors.Config) { c.Introspection.AudienceGuaranteed = issuer })
	accept("no aud, and the server guarantees it", noAud, without("aud"), guaranteed)
	accept("no aud and no iss, and the server guarantees it", noAud, without("aud", "iss"), guaranteed)
	accept("aud, and the server guarantees it", noAud, guaranteed)
	refuse("wrong_audience", "another aud, and the server guarantees it", noAud, claim("aud", `"x"`), guaranteed)
	refuse("invalid_claim", "aud is null, and the server guarantees it", noAud, claim("aud", "null"), guaranteed)
	refuse("invalid_claim", "aud is empty, and the server guarantees it", noAud, claim("aud", "[]"), guaranteed)
	refuse("token_revoked", "no aud, the server guarantees it, and the token is not active", noAud, without("aud"), guaranteed, claim("active", "false"))
	instead := config(func(c *vectors.Config) { c.AudienceClaim = "client_id" })
	accept("no aud, and a claim in its place", "what the configuration names", without("aud"), instead, claim("client_id", quote(audience)))
	refuse("wrong_audience", "no aud, and another claim in its place", "what the configuration names", without("aud"), instead, claim("client_id", `"x"`))
	refuse("wrong_audience", "no aud, and no claim in its place", "what the configuration names", without("aud"), instead)
	refuse("wrong_audience", "another aud, and a claim that would be in its place", "what the configuration names", claim("aud", `"x"`), instead, claim("client_id", quote(audience)))

	accept("no exp", optional, without("exp"))
	accept("no iat", optional, without("iat"))
	accept("exp with a fraction", times, claim("exp", "1767229200.5"))
	accept("exp just now, within the leeway", exp, claim("exp", strconv.Itoa(now-29)))
	refuse("token_expired", "exp just past the leeway", exp, claim("exp", strconv.Itoa(now-30)))
	refuse("token_expired", "exp an hour ago", exp, claim("exp", strconv.Itoa(now-3600)))
	refuse("token_expired", "exp is 0", exp, claim("exp", "0"))
	refuse("token_expired", "exp just now, without leeway", exp, claim("exp", strconv.Itoa(now)), leeway(-1))
	accept("exp in a second, without leeway", exp, claim("exp", strconv.Itoa(now+1)), leeway(-1))
	accept("nbf just to come, within the leeway", nbf, claim("nbf", strconv.Itoa(now+30)))
	refuse("token_not_yet_valid", "nbf just past the leeway", nbf, claim("nbf", strconv.Itoa(now+31)))
	accept("iat just to come, within the leeway", nbf, claim("iat", strconv.Itoa(now+30)))
	refuse("token_not_yet_valid", "iat just past the leeway", nbf, claim("iat", strconv.Itoa(now+31)))
	for _, name := range []string{"exp", "nbf", "iat"} {
		for _, text := range []string{quote(strconv.Itoa(now)), "null", "[]", "true", `"2027-01-01T00:00:00Z"`} {
			refuse("invalid_claim", name+" is "+text, times, claim(name, text))
		}
	}
	refuse("token_expired", "expired, and of a check that is not met", "the order of the checks", claim("exp", "1"), check("scopes", "x"))

	for _, text := range []string{`"Bearer"`, `"bearer"`, `"BEARER"`} {
		accept("token_type is "+text, kind, claim("token_type", text))
	}
	accept(`token_type is "access_token"`, "Keycloak and others name the kind of token there", claim("token_type", `"access_token"`))
	accept(`token_type is the URN of access tokens`, "RFC 8693, Section 3: the URN of access tokens", claim("token_type", `"urn:ietf:params:oauth:token-type:access_token"`))
	for _, text := range []string{
		`"refresh_token"`, `"urn:ietf:params:oauth:token-type:refresh_token"`, `"urn:ietf:params:oauth:token-type:id_token"`, `"mac"`, `"N_A"`, `"pop"`,
		`""`, `"Bearer "`, `"Bearer, DPoP"`, "null", "1", "true", `["Bearer"]`, "{}", `"id_token"`,
	} {
		refuse("wrong_type", "token_type is "+text, kind, claim("token_type", text))
	}
	for _, m := range []member{{"typ", `"Refresh"`}, {"typ", `"ID"`}, {"token_use", `"id"`}, {"token_use", `"refresh"`}, {"token_use", `"refresh_token"`}, {"token_usage", `"refresh_token"`}, {"token_usage", `"id_token"`},
		{"token_usage", `"authorization_code"`}, {"token_usage", `"user_code"`}, {"purpose", `"refresh_token"`}, {"purpose", `"id"`}, {"tokenName", `"refresh_token"`},
		{"tokenType", `"refresh-token"`}, {"type", `"refresh"`}, {"c_hash", `"h"`}, {"at_hash", `"h"`}} {
		refuse("wrong_type", m.name+" is "+m.raw, "RFC 8725, Section 3.12: kinds of token exclude each other", claim(m.name, m.raw))
	}
	refuse("wrong_type", "token_usage is refresh_token, and token_type is Bearer", "RFC 8725, Section 3.12: kinds of token exclude each other",
		claim("token_usage", `"refresh_token"`), claim("token_type", `"Bearer"`))
	accept("token_usage is access_token", "OpenIddict names the kind of token there", claim("token_usage", `"access_token"`), claim("token_type", `"Bearer"`))
	accept("purpose is access_token", "Curity names the kind of token there", claim("purpose", `"access_token"`), claim("token_type", `"bearer"`))
	accept("typ is Bearer", "Keycloak names the kind of token there", claim("typ", `"Bearer"`))
	accept("token_use is access", "Cognito names the kind of token there", claim("token_use", `"access"`))

	orders := check("scopes", "read:orders")
	need := challengeScope("read:orders")
	accept("the scope", scope, orders)
	accept("the scope among others", scope, claim("scope", `"write:orders read:orders"`), orders)
	refuse("insufficient_scope", "no scope", scope, without("scope"), orders, need)
	refuse("insufficient_scope", "another scope", scope, claim("scope", `"write:orders"`), orders, need)
	refuse("insufficient_scope", "the scope in capitals", scope, claim("scope", `"READ:ORDERS"`), orders, need)
	refuse("insufficient_scope", "an empty scope", scope, claim("scope", `""`), orders, need)
	refuse("invalid_claim", "scope is a number", scope, claim("scope", "1"), orders)
	accept("the client", "RFC 7662, Section 2.2: client_id is the client that requested the token", claim("client_id", `"shop"`), check("clients", "shop"))
	refuse("refused", "another client", "RFC 7662, Section 2.2: client_id is the client that requested the token", claim("client_id", `"x"`), check("clients", "shop"))
	refuse("refused", "no client", "RFC 7662, Section 2.2: client_id is the client that requested the token", check("clients", "shop"))
	accept("the permission", "a claim of the issuer's", claim("permissions", `["read:orders"]`), check("permissions", "read:orders"))
	refuse("insufficient_scope", "no permission", "a claim of the issuer's", check("permissions", "read:orders"), need)
	accept("the organization", "a claim of the issuer's", claim("org_id", `"org_AbC123"`), check("organization", "org_AbC123"))
	refuse("wrong_organization", "another organization", "a claim of the issuer's", claim("org_id", `"org_x"`), check("organization", "org_AbC123"))
	for _, name := range []string{"sub", "client_id", "jti"} {
		refuse("invalid_claim", name+" is a number", "RFC 7662, Section 2.2: a string", claim(name, "1"))
	}
	accept("username and more", "RFC 7662, Section 2.2: further members, such as username", claim("username", `"a.secret.person"`), claim("x", `{"a":[1,null]}`))
}

// answersBound are about tokens that are bound to a key.
func (s *suite) answersBound(accept accepts, refuse refuses) {
	const (
		dpop = "RFC 9449, Section 6.2: cnf with jkt is a member of the answer, and token_type, if it is there, is DPoP"
		mtls = "RFC 8705, Section 3.2: cnf with x5t#S256 is a member of the answer"
		down = "RFC 9449, Section 7.2: a bound token is not taken as a Bearer token"
	)
	hash := func(of []byte) string {
		sum := sha256.Sum256(of)
		return b64(sum[:])
	}
	kind := claim("token_type", `"DPoP"`)
	accept("bound to a DPoP key, proven", dpop, kind, proven())
	accept("bound to a DPoP key, proven, without token_type", dpop, proven())
	accept("bound to a DPoP key, proven, and token_type is dpop", "RFC 6749, Section 5.1: token_type has no case", claim("token_type", `"dpop"`), proven())
	accept("bound to a DPoP key, proven, and token_type is Bearer", "a server that has not changed token_type: the key is proven all the same", claim("token_type", `"Bearer"`), proven())
	refuse("invalid_proof", "bound to a DPoP key, and the proof is another key's", dpop, kind, proven(proofBy("ES256", thiefKey)...), bound(thiefKey), bound(clientKey), challengeScope(""),
		func(d *draft) { d.v.Want, d.code = "binding_mismatch", "binding_mismatch" })
	refuse("invalid_proof", "bound to a DPoP key, and the proof is of another token", dpop, kind, proven(claim("ath", quote(ath("another")))))
	refuse("invalid_proof", "bound to a DPoP key, and no proof", dpop, kind, proven(), sent(func(r *vectors.Request) { r.Header = r.Header[:1] }))
	refuse("binding_mismatch", "bound to a DPoP key, under Bearer", down, kind, proven(), sent(func(r *vectors.Request) { r.Header = [][2]string{{"Authorization", "Bearer {token}"}} }))
	refuse("binding_mismatch", "bound to nothing, under DPoP", "RFC 9449, Section 7.1: the token must be bound", proven(), without("cnf"))
	refuse("token_revoked", "bound to a DPoP key, proven, and not active", dpop, kind, proven(), claim("active", "false"))

	jkt := hash([]byte("key"))
	key := confirmed(vectors.Confirmed{JKT: jkt})
	accept("cnf names the key that is proven", dpop, kind, claim("cnf", `{"jkt":"`+jkt+`"}`), key)
	refuse("binding_mismatch", "cnf names a key, and nothing is proven", dpop, kind, claim("cnf", `{"jkt":"`+jkt+`"}`))
	refuse("binding_mismatch", "cnf names another key", dpop, kind, claim("cnf", `{"jkt":"`+hash([]byte("other"))+`"}`), key)
	for _, text := range []string{"null", "{}", `""`, "[]", `{"jkt":null}`, `{"jkt":""}`, `{"jwk":{}}`, `{"JKT":"` + jkt + `"}`, `{"jkt":"` + jkt + `="}`, `{"jkt":"` + jkt + `","kid":"x"}`} {
		refuse("binding_mismatch", "cnf is "+strings.ReplaceAll(text, jkt, "HASH"), "RFC 7800, Section 3.1: a cnf in which nothing can be proven proves nothing", claim("cnf", text), key)
	}
	refuse("unavailable", "two cnf", "RFC 8259, Sections 4 and 8.3: one reading of each name", claim("cnf", `{"jkt":"`+jkt+`"}`), claimToo("cnf", `{"jkt":"`+jkt+`"}`), key)
	refuse("binding_mismatch", "token_type is DPoP, and no cnf", dpop, kind)
	refuse("binding_mismatch", "token_type is DPoP, and no cnf, and a key is proven", dpop, kind, key)

	cert := clientRSA().rsa.certificate()
	other := otherRSA().rsa.certificate()
	x5t := `{"x5t#S256":"` + hash(cert) + `"}`
	connection := func(der []byte) option {
		return func(d *draft) {
			d.v.Request = &vectors.Request{Scheme: "https", Target: "/orders", Header: [][2]string{{"Authorization", "Bearer {token}"}}, Certificate: base64.StdEncoding.EncodeToString(der)}
		}
	}
	accept("bound to a certificate, proven", mtls, claim("cnf", x5t), connection(cert))
	accept("bound to a certificate, proven, and token_type is Bearer", mtls, claim("cnf", x5t), claim("token_type", `"Bearer"`), connection(cert))
	refuse("binding_mismatch", "bound to a certificate, and another is proven", mtls, claim("cnf", x5t), connection(other))
	refuse("binding_mismatch", "bound to a certificate, and none is proven", mtls, claim("cnf", x5t), connection(nil))
	refuse("binding_mismatch", "bound to a certificate, proven, and token_type is DPoP", dpop, claim("cnf", x5t), kind, connection(cert))
	accept("a certificate, and a token bound to nothing", mtls, connection(cert))
	refuse("binding_mismatch", "a token bound to nothing, where a binding is required", "an API may accept bound tokens alone", connection(cert), requireBinding())
	accept("bound to a certificate, where a binding is required", mtls, claim("cnf", x5t), connection(cert), requireBinding())
}

// answersSigned are JWTs.
func (s *suite) answersSigned(accept accepts, refuse refuses) {
	const (
		claims  = "RFC 9701, Section 5: iss is the server, aud is the resource server, iat is now, and token_introspection is the answer"
		typ     = "RFC 9701, Section 5: typ is token-introspection+jwt"
		sig     = "RFC 7515, Section 5.2, and RFC 8725, Section 3.1: signed by the server's key, with an algorithm of ours"
		require = "RFC 9701, Section 4: the resource server asks for a signed answer"
		fresh   = "an answer from before it was asked for is another's"
	)
	required := config(func(c *vectors.Config) { c.Introspection.RequireSigned = true })
	for _, c := range []struct {
		name string
		opts []option
	}{{"", nil}, {", required", []option{required}}} {
		accept("signed"+c.name, claims, append([]option{signedAnswer()}, c.opts...)...)
		refuse("token_revoked", "signed"+c.name+", and not active", claims, append([]option{signedAnswer(), claim("active", "false")}, c.opts...)...)
		refuse("unavailable", "signed by another"+c.name, sig, append([]option{signedAnswer(by("RS256", otherRSA))}, c.opts...)...)
		refuse("unavailable", "signed by nobody"+c.name, sig, append([]option{signedAnswer(head("alg", `"none"`), signature(func(string) []byte { return nil }))}, c.opts...)...)
	}
	refuse("unavailable", "a plain answer, where a signed one is required", require, required, answered(0, "application/json", `{"active":true,"aud":"https://api.example.com"}`))
	refuse("unavailable", "a plain answer that is called a signed one", require, required, answered(0, "application/token-introspection+jwt", `{"active":true,"aud":"https://api.example.com"}`))
	accept("for the name of the API", claims, signedAnswer(claim("aud", quote(audience))))
	accept("for the API and others", claims, signedAnswer(claim("aud", `["x","orders-api"]`)))
	for _, text := range []string{`"other-api"`, `["x"]`, `"ORDERS-API"`, `""`, "[]", "null"} {
		refuse("unavailable", "signed, for "+text, claims, signedAnswer(claim("aud", text)))
	}
	refuse("unavailable", "signed, for nobody", claims, signedAnswer(without("aud")))
	for _, text := range []string{`"https://tenant-b.example.com/"`, `"https://tenant.example.com"`, `""`, "null"} {
		refuse("unavailable", "signed, and iss is "+text, claims, signedAnswer(claim("iss", text)))
	}
	refuse("unavailable", "signed, without iss", claims, signedAnswer(without("iss")))
	accept("signed, without iss in the answer", claims, signedAnswer(), without("iss"))
	refuse("wrong_issuer", "signed, and another iss in the answer", claims, signedAnswer(), claim("iss", `"https://tenant-b.example.com/"`))
	refuse("wrong_audience", "signed, and no aud in the answer", "the aud of the signed answer is its own", signedAnswer(), without("aud"))
	refuse("token_expired", "signed, and exp in the answer has passed", claims, signedAnswer(), claim("exp", "1"))
	refuse("unavailable", "signed, without iat", claims, signedAnswer(without("iat")))
	accept("signed, half a minute ago", fresh, signedAnswer(claim("iat", strconv.Itoa(now-30))))
	refuse("unavailable", "signed, a minute ago", fresh, signedAnswer(claim("iat", strconv.Itoa(now-60))))
	refuse("unavailable", "signed, in a minute", fresh, signedAnswer(claim("iat", strconv.Itoa(now+60))))
	accept("signed, and not expired", "RFC 7519, Section 4.1.4", signedAnswer(claim("exp", strconv.Itoa(now+1))))
	refuse("unavailable", "signed, and expired", "RFC 7519, Section 4.1.4", signedAnswer(claim("exp", strconv.Itoa(now-60))))
	accept("application/ before the type", "RFC 7515, Section 4.1.9: a media type", signedAnswer(head("typ", `"application/token-introspection+jwt"`)))
	accept("the type in capitals", "RFC 7515, Section 4.1.9: a media type", signedAnswer(head("typ", `"Token-Introspection+JWT"`)))
	for _, text := range []string{`"JWT"`, `"at+jwt"`, `"token-introspection"`, `""`, `"logout+jwt"`} {
		refuse("unavailable", "signed, and typ is "+text, typ, signedAnswer(head("typ", text)))
	}
	refuse("unavailable", "signed, without typ", typ, signedAnswer(headWithout("typ")))
	for _, text := range []string{"null", "true", `"{}"`, "[]", `[{"active":true}]`, "{}"} {
		refuse("unavailable", "token_introspection is "+text, claims, signedAnswer(claim("token_introspection", text)))
	}
	refuse("unavailable", "no token_introspection", claims, signedAnswer(without("token_introspection")))
	refuse("unavailable", "active beside token_introspection", claims, signedAnswer(without("token_introspection"), claim("active", "true")))
	refuse("unavailable", "token_introspection twice", "RFC 8259, Sections 4 and 8.3: one reading of each name", signedAnswer(claimToo("token_introspection", "{}")))
	refuse("unavailable", "signed by HS256 with the public key", "RFC 8725, Section 2.1: the public key as a secret", signedAnswer(head("alg", `"HS256"`)))
	accept("signed by PS256, which is allowed", sig, allow("PS256"), signedAnswer(head("alg", `"PS256"`), by("PS256", rsaKey1)))
	refuse("unavailable", "signed by PS256, which is not allowed", sig, signedAnswer(head("alg", `"PS256"`), by("PS256", rsaKey1)))
	refuse("unavailable", "signed by a key that the server has not", sig, signedAnswer(head("kid", `"x"`), by("RS256", otherRSA)))
	refuse("unavailable", "encrypted", "RFC 9701, Section 5: an answer may be encrypted, which the resource server asks for", answered(0, "application/token-introspection+jwt", "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"))
	refuse("unavailable", "the signed answer is cut", sig, signedAnswer(edited(func(s string) string { return s[:len(s)-4] })))
	accept("the signed answer has a line end", "a text file's end", signedAnswer(edited(func(s string) string { return s + "\n" })))
}

// askedOf are about who is asked, and about configurations.
func (s *suite) askedOf(accept accepts, refuse refuses) {
	const (
		whose = "RFC 8414, Section 3.3: the issuer in the document is the one that was asked, byte for byte"
		where = "RFC 8414, Section 2: introspection_endpoint is a URL, and a token is sent only where it can't be read on the way"
		found = "OpenID Connect Discovery 1.0, Section 4, then RFC 8414, Section 3.1"
		least = "RFC 7662, Section 2.1: the endpoint is protected, so the resource server is its client"
	)
	discovered := config(func(c *vectors.Config) { c.Introspection.Endpoint = "" })
	at := func(url, body string) option { return served(vectors.Served{URL: url, Body: body}) }
	const (
		openID = "https://tenant.example.com/.well-known/openid-configuration"
		oauth  = "https://tenant.example.com/.well-known/oauth-authorization-server"
	)
	doc := func(iss, uri string) string { return `{"issuer":` + iss + `,"introspection_endpoint":` + uri + `}` }
	good := doc(quote(issuer), quote(endpoint))
	accept("the endpoint, by OpenID Connect's document", found, discovered, at(openID, good))
	accept("the endpoint, by OAuth's document", found, discovered, at(oauth, good))
	accept("the endpoint, where the one document names none", found, discovered, at(openID, `{"issuer":`+quote(issuer)+`}`), at(oauth, good))
	refuse("token_revoked", "the endpoint, by OpenID Connect's document, and not active", found, discovered, at(openID, good), claim("active", "false"))
	refuse("unavailable", "no document", found, discovered, at("https://tenant.example.com/", good))
	refuse("unavailable", "a document without an endpoint", where, discovered, at(openID, `{"issuer":`+quote(issuer)+`}`))
	for _, iss := range []string{`"https://tenant.example.com"`, `"https://tenant-b.example.com/"`, `"HTTPS://tenant.example.com/"`, `""`, "null"} {
		refuse("unavailable", "a document of the issuer "+iss, whose, discovered, at(openID, doc(iss, quote(endpoint))))
	}
	for _, uri := range []string{
		"http://tenant.example.com/oauth/introspect", "/oauth/introspect", "//tenant.example.com/oauth/introspect", "", "ftp://tenant.example.com/", "http://127.0.0.1/introspect",
		"https://user:password@tenant.example.com/oauth/introspect", "https://tenant.example.com/oauth/introspect#f", "file:///etc/introspect", "https://",
	} {
		refuse("unavailable", "the endpoint is "+quote(uri), where, discovered, at(openID, doc(quote(issuer), quote(uri))),
			func(d *draft) {
				d.v.Served = append(d.v.Served, vectors.Served{Method: http.MethodPost, URL: uri, Body: `{"active":true,"aud":"https://api.example.com"}`})
			})
	}
	for _, uri := range []string{"null", "1", "[]", `["` + endpoint + `"]`, "{}"} {
		refuse("unavailable", "the endpoint is "+uri, where, discovered, at(openID, doc(quote(issuer), uri)))
	}
	accept("the endpoint on another host", where, discovered, at(openID, doc(quote(issuer), `"https://introspect.example.com/"`)),
		func(d *draft) {
			d.v.Served = append(d.v.Served, vectors.Served{Method: http.MethodPost, URL: "https://introspect.example.com/", Body: `{"active":true,"aud":"https://api.example.com"}`})
		})

	bad := func(name, why string, f func(*vectors.Config)) {
		refuse(invalidConfig, name, why, config(f), func(d *draft) { d.v.Token, d.unparsed, d.v.Served = "", true, []vectors.Served{} })
		last := &s.file.Vectors[len(s.file.Vectors)-1]
		last.Answer, last.Served = vectors.Answer{Code: invalidConfig}, nil
	}
	inside := func(endpoint, iss string) option {
		return config(func(c *vectors.Config) {
			c.InsecureHTTP, c.Issuers, c.Introspection.Endpoint = true, []string{iss}, endpoint
		})
	}
	answers := func(url string) option {
		return func(d *draft) {
			d.v.Served = append(d.v.Served, vectors.Served{Method: http.MethodPost, URL: url, Body: `{"active":true,"aud":"https://api.example.com"}`})
		}
	}
	const hydra, own = "http://hydra:4445/admin/oauth2/introspect", "http://hydra:4444/"
	accept("an endpoint over http, where it is said", where, inside(hydra, issuer), answers(hydra))
	accept("an issuer over http, where it is said", where, inside("", own), at(own+".well-known/openid-configuration", doc(quote(own), quote(hydra))), answers(hydra))
	refuse("unavailable", "metadata over https, and an endpoint over http, where http is accepted", where, inside("", issuer), at(openID, doc(quote(issuer), quote(hydra))), answers(hydra))
	refuse("unavailable", "an endpoint over ftp, where http is accepted", where, inside("", own), at(own+".well-known/openid-configuration", doc(quote(own), `"ftp://hydra/"`)), answers("ftp://hydra/"))
	accept("an issuer that is a word, and an endpoint", "RFC 7519, Section 4.1.1: any text names an issuer, if it is only compared", config(func(c *vectors.Config) { c.Issuers = []string{"acme"} }), claim("iss", `"acme"`))
	bad("an issuer that is a word, and no endpoint", where, func(c *vectors.Config) { c.Issuers, c.Introspection.Endpoint = []string{"acme"}, "" })
	bad("an issuer that is a word, and signed answers", where, func(c *vectors.Config) { c.Issuers, c.Introspection.RequireSigned = []string{"acme"}, true })
	bad("introspection without a client", least, func(c *vectors.Config) { c.Introspection.ClientID = "" })
	bad("introspection without an audience", "RFC 8725, Section 3.9: without an audience the tokens of every API would be accepted", func(c *vectors.Config) { c.Audiences = nil })
	bad("introspection without an issuer", least, func(c *vectors.Config) { c.Issuers = nil })
	bad("an endpoint over ftp is configured, where http is accepted", where, func(c *vectors.Config) { c.InsecureHTTP, c.Introspection.Endpoint = true, "ftp://hydra/" })
	bad("another issuer guarantees the audience", "RFC 7662, Section 4: it is the server that is asked", func(c *vectors.Config) { c.Introspection.AudienceGuaranteed = "https://tenant-b.example.com/" })
	bad("the claim sub for aud, by introspection", "what every token of an issuer has says of none that it is for this API", func(c *vectors.Config) { c.AudienceClaim = "sub" })
	bad("a leeway of more than 5 minutes, by introspection", "RFC 7519, Section 4.1.4: a small leeway", func(c *vectors.Config) { c.LeewaySeconds = 301 })
	for _, u := range []string{"http://tenant.example.com/oauth/introspect", "tenant.example.com/introspect", "https://user@tenant.example.com/", "https://tenant.example.com/#f", "ftp://tenant.example.com/", "https://"} {
		bad("an endpoint at "+quote(u), where, func(c *vectors.Config) { c.Introspection.Endpoint = u })
	}
}
