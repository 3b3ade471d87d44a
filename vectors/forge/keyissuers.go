package forge

import "github.com/rsguard/rsguard/vectors"

func keyIssuers() *suite {
	s := newSuite("key-issuers", "Keys that say whose they are: Microsoft's common key set names the issuer of each key, with {tenantid} for the token's tid.")
	const (
		why    = "a key that names an issuer signs for that issuer alone"
		tenant = "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71"
		others = "9188040d-6c67-4c5b-b112-36a304b66dad"
		host   = "https://login.microsoftonline.com/"
		v2     = host + tenant + "/v2.0"
		v1     = "https://sts.windows.net/" + tenant + "/"
		work   = host + "{tenantid}/v2.0"
		home   = host + others + "/v2.0"
	)
	n := 0
	set := func(keys ...string) option {
		n++
		return keySet("set "+string(rune('a'+n/26))+string(rune('a'+n%26)), jwks(keys...))
	}
	of := func(k func() *key, issuer string, changes ...member) string {
		return jwk(k(), append([]member{{"issuer", quote(issuer)}}, changes...)...)
	}
	// entra makes a token of the tenant, for the key set.
	entra := func(iss string, opts ...option) []option {
		return append([]option{
			config(func(c *vectors.Config) { c.Issuers = []string{iss} }), claim("iss", quote(iss)), claim("tid", quote(tenant)),
		}, opts...)
	}

	// A name in full.
	s.accept("the key of the token's issuer", why, set(of(rsaKey1, issuer)))
	s.accept("the key of the token's issuer, without kid", why, set(of(rsaKey1, issuer)), headWithout("kid"))
	s.accept("a key that names no issuer, beside one that names another", why, set(jwk(rsaKey1()), of(otherRSA, home)))
	for _, i := range []string{
		"https://tenant.example.com", "https://tenant.example.com//", "https://TENANT.example.com/", "http://tenant.example.com/", "https://tenant.example.com/ ", "tenant.example.com", "x", "*", "https://tenant-b.example.com/", "{tenantid}", "https://*/",
	} {
		s.refuse("unknown_key", "a key of "+quote(i), why, set(of(rsaKey1, i)))
		s.refuse("unknown_key", "a key of "+quote(i)+", without kid", why, set(of(rsaKey1, i)), headWithout("kid"))
	}
	s.accept("ISSUER is another member", "RFC 7517, Section 4: names are case-sensitive", set(jwk(rsaKey1(), member{"ISSUER", `"x"`})))
	good := jwk(rsaKey3(), member{"kid", `"good"`})
	for _, text := range []string{"null", "1", "true", `["` + issuer + `"]`, `{"issuer":"` + issuer + `"}`, `""`} {
		name, keys := "a key with issuer "+text, set(jwk(rsaKey1(), member{"issuer", text}), good)
		s.refuse("unknown_key", name, "whose it is can't be told: the key is left out", keys)
		s.accept(name+": the key beside it", "RFC 7517, Section 5: a key that can't be used is left out, and no other", keys, by("RS256", rsaKey3), head("kid", `"good"`))
	}

	// A template.
	s.accept("the template, and the token's tid", why, entra(v2, set(of(rsaKey1, work)))...)
	s.accept("the template, and the token's tid, without kid", why, entra(v2, set(of(rsaKey1, work)), headWithout("kid"))...)
	s.refuse("unknown_key", "the template, and no tid", why, entra(v2, set(of(rsaKey1, work)), without("tid"))...)
	for _, text := range []string{quote(others), `"3C1F0E52-7A4B-4D19-9F2E-6B8D5A0C4E71"`, `"` + tenant + ` "`, `""`, `"{tenantid}"`, `"` + tenant + `/v2.0"`, "null", "1", `["` + tenant + `"]`} {
		s.refuse("unknown_key", "the template, and tid "+text, why, entra(v2, set(of(rsaKey1, work)), claim("tid", text))...)
	}
	s.refuse("unknown_key", "the template of another host", why, entra(v2, set(of(rsaKey1, "https://login.example.com/{tenantid}/v2.0")))...)
	s.refuse("unknown_key", "the template of another version", why, entra(v2, set(of(rsaKey1, host+"{tenantid}/v3.0")))...)
	s.refuse("unknown_key", "the template in capitals", why, entra(v2, set(of(rsaKey1, host+"{TENANTID}/v2.0")))...)
	s.refuse("unknown_key", "an empty tid, and an issuer without a tenant", why, entra(host+"/v2.0", set(of(rsaKey1, work)), claim("tid", `""`))...)

	// The common key set: all work tenants', and one tenant's own.
	common := []string{of(rsaKey1, work), of(otherRSA, home, member{"kid", `"home"`})}
	s.accept("the common key set: the key of all tenants", why, entra(v2, set(common...))...)
	s.refuse("unknown_key", "the common key set: another tenant's key", why, entra(v2, set(common...), by("RS256", otherRSA), head("kid", `"home"`))...)
	s.refuse("invalid_signature", "the common key set: another tenant's key, without kid", why, entra(v2, set(common...), by("RS256", otherRSA), headWithout("kid"))...)
	s.refuse("unknown_key", "the common key set: another tenant's key and tid", why, entra(v2, set(common...), by("RS256", otherRSA), head("kid", `"home"`), claim("tid", quote(others)))...)
	s.accept("the common key set: that tenant's own token", why, entra(home, set(common...), by("RS256", otherRSA), head("kid", `"home"`), claim("tid", quote(others)))...)
	s.accept("two keys of one kid, ours the second", why, entra(v2, set(of(otherRSA, home, member{"kid", `"rsa"`}), of(rsaKey1, work)))...)
	s.refuse("invalid_signature", "two keys of one kid, the other's has signed", why, entra(v2, set(of(otherRSA, home, member{"kid", `"rsa"`}), of(rsaKey1, work)), by("RS256", otherRSA), head("kid", `"rsa"`))...)
	s.accept("without kid, ours after four of others", "only keys that may sign the token are tried", entra(v2, headWithout("kid"), set(
		of(otherRSA, home), of(tenantBKey, home), of(rsa3072, home), of(rsa4096, home), of(rsaKey1, work),
	))...)

	// Version 1.0 of Microsoft's tokens has another name for the same tenant.
	const first = "Microsoft: sts.windows.net names the same tenants in tokens of version 1.0, whose own key set names no issuers"
	s.accept("a token of version 1.0, and the template", first, entra(v1, set(common...))...)
	s.refuse("unknown_key", "a token of version 1.0, and another tenant's key", first, entra(v1, set(common...), by("RS256", otherRSA), head("kid", `"home"`))...)
	s.refuse("unknown_key", "a token of version 1.0 without tid, and the template", first, entra(v1, set(common...), without("tid"))...)
	s.refuse("unknown_key", "a token of version 1.0 with another tid, and the template", first, entra(v1, set(common...), claim("tid", quote(others)))...)
	s.refuse("unknown_key", "a token of version 1.0, and the template of another host", first, entra(v1, set(of(rsaKey1, "https://login.example.com/{tenantid}/v2.0")))...)
	return s
}
