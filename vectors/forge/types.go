package forge

import "github.com/rsguard/rsguard/vectors"

func types() *suite {
	s := newSuite("types", "Other kinds of token: ID, logout, refresh, introspection, event, proof (RFC 8725, Sections 3.11 and 3.12; RFC 9068, Section 4).")
	const (
		typ     = "at+jwt is the type of RFC 9068, Section 4, JWT that of issuers without a profile, and application/ may be left out (RFC 7515, Section 4.1.9)"
		other   = "RFC 8725, Section 3.11: a type says what a token is for"
		content = "RFC 8725, Section 3.12: kinds of token are kept apart"
	)
	s.accept("no typ", "RFC 7519, Section 5.1: typ is optional", headWithout("typ"))
	for _, t := range []string{"JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "application/AT+JWT", "Application/At+Jwt", "application/jwt", "APPLICATION/JWT"} {
		s.accept("typ "+t, typ, head("typ", quote(t)))
	}
	for _, t := range []string{
		"dpop+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt", "id+jwt", "refresh+jwt", "rt+jwt", "JOSE", "JOSE+JSON", "JWE", "JWS", "at", "at+jws", "at-jwt", "at jwt", "at+jwt ", " at+jwt", "at+jwt\x00", "xat+jwt", "at+jwtx",
		"application/", "application/x", "text/at+jwt", "applications/at+jwt", "application/application/at+jwt", "application//at+jwt", "example;part=\"1/2\"", "application/at+jwt; charset=utf-8", "", " ", "oauth-authz-req+jwt", "vc+sd-jwt", "vc+jwt", "entity-statement+jwt",
		"client-authentication+jwt", "statuslist+jwt", "kb+jwt", "passport", "id_token", "Bearer", "J\u0057T\u200b", "\u212aWT", "at+j\u2060wt", "oauth.account_linking",
	} {
		s.refuse("wrong_type", "typ "+quote(t), other, head("typ", quote(t)))
	}
	for _, text := range []string{"null", "1", "true", `["at+jwt"]`, `{"typ":"JWT"}`} {
		s.refuse("token_malformed", "typ is "+text, "RFC 7515, Section 4.1.9: typ is a string", head("typ", text))
	}
	s.accept("TYP beside typ", "RFC 7515, Section 5.3: names are compared as they are", head("TYP", `"dpop+jwt"`))

	// The claims of a token show its kind, even if its type does not.
	type m = member
	for _, c := range []struct {
		name string
		why  string
		m    []m
	}{
		{"logout token", "OpenID Connect Back-Channel Logout 1.0, Section 2.4", []m{{"events", `{"http://schemas.openid.net/event/backchannel-logout":{}}`}}},
		{"security event token", "RFC 8417, Section 2.2", []m{{"events", `{"urn:ietf:params:scim:event:create":{}}`}}},
		{"empty events", "RFC 8417, Section 2.2", []m{{"events", `{}`}}},
		{"events of null", "RFC 8417, Section 2.2", []m{{"events", `null`}}},
		{"introspection response", "RFC 9701, Section 8.1", []m{{"token_introspection", `{"active":true}`}}},
		{"introspection response without content", "RFC 9701, Section 8.1", []m{{"token_introspection", `null`}}},
		{"authorization request", "RFC 9101, Section 10.8", []m{{"response_type", `"code"`}}},
		{"ID token with at_hash", "OpenID Connect Core 1.0, Section 3.1.3.6", []m{{"at_hash", `"MTIzNDU2Nzg5MDEyMzQ1Ng"`}}},
		{"ID token with c_hash", "OpenID Connect Core 1.0, Section 3.3.2.11", []m{{"c_hash", `"LDktKdoQak3Pk0cnXxCltA"`}}},
		{"ID token with nonce and at_hash", "OpenID Connect Core 1.0, Section 2", []m{{"nonce", `"n"`}, {"at_hash", `"MTIzNDU2Nzg5MDEyMzQ1Ng"`}}},
		{"ID token with nonce and c_hash", "OpenID Connect Core 1.0, Section 3.3.2.11", []m{{"nonce", `"n"`}, {"c_hash", `"LDktKdoQak3Pk0cnXxCltA"`}}},
		{"ID token with nonce, at_hash and c_hash", "OpenID Connect Core 1.0, Section 3.3.2.11", []m{{"nonce", `"n"`}, {"at_hash", `"a"`}, {"c_hash", `"c"`}}},
		{"ID token by its typ claim", content, []m{{"typ", `"ID"`}}},
		{"refresh token by its typ claim", content, []m{{"typ", `"Refresh"`}}},
		{"offline token by its typ claim", content, []m{{"typ", `"Offline"`}}},
		{"logout token by its typ claim", content, []m{{"typ", `"Logout"`}}},
		{"ID token by its token_use", content, []m{{"token_use", `"id"`}}},
		{"refresh token by its token_use", content, []m{{"token_use", `"refresh"`}}},
		{"token_use in capitals", content, []m{{"token_use", `"ID"`}}},
		{"Keycloak's login cookie", content, []m{{"typ", `"Serialized-ID"`}}},
		{"Keycloak's initial access token", content, []m{{"typ", `"InitialAccessToken"`}}},
		{"Keycloak's registration access token", content, []m{{"typ", `"RegistrationAccessToken"`}}},
		{"Casdoor's refresh token", content, []m{{"tokenType", `"refresh-token"`}}},
		{"Simple JWT's refresh token", content, []m{{"token_type", `"refresh"`}}},
		{"Flask-JWT-Extended's refresh token", content, []m{{"type", `"refresh"`}}},
		{"PingAM's refresh token", content, []m{{"tokenName", `"refresh_token"`}, {"token_type", `"Bearer"`}}},
		{"PingAM's ID token", content, []m{{"tokenName", `"id_token"`}, {"tokenType", `"JWTToken"`}}},
		{"Oracle's ID token", content, []m{{"tok_type", `"IT"`}}},
		{"Descope's refresh token", content, []m{{"drn", `"DSR"`}}},
		{"Spring's refresh token", content, []m{{"ati", `"2f1b7c9d-4a55-4b8f-8e60-9a7e5d3041c2"`}}},
		{"OpenIddict's refresh token", content, []m{{"token_usage", `"refresh_token"`}, {"token_type", `"Bearer"`}}},
		{"OpenIddict's ID token", content, []m{{"token_usage", `"id_token"`}}},
		{"OpenIddict's authorization code", content, []m{{"token_usage", `"authorization_code"`}}},
		{"OpenIddict's device code", content, []m{{"token_usage", `"device_code"`}}},
		{"Curity's ID token", content, []m{{"purpose", `"id"`}}},
		{"Curity's refresh token", content, []m{{"purpose", `"refresh_token"`}}},
		{"ati of null", content, []m{{"ati", "null"}}},
		{"typ refresh_token", content, []m{{"typ", `"refresh_token"`}}},
		{"typ id_token", content, []m{{"typ", `"id_token"`}}},
		{"token_use refresh_token", content, []m{{"token_use", `"refresh_token"`}}},
		{"token_use id_token", content, []m{{"token_use", `"id_token"`}}},
		{"token_type refresh_token", content, []m{{"token_type", `"refresh_token"`}}},
		{"token_type RefreshToken", content, []m{{"token_type", `"RefreshToken"`}}},
		{"type REFRESH", content, []m{{"type", `"REFRESH"`}}},
		{"type refresh-token", content, []m{{"type", `"refresh-token"`}}},
		{"tokenType refresh", content, []m{{"tokenType", `"refresh"`}}},
		{"tokenType refresh_token", content, []m{{"tokenType", `"refresh_token"`}}},
		{"a mark among claims of access tokens", content, []m{{"token_use", `"access"`}, {"typ", `"Bearer"`}, {"type", `"refresh"`}}},
	} {
		var opts []option
		for _, m := range c.m {
			opts = append(opts, claim(m.name, m.raw))
		}
		s.refuse("wrong_type", c.name, c.why, opts...)
		s.refuse("wrong_type", c.name+", called at+jwt", c.why, append(opts, head("typ", `"at+jwt"`))...)
		s.accept(c.name+", where types are not checked", "for issuers that have no access tokens", append(opts, config(func(c *vectors.Config) { c.InsecureSkipTypeCheck = true }))...)
	}
	for _, c := range []struct{ name, claim, text string }{
		{"nonce alone", "nonce", `"n"`}, {"typ claim Bearer", "typ", `"Bearer"`}, {"typ claim JWT", "typ", `"JWT"`}, {"token_use access", "token_use", `"access"`},
		{"EVENTS, another name", "EVENTS", `{}`}, {"sid", "sid", `"s"`}, {"auth_time", "auth_time", "1767225000"}, {"amr", "amr", `["pwd"]`}, {"acr", "acr", `"1"`}, {"htm and htu", "htm", `"GET"`},
	} {
		s.accept(c.name, "access tokens have it, too", claim(c.claim, c.text))
	}
	// An unknown value is no mark.
	for _, c := range []struct {
		claim string
		texts []string
	}{
		{"typ", []string{`"Bearer"`, `"DPoP"`, `"at+jwt"`, `"access"`, `"refreshed"`, `"IDs"`, `"online"`, `"R\u0435fresh"`, `""`, "null", "1", `["Refresh"]`, `{"typ":"Refresh"}`}},
		{"token_use", []string{`"access"`, `"access_token"`, `"identity"`, `"idp"`, `""`, "null", "1", `["refresh"]`}},
		{"tokenType", []string{`"access-token"`, `"JWTToken"`, `"refresh-tokens"`, `"id"`, "null"}},
		{"token_type", []string{`"Bearer"`, `"access"`, `"sliding"`, `"norefresh"`, "null"}},
		{"type", []string{`"access"`, `"normal-user"`, `"userToken"`, `"id"`, `"refresher"`, `"pre-refresh"`, "null", "7"}},
		{"tokenName", []string{`"access_token"`, `"refresh"`, "null"}},
		{"tok_type", []string{`"AT"`, `"ITS"`, "null"}},
		{"drn", []string{`"DS"`, `"DSRX"`, "null"}},
		{"token_usage", []string{`"access_token"`, `"machine"`, `""`, "null", "1", `["refresh_token"]`}},
		{"purpose", []string{`"access_token"`, `"identity"`, `"marketing"`, `""`, "null", "7", `["id"]`}},
		{"tty", []string{`"at"`}},
		{"TokenType", []string{`"refresh-token"`}},
		{"Type", []string{`"refresh"`}},
		{"TYP", []string{`"Refresh"`}},
		{"ATI", []string{`"x"`}},
		{"refresh", []string{`"refresh"`, "true"}},
	} {
		for _, text := range c.texts {
			if c.claim+text != `typ"Bearer"` && c.claim+text != `token_use"access"` { // which are above
				s.accept("the claim "+c.claim+" is "+text, "a value that no issuer is known to mark other tokens by", claim(c.claim, text))
			}
		}
	}

	skip := config(func(c *vectors.Config) { c.InsecureSkipTypeCheck = true })
	for _, t := range []string{"dpop+jwt", "logout+jwt", "", "x"} {
		s.accept("typ "+quote(t)+", where types are not checked", "for issuers with types of their own", skip, head("typ", quote(t)))
	}
	s.refuse("token_malformed", "typ is 1, where types are not checked", "RFC 7515, Section 4.1.9: typ is a string", skip, head("typ", "1"))
	s.refuse("wrong_audience", "an ID token for its client, where types are not checked", "the audience is checked all the same", skip, claim("aud", `"client-1"`))
	s.refuse("token_expired", "an expired ID token, where types are not checked", "times are checked all the same", skip, claim("exp", "1767225000"))

	// RFC 9068 required.
	rfc := config(func(c *vectors.Config) { c.RequireRFC9068 = true })
	full := func(opts ...option) []option {
		return append([]option{rfc, head("typ", `"at+jwt"`), claim("jti", `"1"`), claim("client_id", `"client-1"`)}, opts...)
	}
	const need = "RFC 9068, Section 2.2: iss, exp, aud, sub, client_id, iat and jti"
	s.accept("RFC 9068 asked for: all there", need, full()...)
	s.accept("RFC 9068 asked for: application/at+jwt", "RFC 9068, Section 4", full(head("typ", `"application/at+jwt"`))...)
	s.accept("RFC 9068 asked for: AT+JWT", "RFC 7515, Section 4.1.9: media types have no case", full(head("typ", `"AT+JWT"`))...)
	s.refuse("wrong_type", "RFC 9068 asked for: typ JWT", "RFC 9068, Section 4", full(head("typ", `"JWT"`))...)
	s.refuse("wrong_type", "RFC 9068 asked for: no typ", "RFC 9068, Section 4", full(headWithout("typ"))...)
	for _, name := range []string{"sub", "client_id", "iat", "jti"} {
		s.refuse("invalid_claim", "RFC 9068 asked for: no "+name, need, full(without(name))...)
	}
	s.refuse("wrong_issuer", "RFC 9068 asked for: no iss", need, full(without("iss"))...)
	s.refuse("wrong_audience", "RFC 9068 asked for: no aud", need, full(without("aud"))...)
	s.refuse("invalid_claim", "RFC 9068 asked for: no exp", need, full(without("exp"))...)
	s.accept("RFC 9068 not asked for: without jti, iat and sub", "Auth0 and others leave them out", without("jti", "iat", "sub"))
	return s
}
