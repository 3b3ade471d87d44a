package forge

import (
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

func issuers() *suite {
	s := newSuite("issuers", "iss: the configured one, byte for byte (RFC 7519, Sections 4.1.1 and 7.3; RFC 8725, Section 3.8).")
	const why = "RFC 8725, Section 3.8, and RFC 7519, Section 7.3: the issuer is compared as it is"

	s.accept("the configured issuer", why)
	for _, iss := range []string{
		"https://tenant.example.com", "https://tenant.example.com//", "http://tenant.example.com/", "HTTPS://tenant.example.com/", "https://Tenant.example.com/", "https://TENANT.EXAMPLE.COM/",
		"https://tenant.example.com:443/", "https://tenant.example.com:8443/", "https://tenant.example.com./", "https://tenant.example.com/?", "https://tenant.example.com/#", "https://tenant.example.com/.",
		"https://tenant.example.com/x", "https://tenant.example.com/../", "https://tenant.example.com.attacker.example/", "https://attacker.example/https://tenant.example.com/", "https://attacker.example/?https://tenant.example.com/",
		"https://tenant.example.com@attacker.example/", "https://user@tenant.example.com/", "https://xtenant.example.com/", "https://sub.tenant.example.com/", "https://tenant.example.co/", "https://tenant.example.comm/", "https://tenant-example.com/",
		"https://tenantXexample.com/", "https://example.com/", "tenant.example.com", "tenant.example.com/", "//tenant.example.com/", "https:tenant.example.com/", "https:///tenant.example.com/", "https:\\\\tenant.example.com\\",
		" https://tenant.example.com/", "https://tenant.example.com/ ", "https://tenant.example.com/\n", "https://tenant.example.com/\x00", "https://tenant.example.com\x00/", "\"https://tenant.example.com/\"",
		"https://tenan\u0442.example.com/", "https://xn--tenan-yye.example.com/", "https://tenant\u3002example.com/", "https://ten\u00adant.example.com/", "https://tenant.example.com/\u200b", "https%3A%2F%2Ftenant.example.com%2F",
		"https://%74enant.example.com/", "https://tenant.example.com%2F", "", " ", "*", "https://*.example.com/", "https://.*/", "null", "https://tenant.example.com/,https://attacker.example/", "https://tenant.example.com/ https://attacker.example/",
		strings.Repeat("https://tenant.example.com/", 2), "https://" + strings.Repeat("a", 3000) + "/",
	} {
		s.refuse("wrong_issuer", "iss is "+shorten(quote(iss)), why, claim("iss", quote(iss)))
	}
	s.refuse("wrong_issuer", "no iss", "RFC 9068, Section 2.2: iss is required", without("iss"))
	s.refuse("wrong_issuer", "another tenant, its signature, its kid", why, claim("iss", `"https://tenant-b.example.com/"`), by("RS256", tenantBKey))
	s.refuse("invalid_signature", "another tenant's signature under our iss", "RFC 8725, Section 3.8: the keys belong to the issuer", by("RS256", tenantBKey))
	const kind = "RFC 7519, Section 4.1.1: iss is a string"
	for _, text := range []string{"null", "1", "true", "[" + quote(issuer) + "]", `{"iss":` + quote(issuer) + `}`, "[]", "{}"} {
		s.refuse("invalid_claim", "iss is "+text, kind, claim("iss", text))
	}
	s.accept("iss written with escapes", "RFC 8259, Sections 7 and 8.3: the same string", claim("iss", `"https:\/\/tenant.example.com\u002f"`))

	two := config(func(c *vectors.Config) { c.Issuers = []string{issuer, "https://login.example.com/"} })
	s.accept("the first of two issuers", "a tenant and its custom domain sign with the same keys", two)
	s.accept("the second of two issuers", "a tenant and its custom domain sign with the same keys", two, claim("iss", `"https://login.example.com/"`))
	s.refuse("wrong_issuer", "neither of two issuers", why, two, claim("iss", `"https://login.example.com"`))
	s.refuse("wrong_issuer", "both of two issuers in one string", why, two, claim("iss", quote(issuer+"https://login.example.com/")))

	noSlash := config(func(c *vectors.Config) { c.Issuers = []string{"https://tenant.example.com"} })
	s.accept("an issuer without a slash", why, noSlash, claim("iss", `"https://tenant.example.com"`))
	s.refuse("wrong_issuer", "a slash that the configured issuer lacks", why, noSlash)
	path := config(func(c *vectors.Config) { c.Issuers = []string{"https://idp.example.com/realms/A"} })
	s.accept("an issuer with a path", why, path, claim("iss", `"https://idp.example.com/realms/A"`))
	s.refuse("wrong_issuer", "another realm of the same host", why, path, claim("iss", `"https://idp.example.com/realms/B"`))
	s.refuse("wrong_issuer", "a realm in small letters", why, path, claim("iss", `"https://idp.example.com/realms/a"`))
	s.refuse("wrong_issuer", "a realm that begins the same", why, path, claim("iss", `"https://idp.example.com/realms/AB"`))
	loopback := config(func(c *vectors.Config) { c.Issuers = []string{"http://127.0.0.1:8080/"} })
	s.accept("an issuer on this machine", "http is for loopback alone", loopback, claim("iss", `"http://127.0.0.1:8080/"`))
	s.refuse("wrong_issuer", "an issuer on this machine, by another name", why, loopback, claim("iss", `"http://localhost:8080/"`))

	const text = "RFC 7519, Sections 2 and 4.1.1: iss is a StringOrURI, which is compared as it is"
	for _, iss := range []string{
		"acme", "acme.com", "accounts.google.com", "stytch.com/project-live-1", "http://adfs.example.com/adfs/services/trust", "urn:example:issuer",
		"signer@project.iam.gserviceaccount.com", "caf\u00e9", "the issuer", "https://tenant.example.com/?p=policy#f",
	} {
		given := config(func(c *vectors.Config) { c.Issuers, c.KeysGiven = []string{iss}, true })
		s.accept("keys are given, and the issuer is "+quote(iss), text, given, claim("iss", quote(iss)))
		for _, other := range []string{iss + "/", iss + " ", strings.ToUpper(iss), "https://" + iss, iss[1:]} {
			s.refuse("wrong_issuer", "the issuer is "+quote(iss)+", and iss is "+quote(other), text, given, claim("iss", quote(other)))
		}
		s.refuse("wrong_issuer", "the issuer is "+quote(iss)+", and there is no iss", text, given, without("iss"))
	}
	return s
}

// spiffe has tokens of workloads. Only their sub names the trust domain.
func spiffe() *suite {
	s := newSuite("spiffe", "JWT-SVIDs of workloads: the issuer is the trust domain of sub, and its keys have a use of their own (SPIFFE JWT-SVID, Sections 2 and 3).")
	const (
		domain  = "spiffe://example.org"
		bundle  = "SPIFFE Trust Domain and Bundle, Section 4.2.2: the keys of JWT-SVIDs have the use jwt-svid"
		subject = "SPIFFE JWT-SVID, Section 3.1: sub is a SPIFFE ID, and says of which trust domain the token is"
		form    = "SPIFFE-ID, Section 2: a trust domain and a path, and nothing besides"
		typ     = "SPIFFE JWT-SVID, Section 2.3: typ is JWT or JOSE, if it is there"
	)
	svid := func(sub string, more ...option) []option {
		return append([]option{
			config(func(c *vectors.Config) { c.Issuers, c.KeysGiven = []string{domain}, true }),
			without("iss", "scope", "email"), claim("sub", quote(sub)),
			keySet("bundle", jwks(jwk(rsaKey1(), member{"use", `"jwt-svid"`}, member{"alg", ""}), jwk(p256Key(), member{"use", `"x509-svid"`}, member{"alg", ""}))),
		}, more...)
	}
	s.accept("a workload", subject, svid("spiffe://example.org/ns/prod/sa/orders")...)
	s.accept("the trust domain itself", subject, svid(domain)...)
	s.accept("a path with every character", form, svid("spiffe://example.org/a-B._9/Z")...)
	s.accept("typ JOSE", typ, svid("spiffe://example.org/orders", head("typ", `"JOSE"`))...)
	s.accept("no typ", typ, svid("spiffe://example.org/orders", headWithout("typ"))...)
	s.refuse("wrong_type", "typ JOSE, and an iss", typ, svid("spiffe://example.org/orders", head("typ", `"JOSE"`), claim("iss", quote(domain)))...)
	s.refuse("wrong_type", "typ JOSE, and a subject that is no workload", typ, svid("orders", head("typ", `"JOSE"`))...)
	s.refuse("wrong_type", "typ JWS", typ, svid("spiffe://example.org/orders", head("typ", `"JWS"`))...)
	s.accept("the trust domain in iss", "RFC 7519, Section 4.1.1: an iss that is there is what counts", svid("spiffe://example.org/orders", claim("iss", quote(domain)))...)
	for _, iss := range []string{"", "https://example.org", "spiffe://example.com", domain + "/", "spiffe://example.org/stock"} {
		s.refuse("wrong_issuer", "a workload, and iss "+quote(iss), "RFC 7519, Section 4.1.1: an iss that is there is what counts", svid("spiffe://example.org/orders", claim("iss", quote(iss)))...)
	}
	s.refuse("invalid_claim", "a workload, and iss null", "RFC 7519, Section 4.1.1: a string", svid("spiffe://example.org/orders", claim("iss", "null"))...)
	for _, sub := range []string{
		"spiffe://example.com/orders", "spiffe://example.org.attacker.example/orders", "spiffe://sub.example.org/orders", "spiffe://example.or/orders", "spiffe://example.org@attacker.example/orders", "spiffe://attacker.example/example.org",
		"spiffe://attacker.example/spiffe://example.org", "https://example.org/orders", "spiffe:/example.org/orders", "spiffe:example.org", "example.org/orders", "", "orders",
		"SPIFFE://example.org/orders", "spiffe://EXAMPLE.org/orders", "spiffe://example.org:443/orders", "spiffe://user@example.org/orders", "spiffe:///orders", " spiffe://example.org/orders",
		"spiffe://example.org/", "spiffe://example.org/orders/", "spiffe://example.org//orders", "spiffe://example.org/./orders", "spiffe://example.org/a/../orders", "spiffe://example.org/%6frders", "spiffe://example.org/orders?a=b", "spiffe://example.org/orders#a",
		"spiffe://example.org?a", "spiffe://example.org#a", "spiffe://example.org/caf\u00e9", "spiffe://ex\u0430mple.org/orders", "spiffe://example.org/orders\n", "spiffe://example.org/" + strings.Repeat("a", 2048-len("spiffe://example.org/")+1),
	} {
		s.refuse("wrong_issuer", "sub is "+shorten(quote(sub)), form, svid(sub)...)
		s.refuse("wrong_issuer", "iss is the trust domain, and sub is "+shorten(quote(sub)), subject, svid(sub, claim("iss", quote(domain)))...)
	}
	s.accept("a SPIFFE ID of 2048 bytes", "SPIFFE-ID, Section 2.3", svid("spiffe://example.org/"+strings.Repeat("a", 2048-len("spiffe://example.org/")))...)
	s.refuse("wrong_issuer", "neither iss nor sub", subject, svid("", without("sub"))...)
	s.refuse("wrong_issuer", "a workload of an issuer that is no trust domain", subject, svid("spiffe://example.org/orders", config(func(c *vectors.Config) { c.Issuers = []string{"https://example.org", "example.org"} }))...)
	s.accept("a workload of an issuer that has a name of its own", "SPIRE may write an iss, which is then compared", svid("spiffe://example.org/orders", claim("iss", `"https://oidc.example.org"`), config(func(c *vectors.Config) { c.Issuers = []string{"https://oidc.example.org"} }))...)
	s.refuse("wrong_audience", "another audience", "SPIFFE JWT-SVID, Section 3.2: aud is required", svid("spiffe://example.org/orders", claim("aud", `"https://b.example.com"`))...)
	s.refuse("wrong_audience", "no audience", "SPIFFE JWT-SVID, Section 3.2: aud is required", svid("spiffe://example.org/orders", without("aud"))...)
	s.refuse("invalid_claim", "no exp", "SPIFFE JWT-SVID, Section 3.3: exp is required", svid("spiffe://example.org/orders", without("exp"))...)
	s.refuse("invalid_signature", "another's signature", "RFC 7515, Section 5.2", svid("spiffe://example.org/orders", by("RS256", otherRSA))...)
	s.refuse("unknown_key", "a key of the bundle for certificates", bundle, svid("spiffe://example.org/orders", signed("ES256", p256Key))...)
	for _, name := range []string{"spiffe://", "spiffe://example.org/", "spiffe://example.org/orders", "spiffe://Example.org", "spiffe://example.org:443"} {
		s.refuse(invalidConfig, "the trust domain "+quote(name), form, config(func(c *vectors.Config) { c.Issuers, c.KeysGiven = []string{name}, true }), func(d *draft) { d.v.Token, d.unparsed = "", true })
		s.file.Vectors[len(s.file.Vectors)-1].Answer = vectors.Answer{Code: invalidConfig}
	}
	return s
}

func audiences() *suite {
	s := newSuite("audiences", "aud: ours is in it, byte for byte (RFC 7519, Sections 4.1.3 and 7.3; RFC 8725, Section 3.9).")
	const (
		why  = "RFC 8725, Section 3.9, and RFC 7519, Section 7.3: the audience is compared as it is"
		kind = "RFC 7519, Section 4.1.3: a string or an array of strings"
	)
	s.accept("a string", kind)
	s.accept("an array of one", kind, claim("aud", `["https://api.example.com"]`))
	s.accept("an array, ours first", kind, claim("aud", `["https://api.example.com","https://tenant.example.com/userinfo"]`))
	s.accept("an array, ours last", kind, claim("aud", `["https://tenant.example.com/userinfo","https://api.example.com"]`))
	s.accept("an array with ours twice", kind, claim("aud", `["https://api.example.com","https://api.example.com"]`))
	s.accept("an array with an empty string and ours", kind, claim("aud", `["","https://api.example.com"]`))
	s.accept("aud written with escapes", "RFC 8259, Sections 7 and 8.3: the same string", claim("aud", `"https:\/\/api.example\u002ecom"`))
	for _, aud := range []string{
		"https://api.example.com/", "http://api.example.com", "https://API.example.com", "HTTPS://api.example.com", "https://api.example.co", "https://api.example.comm", "https://api.example.com.attacker.example", "https://api.example.com/orders",
		"https://api.example.com:443", "https://xapi.example.com", "api.example.com", "api", "https://api", "", " ", "*", "null", " https://api.example.com", "https://api.example.com ", "https://api.example.com\n", "https://api.example.com\x00",
		"https://api.example.com,https://other.example.com", "https://other.example.com https://api.example.com", "[\"https://api.example.com\"]", "https://\u0430pi.example.com", "https://api.example.com\u200b", "https://tenant.example.com/userinfo",
		"https://tenant.example.com/", "client-1", "https://api_example.com", "https%3A%2F%2Fapi.example.com",
	} {
		s.refuse("wrong_audience", "aud is "+quote(aud), why, claim("aud", quote(aud)))
		s.refuse("wrong_audience", "aud is ["+quote(aud)+"]", why, claim("aud", "["+quote(aud)+"]"))
	}
	s.refuse("wrong_audience", "no aud", "RFC 9068, Section 2.2: aud is required", without("aud"))
	s.refuse("wrong_audience", "an array of others", why, claim("aud", `["https://a.example.com","https://b.example.com"]`))
	s.refuse("wrong_audience", "two halves of ours", why, claim("aud", `["https://api","example.com"]`))
	for _, text := range []string{"[]", "null", "1", "true", "{}", `{"aud":"https://api.example.com"}`, `["https://api.example.com",null]`, `["https://api.example.com",1]`, `[["https://api.example.com"]]`, `["https://api.example.com",["x"]]`, `[null]`, `[{}]`, `{"0":"https://api.example.com"}`} {
		s.refuse("invalid_claim", "aud is "+text, kind, claim("aud", text))
	}
	two := config(func(c *vectors.Config) { c.Audiences = []string{audience, "https://old-api.example.com"} })
	s.accept("the first of two audiences", why, two)
	s.accept("the second of two audiences", why, two, claim("aud", `"https://old-api.example.com"`))
	s.accept("both audiences", why, two, claim("aud", `["https://old-api.example.com","https://api.example.com"]`))
	s.refuse("wrong_audience", "neither of two audiences", why, two, claim("aud", `"https://older-api.example.com"`))
	const (
		standsIn  = "RFC 7519, Section 4.1.3: aud is optional, and an issuer may name what a token is for by a claim of its own"
		namesNone = "RFC 7519, Section 4.1.3: an empty aud names no one, as an absent one does, and issuers write it so"
		counts    = "RFC 7519, Section 4.1.3: if aud is present and does not name us, the token is rejected"
	)
	for _, name := range []string{"client_id", "azp", "cid", "https://example.com/for"} {
		instead := config(func(c *vectors.Config) { c.AudienceClaim, c.Audiences = name, []string{"client-1", "client-2"} })
		noAud := func(text string) []option { return []option{instead, without("aud"), claim(name, text)} }
		s.accept("no aud, and "+name+" is ours", standsIn, noAud(`"client-1"`)...)
		s.accept("no aud, and "+name+" is our second", standsIn, noAud(`"client-2"`)...)
		s.accept("aud is ours, whatever "+name+" is", counts, instead, claim("aud", `"client-1"`), claim(name, `"client-3"`))
		for _, other := range []string{"client-3", "client-1 ", " client-1", "Client-1", "client-11", "client-", "client-1,client-2", "client-1 client-2", "", "*"} {
			s.refuse("wrong_audience", "no aud, and "+name+" is "+quote(other), standsIn, noAud(quote(other))...)
			s.refuse("wrong_audience", "aud is "+quote(other)+", whatever "+name+" is", counts, instead, claim("aud", quote(other)), claim(name, `"client-1"`))
		}
		s.refuse("wrong_audience", "neither aud nor "+name, standsIn, instead, without("aud"))
		for _, text := range []string{"null", "1", "true", "{}", `{"a":"client-1"}`, "[]", `["client-1",1]`, `[["client-1"]]`, "[[]]"} {
			s.refuse("invalid_claim", "no aud, and "+name+" is "+text, standsIn, noAud(text)...)
			if text != "[]" {
				s.refuse("invalid_claim", "aud is "+text+", whatever "+name+" is", counts, instead, claim("aud", text), claim(name, `"client-1"`))
			}
		}
		s.accept("aud is an empty array, and "+name+" is ours", namesNone, instead, claim("aud", "[]"), claim(name, `"client-1"`))
		s.refuse("wrong_audience", "aud is an empty array, and "+name+" is another", namesNone, instead, claim("aud", "[]"), claim(name, `"client-3"`))
		s.refuse("wrong_audience", "aud is an empty array, and there is no "+name, namesNone, instead, claim("aud", "[]"))
		s.refuse("invalid_claim", "aud and "+name+" are empty arrays", namesNone, instead, claim("aud", "[]"), claim(name, "[]"))
		s.refuse("wrong_audience", "aud is an array with an empty string, whatever "+name+" is", counts, instead, claim("aud", `[""]`), claim(name, `"client-1"`))
		s.refuse("invalid_claim", "aud is an empty array, and "+name+" is ours, which nobody has asked for", counts, config(func(c *vectors.Config) { c.Audiences = []string{"client-1"} }), claim("aud", "[]"), claim(name, `"client-1"`))
		s.refuse("wrong_audience", "no aud, and "+name+" is ours, which nobody has asked for", counts, config(func(c *vectors.Config) { c.Audiences = []string{"client-1"} }), without("aud"), claim(name, `"client-1"`))
		s.refuse("wrong_audience", "no aud, and the name of "+name+" in capitals", "RFC 7519, Section 7.3: names are compared as they are", instead, without("aud"), claim(strings.ToUpper(name), `"client-1"`))
	}
	list := config(func(c *vectors.Config) { c.AudienceClaim, c.Audiences = "resources", []string{"orders", "returns"} })
	s.accept("no aud, and an array in its place", standsIn, list, without("aud"), claim("resources", `["stock","returns"]`))
	s.refuse("wrong_audience", "no aud, and an array of others in its place", standsIn, list, without("aud"), claim("resources", `["stock","return"]`))

	odd := config(func(c *vectors.Config) { c.Audiences = []string{"urn:example:api v1"} })
	s.accept("an audience that is no URL", why, odd, claim("aud", `"urn:example:api v1"`))
	s.refuse("wrong_audience", "a part of an audience with a space", why, odd, claim("aud", `["urn:example:api","v1"]`))
	s.refuse("wrong_audience", "aud and iss both wrong only in aud", why, claim("aud", `"x"`), by("RS256", otherRSA))
	return s
}
