package forge

import "github.com/rsguard/rsguard/vectors"

// hosts are requests to an API with several domains, each with the issuer whose
// tokens are used there.
func hosts() *suite {
	s := newSuite("hosts", "The host that a request is for, where each has its own issuer, and the questions that browsers ask beforehand.")
	const (
		own    = "a token is used on the domain that it was issued for"
		custom = "https://login.example.com/"
	)
	domains := config(func(c *vectors.Config) {
		c.Issuers = []string{issuer, custom}
		c.IssuerForHost = map[string]string{
			"api.example.com": issuer, "api.custom.example": custom, "[::1]": "https://none.example/", "::1": issuer, "192.0.2.1": issuer, "closed.example": "",
		}
	})
	on := func(host string, fields ...[2]string) option {
		fields = append(fields, [2]string{"Authorization", "Bearer {token}"})
		return requestWith(func(r *vectors.Request) { r.Host = host }, fields...)
	}
	byCustom := claim("iss", quote(custom))

	s.accept("a token on its host", own, domains, on("api.example.com"))
	s.accept("a token of the custom domain on its host", own, domains, on("api.custom.example"), byCustom)
	s.refuse("wrong_issuer", "a token on the custom domain's host", own, domains, on("api.custom.example"))
	s.refuse("wrong_issuer", "a token of the custom domain on the other host", own, domains, on("api.example.com"), byCustom)
	s.accept("without such a rule", "by default every issuer is accepted on every host", on("api.custom.example"))
	s.refuse("wrong_issuer", "a host that has no issuer", own, domains, on("closed.example"))
	s.refuse("wrong_issuer", "a host that nobody knows", own, domains, on("other.example"))
	s.refuse("wrong_issuer", "a host above", own, domains, on("example.com"))
	s.refuse("wrong_issuer", "a host below", own, domains, on("x.api.example.com"))
	s.refuse("wrong_issuer", "a host that goes on", own, domains, on("api.example.com.evil.example"))

	const spelling = "RFC 9110, Section 4.2.3: a host's name is the same in any case"
	for _, host := range []string{"API.example.com", "api.EXAMPLE.com", "api.example.com:443", "api.example.com:8443", "api.example.com.", "api.example.com.:80", "192.0.2.1", "192.0.2.1:80", "[::1]", "[::1]:80"} {
		s.accept("the host "+host, spelling, domains, on(host))
	}
	for _, host := range []string{"api.example.com..", ".api.example.com", "api..example.com", "api.example.com:80:80", "::1", "[::1%25eth0]", "[0:0:0:0:0:0:0:1]", "[192.0.2.1]", "api.example.com%2e", "api%2eexample.com", "api.exam\u017fle.com", "\u212api.example.com"} {
		s.refuse("wrong_issuer", "the host "+host, "what is no name and no address is the host of no issuer", domains, on(host))
	}
	for _, host := range []string{"api.example.com@other.example", "other.example@api.example.com", "api.example.com/", "api.example.com?", "api.example.com#"} {
		s.refuse("invalid_request", "the host "+host, "RFC 9110, Section 7.2: a host and perhaps a port", domains, on(host))
	}
	for _, f := range [][2]string{{"X-Forwarded-Host", "api.custom.example"}, {"Forwarded", "host=api.custom.example"}, {"X-Original-Host", "api.custom.example"}, {"X-Host", "api.custom.example"}, {"Host", "api.custom.example"}} {
		s.accept(f[0]+" beside the host", "RFC 7239, Section 8.1: any client can write it", domains, on("api.example.com", f))
		s.refuse("wrong_issuer", f[0]+" in place of the host", "RFC 7239, Section 8.1: any client can write it", domains, on("api.example.com", f), byCustom)
	}
	s.refuse("wrong_issuer", "a third issuer's token", "what no host has the validator refuses", domains, on("api.example.com"), claim("iss", `"https://evil.example/"`))
	s.refuse("invalid_signature", "another's token on the host", own, domains, on("api.example.com"), by("RS256", otherRSA))
	s.refuse("insufficient_scope", "a token on its host, with a scope too few", "the host comes before the checks, not instead", domains, on("api.example.com"), check("scopes", "write:orders"), challengeScope("write:orders"))
	s.refuse("wrong_issuer", "on the other host, with a scope too few", "the host comes before the checks", domains, on("api.custom.example"), check("scopes", "write:orders"))
	s.refuse("token_missing", "no token on a host that nobody knows", "credentials come first", domains, request())

	preflights(s)
	return s
}

// preflights are a browser's questions (Fetch Standard). They have no
// credentials.
func preflights(s *suite) {
	const (
		question = "Fetch Standard: a CORS preflight has no credentials"
		nearly   = "what is not a preflight by all of its signs needs a token"
	)
	allowed := config(func(c *vectors.Config) { c.AllowPreflight = true })
	asks := func(method string, fields ...[2]string) option {
		return requestWith(func(r *vectors.Request) { r.Method = method }, fields...)
	}
	from, wants := [2]string{"Origin", "https://app.example"}, [2]string{"Access-Control-Request-Method", "PUT"}
	bearer := [2]string{"Authorization", "Bearer {token}"}

	s.accept("a preflight", question, allowed, asks("OPTIONS", from, wants))
	s.refuse("token_missing", "a preflight, where none is allowed", "every method is guarded unless it is said", asks("OPTIONS", from, wants))
	s.accept("a preflight where the route has a check", question+", and there is no token to check", allowed, asks("OPTIONS", from, wants), check("scopes", "write:orders"))
	for _, method := range []string{"GET", "POST", "PUT", "HEAD", "DELETE", "TRACE"} {
		s.refuse("token_missing", "the signs of a preflight, by "+method, nearly, allowed, asks(method, from, wants))
	}
	s.refuse("token_missing", "a preflight without Origin", nearly, allowed, asks("OPTIONS", wants))
	s.refuse("token_missing", "a preflight without a method", nearly, allowed, asks("OPTIONS", from))
	s.refuse("token_missing", "a preflight with an empty Origin", nearly, allowed, asks("OPTIONS", [2]string{"Origin", ""}, wants))
	s.refuse("token_missing", "a preflight with an empty method", nearly, allowed, asks("OPTIONS", from, [2]string{"Access-Control-Request-Method", ""}))
	s.refuse("token_missing", "OPTIONS alone", nearly, allowed, asks("OPTIONS"))
	s.refuse("token_missing", "OPTIONS by a field", nearly, allowed, asks("POST", from, wants, [2]string{"X-Http-Method-Override", "OPTIONS"}))
	s.accept("a preflight with a good token", "credentials that are there are looked at", allowed, asks("OPTIONS", from, wants, bearer))
	s.refuse("token_expired", "a preflight with an expired token", "credentials that are there are looked at", allowed, asks("OPTIONS", from, wants, bearer), claim("exp", "1"))
	s.refuse("invalid_request", "a preflight with a malformed token", "credentials that are there are looked at", allowed, asks("OPTIONS", from, wants, [2]string{"Authorization", "Bearer a b"}))
	s.refuse("token_missing", "a preflight with another scheme's credentials", nearly, allowed, asks("OPTIONS", from, wants, [2]string{"Authorization", "Basic dTpw"}))
	s.accept("a good token by GET, where preflights are allowed", "all other requests are as before", allowed, asks("GET", bearer))
}
