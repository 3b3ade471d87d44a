package forge

import (
	"strconv"

	"github.com/rsguard/rsguard/vectors"
)

func logins() *suite {
	s, accept, refuse := newLogins("logins",
		"ID tokens: the login of the browser's session, when and how the user has signed in, and of which organization (OpenID Connect Core 1.0, Sections 2, 3.1.3.7 and 12.2).")
	const (
		nonce = "OpenID Connect Core 1.0, Section 3.1.3.7: nonce is the one of the request"
		own   = "a nonce that was not sent is of another request"
		acr   = "OpenID Connect Core 1.0, Section 3.1.3.7: acr is one that the client accepts"
		auth  = "OpenID Connect Core 1.0, Section 3.1.3.7: auth_time is not too long ago, if max_age was sent"
		org   = "an ID begins with org_ and is in org_id, and a name is in org_name in lower case (Auth0's rule)"
	)
	sent := func(text string) option { return login(func(t *vectors.IDToken) { t.Nonce = text }) }
	none := login(func(t *vectors.IDToken) { t.Nonce, t.NoNonce = "", true })
	for _, text := range []string{"n-0S6_WzA2M", "n-0S6_WzA2Mj ", "N-0S6_WZA2MJ", "x", ""} {
		refuse("binding_mismatch", "nonce is "+quote(text), nonce, claim("nonce", quote(text)))
	}
	accept("nonce of other characters", nonce, claim("nonce", quote("é \"\\/")), sent("é \"\\/"))
	accept("nonce with an escape", nonce, claim("nonce", `"n-0S6_WzA2M\u006a"`))
	refuse("binding_mismatch", "no nonce was kept", nonce, sent(""))
	refuse("binding_mismatch", "no nonce was kept, and none is there", nonce, sent(""), without("nonce"))
	refuse("binding_mismatch", "no nonce was kept, and an empty one is there", nonce, sent(""), claim("nonce", `""`))
	accept("none was sent", own, none, without("nonce"))
	refuse("binding_mismatch", "none was sent, and one is there", own, none)
	refuse("binding_mismatch", "none was sent, and an empty one is there", own, none, claim("nonce", `""`))

	wants := func(values ...string) option { return login(func(t *vectors.IDToken) { t.ACR = values }) }
	accept("acr, and none is required", acr, claim("acr", `"bronze"`))
	accept("acr is the one", acr, claim("acr", `"gold"`), wants("gold"))
	accept("acr is one of two", acr, claim("acr", `"gold"`), wants("silver", "gold"))
	refuse("insufficient_user_authentication", "acr is another", acr, claim("acr", `"bronze"`), wants("silver", "gold"))
	refuse("insufficient_user_authentication", "acr in another case", acr, claim("acr", `"Gold"`), wants("gold"))
	refuse("insufficient_user_authentication", "no acr", acr, wants("gold"))
	refuse("insufficient_user_authentication", "acr is empty", acr, claim("acr", `""`), wants("gold"))
	refuse("insufficient_user_authentication", "acr is two in one text", acr, claim("acr", `"silver gold"`), wants("gold"))

	at := func(offset int64) option { return claim("auth_time", strconv.FormatInt(now+offset, 10)) }
	age := login(func(t *vectors.IDToken) { t.MaxAgeSeconds = 300 })
	accept("auth_time a year ago", auth, at(-31536000))
	accept("auth_time five minutes and a leeway ago, of five minutes", auth, at(-330), age)
	refuse("insufficient_user_authentication", "auth_time a second more ago", auth, at(-331), age)
	refuse("insufficient_user_authentication", "no auth_time, and five minutes", auth, age)
	accept("auth_time in 30 seconds", auth, at(30), age)
	refuse("insufficient_user_authentication", "auth_time in 31 seconds", auth, at(31), age)
	refuse("insufficient_user_authentication", "auth_time in 31 seconds, and no max_age", auth, at(31))
	refuse("invalid_claim", "auth_time is a text", auth, claim("auth_time", `"1767225600"`), age)

	of := func(text string) option { return login(func(t *vectors.IDToken) { t.Organization = text }) }
	accept("an organization, and none is required", org, claim("org_id", `"org_a"`))
	accept("the organization's ID", org, claim("org_id", `"org_a"`), of("org_a"))
	refuse("wrong_organization", "another organization's ID", org, claim("org_id", `"org_b"`), of("org_a"))
	refuse("wrong_organization", "the ID in another case", org, claim("org_id", `"org_A"`), of("org_a"))
	refuse("wrong_organization", "no organization", org, of("org_a"))
	refuse("wrong_organization", "the ID as a name", org, claim("org_name", `"org_a"`), of("org_a"))
	accept("the organization's name", org, claim("org_name", `"acme"`), claim("org_id", `"org_a"`), of("acme"))
	accept("the organization's name in other case", org, claim("org_name", `"acme"`), claim("org_id", `"org_a"`), of("Acme"))
	refuse("wrong_organization", "another organization's name", org, claim("org_name", `"acme2"`), claim("org_id", `"org_a"`), of("acme"))
	refuse("wrong_organization", "the name as an ID", org, claim("org_id", `"acme"`), of("acme"))

	s.renewedLogins(accept, refuse)
	return s
}

// renewedLogins are ID tokens that came with a refresh token's response.
func (s *suite) renewedLogins(accept accepts, refuse refuses) {
	const same = "OpenID Connect Core 1.0, Section 12.2: iss, sub, aud, azp and auth_time are those of the first ID token, and so is nonce if it is there"
	again := func(changes ...func(*vectors.Login)) option {
		return login(func(t *vectors.IDToken) {
			t.Nonce = ""
			t.Previous = &vectors.Login{Issuer: issuer, Subject: secret, Audience: []string{webApp}, AuthTime: now - 7200, Nonce: myNonce}
			for _, change := range changes {
				change(t.Previous)
			}
		})
	}
	signedIn := claim("auth_time", strconv.Itoa(now-7200))
	accept("renewed", same, again(), signedIn)
	accept("renewed, without nonce", same, again(), signedIn, without("nonce"))
	accept("renewed, without auth_time", same, again(), without("nonce"))
	refuse("binding_mismatch", "renewed, another nonce", same, again(), signedIn, claim("nonce", `"x"`))
	refuse("binding_mismatch", "renewed, a nonce where the first had none", same, again(func(l *vectors.Login) { l.Nonce = "" }), signedIn)
	refuse("binding_mismatch", "renewed, another sub", same, again(), signedIn, claim("sub", `"x"`))
	refuse("binding_mismatch", "renewed, another auth_time", same, again(), claim("auth_time", strconv.Itoa(now-7199)))
	refuse("binding_mismatch", "renewed, another iss that is listed", same, again(), signedIn, claim("iss", `"https://login.example.com/"`),
		config(func(c *vectors.Config) {
			c.Issuers = append(c.Issuers, "https://login.example.com/")
			c.KeysGiven = true
		}))
	refuse("binding_mismatch", "renewed, azp where the first had none", same, again(), signedIn, claim("azp", quote(webApp)))
	accept("renewed, the same azp", same, again(func(l *vectors.Login) { l.AuthorizedParty = webApp }), signedIn, claim("azp", quote(webApp)))
	refuse("binding_mismatch", "renewed, no azp where the first had one", same, again(func(l *vectors.Login) { l.AuthorizedParty = webApp }), signedIn)
	trust := login(func(t *vectors.IDToken) { t.TrustedAudiences, t.NoAuthorizedParty = []string{"api"}, true })
	two := func(l *vectors.Login) { l.Audience = []string{webApp, "api"} }
	accept("renewed, the same audiences in another order", same, again(two), trust, signedIn, claim("aud", `["api","web-app"]`))
	refuse("binding_mismatch", "renewed, one audience more", same, again(), trust, signedIn, claim("aud", `["api","web-app"]`))
	refuse("binding_mismatch", "renewed, one audience less", same, again(two), trust, signedIn)
}
