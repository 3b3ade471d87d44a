package forge

import (
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

func limits() *suite {
	s := newSuite("limits", "Sizes: at the limit and one past it.")
	const size = "a token's size is limited before it is looked at"

	// sized pads the token to exactly n bytes. Not every length in base64url
	// has a payload, in which case the header is padded too.
	sized := func(n int) option {
		return func(d *draft) {
			for extra := 0; extra < 8; extra++ {
				header := set(append([]member(nil), d.header...), member{"pad", quote(strings.Repeat("h", extra))})
				d.header = header
				d.payload = set(d.payload, member{"pad", `""`})
				short := n - len(d.compact())
				if short < 0 {
					panic("forge: token is too long")
				}
				for grow := short*3/4 - 2; grow <= short*3/4+2; grow++ {
					if grow < 0 {
						continue
					}
					d.payload = set(d.payload, member{"pad", quote(strings.Repeat("p", grow))})
					if len(d.compact()) == n {
						return
					}
				}
			}
			panic("forge: no token of " + strconv.Itoa(n) + " bytes")
		}
	}
	limit := func(n int) option { return config(func(c *vectors.Config) { c.MaxTokenSize = n }) }
	s.accept("16 KiB", size, sized(16384))
	s.refuse("token_malformed", "16 KiB and one", size, sized(16385))
	s.accept("1,000 bytes of 1,000", size, limit(1000), sized(1000))
	s.refuse("token_malformed", "1,001 bytes of 1,000", size, limit(1000), sized(1001))
	s.accept("20,000 bytes of 20,000", size, limit(20000), sized(20000))
	s.refuse("token_malformed", "20,001 bytes of 20,000", size, limit(20000), sized(20001))

	const members = "members are limited to 1,024, and to one for each 16 bytes of a larger limit of the token's size"
	const headerSize = "a header's size is limited to 4 KiB"
	headerOf := func(n int) option {
		return func(d *draft) {
			for pad := 0; ; pad++ {
				d.header = set(d.header, member{"pad", quote(strings.Repeat("h", pad))})
				if l := len(b64([]byte(object(d.header)))); l == n {
					return
				} else if l > n {
					panic("forge: no header of that size")
				}
			}
		}
	}
	s.accept("a header of 4 KiB", headerSize, headerOf(4096))
	s.refuse("token_malformed", "a header of 4 KiB and two", headerSize, headerOf(4098))
	s.refuse("token_malformed", "a header of 8 KiB", headerSize, headerOf(8192))
	s.refuse("token_malformed", "16 KiB of periods", size, token(strings.Repeat(".", 16384)))
	s.refuse("token_malformed", "16 KiB of periods and one", size, token(strings.Repeat(".", 16385)))
	s.refuse("token_malformed", "1,000 parts", "RFC 7515, Section 7.1", token(strings.Repeat("e30.", 999)+"e30"))
	s.refuse("token_malformed", "a header of 3 KiB of brackets", "the depth is limited to 32", header(`{"a":`+strings.Repeat("[", 3000)))
	s.refuse("token_malformed", "a payload of 11 KiB of brackets", "the depth is limited to 32", payload(`{"a":`+strings.Repeat("[", 11000)))
	s.refuse("token_malformed", "a header of 500 members", "a header's size is limited to 4 KiB", header(`{"alg":"RS256","kid":"rsa",`+numbered(500)+`}`))
	s.accept("a header of 300 members", "RFC 7515, Section 4: others are ignored", header(`{"alg":"RS256","kid":"rsa",`+numbered(300)+`}`))
	s.refuse("token_malformed", "a payload of 1,500 members", "members are limited to 1,024", payload(claims(","+numbered(1500))))
	// The payload has five members more.
	s.accept("a payload of 1,024 members", members, payload(claims(","+numbered(1024-5))))
	s.refuse("token_malformed", "a payload of 1,025 members", members, payload(claims(","+numbered(1025-5))))
	s.accept("a payload of 1,024 members, a limit of 1 KiB less", members, limit(15<<10), payload(claims(","+numbered(1024-5))))
	s.accept("a payload of 2,048 members, a limit of 32 KiB", members, limit(32<<10), payload(claims(","+numbered(2048-5))))
	s.refuse("token_malformed", "a payload of 2,049 members, a limit of 32 KiB", members, limit(32<<10), payload(claims(","+numbered(2049-5))))
	s.refuse("token_malformed", "a payload of 1,500 members of one name", "RFC 7519, Section 4", payload(claims(strings.Repeat(`,"a":0`, 1500))))
	s.accept("an audience of 200 others and ours", "RFC 7519, Section 4.1.3", claim("aud", "["+strings.Repeat(`"https://other.example.com",`, 200)+quote(audience)+"]"))
	s.refuse("wrong_audience", "an audience of 200 others", "RFC 7519, Section 4.1.3", claim("aud", "["+strings.Repeat(`"https://other.example.com",`, 200)+`"x"]`))
	s.refuse("invalid_signature", "a signature of 1,024 bytes", sigLength, mangled(func([]byte) []byte { return make([]byte, 1024) }))
	s.refuse("invalid_signature", "a signature of 1,025 bytes", sigLength, mangled(func([]byte) []byte { return make([]byte, 1025) }))
	s.refuse("invalid_signature", "a signature of 8 KiB", sigLength, mangled(func([]byte) []byte { return make([]byte, 8192) }))
	s.refuse("unknown_key", "a kid of almost 4 KiB", "RFC 8725, Section 3.10", head("kid", quote(strings.Repeat("k", 2990))))
	s.accept("a scope of 500 entries", "RFC 6749, Section 3.3", claim("scope", quote(strings.TrimSpace(strings.Repeat("read:x ", 500))+" read:orders")), check("scopes", "read:orders"))
	return s
}

func requests() *suite {
	s := newSuite("requests", "The Authorization field and its like (RFC 6750, Sections 2 and 3.1; RFC 9110, Section 11).")
	const (
		field  = "RFC 6750, Section 2.1: Bearer, a space, a b64token"
		scheme = "RFC 9110, Section 11.1: schemes have no case"
		single = "RFC 9110, Section 5.3: the field is not a list"
		none   = "RFC 6750, Section 3.1: no credentials, no error code"
		query  = "RFC 9700, Section 4.3.2: not in a query"
		twice  = "RFC 6750, Section 2: one way in a request"
	)
	s.accept("as it should be", field, authorization("Bearer {token}"))
	for _, v := range []string{"bearer {token}", "BEARER {token}", "bEaReR {token}"} {
		s.accept(v, scheme, authorization(v))
	}
	s.accept("two spaces", field, authorization("Bearer  {token}"))
	for _, c := range []struct{ name, value string }{
		{"nothing", ""}, {"Basic", "Basic dXNlcjpwYXNzd29yZA=="}, {"Digest", `Digest username="u"`}, {"the token alone", "{token}"}, {"Bearertoken", "Bearer{token}"}, {"Token", "Token {token}"}, {"JWT", "JWT {token}"}, {"BearerX", "BearerX {token}"}, {"XBearer", "XBearer {token}"}, {"DPoP", "DPoP {token}"}, {"Negotiate", "Negotiate YII="},
		{"Bear", "Bear {token}"}, {"Bearer-Token", "Bearer-Token {token}"},
	} {
		s.refuse("token_missing", "Authorization: "+c.name, none, authorization(c.value))
	}
	for _, c := range []struct{ name, value string }{
		{"Bearer alone", "Bearer"}, {"Bearer and a space", "Bearer "}, {"Bearer and spaces", "Bearer   "}, {"a tab", "Bearer\t{token}"}, {"a space and a tab", "Bearer \t{token}"}, {"a comma after the scheme", "Bearer, {token}"}, {"a colon", "Bearer: {token}"}, {"an equals sign", "Bearer={token}"},
		{"quoted", `Bearer "{token}"`}, {"with a parameter", "Bearer {token}, realm=x"}, {"with a name", "Bearer token={token}"}, {"two tokens", "Bearer {token} {token}"}, {"two tokens and a comma", "Bearer {token},{token}"}, {"two credentials in one field", "Bearer {token}, Bearer {token}"}, {"Basic and Bearer in one field, a comma first", ", Bearer {token}"},
		{"a space before", " Bearer {token}"}, {"a tab before", "\tBearer {token}"}, {"a space after", "Bearer {token} "}, {"a semicolon", "Bearer {token};"}, {"angle brackets", "Bearer <{token}>"}, {"a line break", "Bearer {token}\r\n X: y"}, {"a newline", "Bearer\n{token}"}, {"a zero byte", "Bearer {token}\x00"},
		{"a zero byte after the scheme", "Bearer\x00{token}"}, {"a no-break space", "Bearer\u00a0{token}"}, {"an ideographic space", "Bearer\u3000{token}"}, {"another script's letter", "Bearer {token}\u0430"}, {"braces", "Bearer {{token}}"}, {"padding within", "Bearer a=b.c.d"}, {"only padding", "Bearer ==="}, {"percent-encoded", "Bearer%20{token}"},
		{"a Cyrillic B", "\u0412earer {token}"}, {"an at sign", "Bearer user@{token}"},
	} {
		if c.name == "percent-encoded" {
			s.refuse("token_missing", "Authorization: "+c.name, none, authorization(c.value))
			continue
		}
		s.refuse("invalid_request", "Authorization: "+c.name, field, authorization(c.value))
	}
	for _, c := range []struct{ name, value string }{{"opaque", "Bearer abc"}, {"with padding", "Bearer {token}="}, {"with a plus sign", "Bearer a+b.c.d"}, {"with a tilde", "Bearer ~{token}"}, {"a period", "Bearer ."}, {"with the scheme's name", "Bearer Bearer"}} {
		s.refuse("token_malformed", "Authorization: "+c.name, field, authorization(c.value))
	}
	s.refuse("token_missing", "no field", none, request())
	for _, values := range [][]string{{"Bearer {token}", "Bearer {token}"}, {"Bearer {token}", ""}, {"", "Bearer {token}"}, {"Basic dTpw", "Bearer {token}"}, {"Bearer {token}", "Basic dTpw"}, {"Bearer a", "Bearer b", "Bearer c"}, {"", ""}, {"Basic dTpw", "Basic dTpw"}} {
		s.refuse("invalid_request", "several fields: "+strings.Join(values, " | "), single, authorization(values...))
	}

	auth := [2]string{"Authorization", "Bearer {token}"}
	target := func(t string) func(*vectors.Request) { return func(r *vectors.Request) { r.Target = t } }
	s.refuse("token_missing", "in the query", query, requestWith(target("/?access_token={token}")))
	s.refuse("token_missing", "in the query as token", query, requestWith(target("/?token={token}")))
	s.refuse("token_missing", "in the path", query, requestWith(target("/{token}")))
	s.refuse("invalid_request", "in the query and the field", twice, requestWith(target("/?access_token={token}"), auth))
	s.refuse("invalid_request", "in the query, encoded, and the field", twice, requestWith(target("/?a=1&access%5Ftoken={token}"), auth))
	s.refuse("invalid_request", "in the query, empty, and the field", twice, requestWith(target("/?access_token"), auth))
	s.accept("a query of another name, and the field", twice, requestWith(target("/?access_token2=x&ACCESS_TOKEN=y&token=z"), auth))
	form := func(r *vectors.Request) { r.Method, r.Body = "POST", "access_token={token}" }
	s.refuse("token_missing", "in a form", "RFC 6750, Section 2.2: an API need not take a token from a form", requestWith(form, [2]string{"Content-Type", "application/x-www-form-urlencoded"}))
	for _, f := range [][2]string{{"Cookie", "access_token={token}"}, {"Cookie", "Authorization=Bearer {token}"}, {"X-Authorization", "Bearer {token}"}, {"Proxy-Authorization", "Bearer {token}"}, {"X-Forwarded-Authorization", "Bearer {token}"}, {"X-Access-Token", "{token}"}, {"Authorization_", "Bearer {token}"}, {"X-Forwarded-User", "admin"}, {"Sec-Websocket-Protocol", "bearer, {token}"}, {"Access-Token", "{token}"}, {"Dpop", "{token}"}} {
		s.refuse("token_missing", "in "+f[0]+": "+f[1], "RFC 6750, Section 2.1: in the field alone", request(f))
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} {
		m := func(r *vectors.Request) { r.Method = method }
		s.accept(method+" with a token", "every method is guarded", requestWith(m, auth))
		s.refuse("token_missing", method+" without a token", "every method is guarded", requestWith(m))
	}
	for _, f := range [][2]string{{"X-Http-Method-Override", "OPTIONS"}, {"X-Original-Url", "/public"}, {"X-Forwarded-Host", "attacker.example"}, {"Access-Control-Request-Method", "GET"}, {"Upgrade", "websocket"}} {
		s.refuse("token_missing", "no token, but "+f[0], "nothing of a request opens the way but a token", request(f))
		s.accept("a token, and "+f[0], "nothing of a request is in the way", request(f, auth))
	}

	// Optional: no credentials pass, bad ones do not.
	optional := config(func(c *vectors.Config) { c.Optional = true })
	s.accept("optional: no field", "a request without credentials may pass", optional, request())
	s.accept("optional: another scheme", "another scheme's credentials are none", optional, authorization("Basic dTpw"))
	s.accept("optional: a good token", "a request with credentials may pass", optional, authorization("Bearer {token}"))
	s.refuse("token_malformed", "optional: a bad token", "bad credentials are worse than none", optional, authorization("Bearer abc"))
	s.refuse("invalid_signature", "optional: another's token", "bad credentials are worse than none", optional, authorization("Bearer {token}"), by("RS256", otherRSA))
	s.refuse("token_expired", "optional: an expired token", "bad credentials are worse than none", optional, authorization("Bearer {token}"), claim("exp", "1"))
	s.refuse("invalid_request", "optional: two fields", "bad credentials are worse than none", optional, authorization("Bearer {token}", "Bearer {token}"))
	s.refuse("invalid_request", "optional: Bearer alone", "bad credentials are worse than none", optional, authorization("Bearer"))
	s.refuse("token_missing", "optional, but the route has a check", "a check needs a token", optional, request(), check("scopes", "read:orders"))

	// Challenges.
	realm := config(func(c *vectors.Config) { c.Realm = `orders "v1" \ test` })
	meta := config(func(c *vectors.Config) {
		c.ResourceMetadata = "https://api.example.com/.well-known/oauth-protected-resource"
	})
	const quoting = "RFC 9110, Section 5.6.4: quoted strings"
	for _, c := range []struct {
		name string
		opts []option
	}{{"realm", []option{realm}}, {"metadata", []option{meta}}, {"realm and metadata", []option{realm, meta}}} {
		with := func(opts ...option) []option { return append(opts, c.opts...) }
		s.refuse("token_missing", "challenge with "+c.name+": no token", quoting+"; RFC 9728, Section 5.1", with(request())...)
		s.refuse("invalid_request", "challenge with "+c.name+": two fields", quoting, with(authorization("Bearer a", "Bearer b"))...)
		s.refuse("token_expired", "challenge with "+c.name+": expired", quoting, with(authorization("Bearer {token}"), claim("exp", "1"))...)
		s.refuse("insufficient_scope", "challenge with "+c.name+": scope", quoting, with(authorization("Bearer {token}"), check("scopes", "a", "b"), challengeScope("a b"))...)
		s.refuse("refused", "challenge with "+c.name+": refused", "a 403 of the service's own has no challenge", with(authorization("Bearer {token}"), check("clients", "c"))...)
		s.refuse("unavailable", "challenge with "+c.name+": no keys", "an outage is no 401", with(authorization("Bearer {token}"), keySet("none", `{"keys":[]}`))...)
		s.accept("challenge with "+c.name+": none for a good token", quoting, with(authorization("Bearer {token}"))...)
	}
	return s
}
