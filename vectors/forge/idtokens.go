package forge

import (
	"crypto"
	"crypto/hmac"
	"slices"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

const (
	webApp  = "web-app"
	myNonce = "n-0S6_WzA2Mj"
)

// idToken makes the token one of OpenID Connect, for a login of the client.
func idToken() option {
	return func(d *draft) {
		d.payload = drop(set(d.payload, member{"aud", quote(webApp)}), "scope")
		d.payload = append(d.payload, member{"nonce", quote(myNonce)})
		d.v.Config.Audiences = []string{webApp}
		d.v.Config.IDToken = &vectors.IDToken{Nonce: myNonce}
	}
}

// login changes what the client knows of the login.
func login(f func(*vectors.IDToken)) option { return func(d *draft) { f(d.v.Config.IDToken) } }

// newLogins returns a suite of ID tokens, and its two verdicts.
func newLogins(name, about string) (*suite, accepts, refuses) {
	s := newSuite(name, about)
	with := func(opts []option) []option { return append([]option{idToken()}, opts...) }
	return s,
		func(name, why string, opts ...option) { s.accept(name, why, with(opts)...) },
		func(code, name, why string, opts ...option) { s.refuse(code, name, why, with(opts)...) }
}

func idTokenForms() *suite {
	s, accept, refuse := newLogins("id-tokens",
		"ID tokens: their type, issuer, algorithm and times (OpenID Connect Core 1.0, Sections 2 and 3.1.3.7).")
	const (
		valid = "OpenID Connect Core 1.0, Section 3.1.3.7"
		two   = "OpenID Connect Core 1.0, Section 2: the claims that every ID token has"
		typ   = "RFC 8725, Section 3.11: a kind of token is never another kind"
		alg   = "OpenID Connect Core 1.0, Section 3.1.3.7: alg is the one that the client is registered with"
		mac   = "OpenID Connect Core 1.0, Section 3.1.3.7: a MAC is made with the client's secret, for one audience"
		once  = "RFC 8259, Section 4: one reading of each name"
	)
	accept("a login", valid)
	accept("the claims of a person", "OpenID Connect Core 1.0, Section 5.1: claims that say nothing of the login",
		claim("name", `"Ada"`), claim("email_verified", "true"), claim("address", `{"country":"x"}`))

	accept("no typ", typ, headWithout("typ"))
	accept("typ is jwt", typ, head("typ", `"jwt"`))
	for _, text := range []string{"at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "JOSE", ""} {
		refuse("wrong_type", "typ is "+quote(text), typ, head("typ", quote(text)))
	}
	for _, m := range []member{
		{"scope", `"openid"`}, {"scp", `["openid"]`}, {"client_id", `"web-app"`}, {"gty", `"password"`}, {"typ", `"Bearer"`}, {"typ", `"Refresh"`},
		{"token_use", `"access"`}, {"events", `{"http://schemas.openid.net/event/backchannel-logout":{}}`}, {"token_introspection", "{}"},
	} {
		refuse("wrong_type", "another kind by "+m.name+" "+m.raw, typ, claim(m.name, m.raw))
	}
	atHash := claim("at_hash", quote(b64(make([]byte, 16))))
	accept("at_hash beside scope", typ, claim("scope", `"openid"`), atHash)
	accept("typ ID beside scope", typ, claim("scope", `"openid"`), claim("typ", `"ID"`))
	accept("token_use id beside scope", typ, claim("scope", `"openid"`), claim("token_use", `"id"`))
	refuse("wrong_type", "at_hash beside events", typ, atHash, claim("events", "{}"))
	skip := config(func(c *vectors.Config) { c.InsecureSkipTypeCheck = true })
	accept("scope, where types are not checked", typ, claim("scope", `"openid"`), skip)
	accept("typ at+jwt, where types are not checked", typ, head("typ", `"at+jwt"`), skip)

	accept("another name of the issuer", valid, config(func(c *vectors.Config) { c.Issuers = append(c.Issuers, "tenant.example.com"); c.KeysGiven = true }),
		claim("iss", `"tenant.example.com"`))
	refuse("wrong_issuer", "a name that is not listed", valid, claim("iss", `"tenant.example.com"`))
	refuse("wrong_issuer", "no slash at the end of iss", valid, claim("iss", `"https://tenant.example.com"`))

	accept("ES256, registered", alg, signed("ES256", p256Key))
	refuse("algorithm_not_allowed", "ES256 by default", alg, by("ES256", p256Key), head("alg", `"ES256"`), head("kid", `"p256"`))
	refuse("algorithm_not_allowed", "RS256 where ES256 is registered", alg, allow("ES256"))
	refuse("algorithm_not_allowed", "none", alg, head("alg", `"none"`))
	refuse("token_malformed", "none, and no signature", alg, head("alg", `"none"`), signature(func(string) []byte { return nil }))
	refuse("invalid_signature", "signed by another", valid, by("RS256", otherRSA))
	refuse("unknown_key", "a kid that the issuer does not have", valid, by("RS256", otherRSA), head("kid", `"other"`))

	key := (&stream{label: "client secret"}).bytes(32)
	hs256 := func(opts ...option) []option {
		return append([]option{
			config(func(c *vectors.Config) { c.Secret = b64(key) }), head("alg", `"HS256"`), headWithout("kid"),
			signature(func(input string) []byte {
				m := hmac.New(crypto.SHA256.New, key)
				m.Write([]byte(input))
				return m.Sum(nil)
			}),
		}, opts...)
	}
	accept("HS256 by the client's secret", mac, hs256()...)
	accept("HS256, one audience in a list", mac, hs256(claim("aud", `["web-app"]`))...)
	refuse("wrong_audience", "HS256, several audiences", mac, hs256(claim("aud", `["web-app","api"]`), claim("azp", `"web-app"`),
		login(func(t *vectors.IDToken) { t.TrustedAudiences = []string{"api"} }))...)
	refuse("algorithm_not_allowed", "HS256 where there are keys", mac, hs256(config(func(c *vectors.Config) { c.Secret = "" }))...)
	refuse("invalid_signature", "HS256 by another secret", mac, hs256(config(func(c *vectors.Config) { c.Secret = b64(slices.Repeat([]byte{7}, 32)) }))...)

	s.idTokenTimes(accept, refuse)

	for _, c := range []struct{ name, text, code string }{
		{"iss", "", "wrong_issuer"}, {"aud", "", "wrong_audience"}, {"exp", "", "invalid_claim"}, {"iat", "", "invalid_claim"}, {"sub", "", "invalid_claim"},
		{"sub", `""`, "invalid_claim"}, {"nonce", "", "binding_mismatch"},
	} {
		if c.text == "" {
			refuse(c.code, "no "+c.name, two, without(c.name))
		} else {
			refuse(c.code, c.name+" is "+c.text, two, claim(c.name, c.text))
		}
	}
	for _, n := range []int{255, 256} {
		name, opt := "sub of "+strconv.Itoa(n)+" characters", claim("sub", quote(strings.Repeat("s", n)))
		if n == 255 {
			accept(name, two, opt)
		} else {
			refuse("invalid_claim", name, two, opt)
		}
	}
	for _, name := range []string{"nonce", "acr", "sid", "at_hash", "c_hash", "auth_time"} {
		for _, text := range []string{"null", "{}", `["x"]`} {
			refuse("invalid_claim", name+" is "+text, two, claim(name, text))
		}
	}
	refuse("token_malformed", "nonce twice", once, claimToo("nonce", quote(myNonce)))
	accept("x_nonce as well", "RFC 7519, Section 7.3: names are compared as they are", claim("x_nonce", `"y"`))
	return s
}

func (s *suite) idTokenTimes(accept accepts, refuse refuses) {
	const (
		exp = "OpenID Connect Core 1.0, Section 3.1.3.7: now is before exp, with leeway"
		iat = "OpenID Connect Core 1.0, Section 3.1.3.7: iat may be used to reject tokens that were issued long ago"
	)
	n := func(offset int64) string { return strconv.FormatInt(now+offset, 10) }
	ago := func(seconds int64) option { return claim("iat", n(-seconds)) }
	accept("exp 29 seconds ago", exp, claim("exp", n(-29)))
	refuse("token_expired", "exp 30 seconds ago", exp, claim("exp", n(-30)))
	accept("issued 10 minutes and a leeway ago", iat, ago(630))
	refuse("token_expired", "issued a second more ago", iat, ago(631))
	accept("issued in 30 seconds", iat, ago(-30))
	refuse("token_not_yet_valid", "issued in 31 seconds", iat, ago(-31))
	age := func(seconds int64) option {
		return login(func(t *vectors.IDToken) { t.MaxTokenAgeSeconds = seconds })
	}
	accept("issued a minute and a leeway ago, of a minute", iat, ago(90), age(60))
	refuse("token_expired", "issued a second more than a minute and a leeway ago", iat, ago(91), age(60))
	accept("issued a day ago, without a limit", iat, ago(86400), age(-1))
}
