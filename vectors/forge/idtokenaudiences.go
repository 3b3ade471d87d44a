package forge

import "github.com/rsguard/rsguard/vectors"

func idTokenAudiences() *suite {
	s, accept, refuse := newLogins("id-token-audiences",
		"ID tokens: aud has the client and none that is not trusted, and azp is the client (OpenID Connect Core 1.0, Sections 2 and 3.1.3.7).")
	const (
		aud = "OpenID Connect Core 1.0, Section 3.1.3.7: aud has the client, and no other that is not trusted"
		azp = "OpenID Connect Core 1.0, Section 3.1.3.7: azp, if it is there, is the client (our own rule makes it so of every token)"
		own = "with several audiences and no azp, nothing says for which of them the token was made"
	)
	trust := login(func(t *vectors.IDToken) { t.TrustedAudiences = []string{"api", "api2"} })
	none := login(func(t *vectors.IDToken) { t.NoAuthorizedParty = true })
	party := login(func(t *vectors.IDToken) { t.AuthorizedParties = []string{"mobile-app"} })
	by := claim("azp", `"web-app"`)

	accept("a list of the client", aud, claim("aud", `["web-app"]`))
	for _, text := range []string{`"web-app2"`, `"Web-App"`, `"web-app "`, `""`, `"api"`, `["api"]`, `[""]`, `"https://api.example.com"`} {
		refuse("wrong_audience", "aud is "+text, aud, claim("aud", text))
	}
	for _, text := range []string{"1", "null", "{}", "true", `["web-app",1]`, `[["web-app"]]`} {
		refuse("invalid_claim", "aud is "+text, aud, claim("aud", text))
	}
	for _, text := range []string{`["web-app","api"]`, `["api","web-app"]`} {
		accept("aud is "+text+", trusted", aud, claim("aud", text), by, trust)
		refuse("wrong_audience", "aud is "+text+", not trusted", aud, claim("aud", text), by)
		refuse("wrong_audience", "aud is "+text+", without azp", own, claim("aud", text), trust)
		accept("aud is "+text+", where azp is not required", own, claim("aud", text), trust, none)
	}
	accept("three audiences, all trusted", aud, claim("aud", `["api","web-app","api2"]`), by, trust)
	refuse("wrong_audience", "three audiences, one not trusted", aud, claim("aud", `["api","web-app","api3"]`), by, trust)
	refuse("wrong_audience", "trusted audiences, and not the client", aud, claim("aud", `["api","api2"]`), by, trust)
	refuse("wrong_audience", "a trusted audience alone", aud, claim("aud", `"api"`), by, trust)
	refuse("wrong_audience", "several audiences that are not trusted, where azp is not required", aud, claim("aud", `["web-app","x"]`), none)

	accept("azp is the client", azp, by)
	for _, text := range []string{`"mobile-app"`, `"web-app2"`, `"Web-App"`, `" web-app"`, `""`} {
		refuse("wrong_audience", "azp is "+text, azp, claim("azp", text))
	}
	for _, text := range []string{"null", "1", "{}", `["web-app"]`} {
		refuse("invalid_claim", "azp is "+text, azp, claim("azp", text))
	}
	accept("azp is a client that is authorized", azp, claim("azp", `"mobile-app"`), party)
	accept("azp is the client, where another is authorized", azp, by, party)
	refuse("wrong_audience", "azp is a client that is not authorized", azp, claim("azp", `"web-app2"`), party)
	refuse("wrong_audience", "azp is another, where it is not required", azp, claim("azp", `"mobile-app"`), none)
	refuse("wrong_audience", "azp is a trusted audience", azp, claim("aud", `["web-app","api"]`), claim("azp", `"api"`), trust)
	return s
}
