package forge

import (
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

// invalidConfig is the Want of a configuration that must be rejected. There is
// no response then.
const invalidConfig = "invalid_config"

func configs() *suite {
	s := newSuite("configs", "Configurations that could accept every token, and the nearest that do not. They are an error when the service starts, never a silent default.")
	refuse := func(name, why string, f func(*vectors.Config)) {
		s.refuse(invalidConfig, name, why, config(f), func(d *draft) { d.v.Token, d.unparsed = "", true })
		last := &s.file.Vectors[len(s.file.Vectors)-1]
		last.Answer = vectors.Answer{Code: invalidConfig}
	}
	const (
		iss  = "RFC 8414, Section 2: an issuer is an https URL without query and fragment"
		aud  = "RFC 8725, Section 3.9: without an audience the tokens of every API would be accepted"
		algs = "RFC 8725, Section 3.1: the list decides, so it has known algorithms for public keys alone"
	)
	s.accept("the least that is needed", "issuer and audience", config(func(*vectors.Config) {}))
	refuse("nothing", iss, func(c *vectors.Config) { c.Issuers, c.Audiences = nil, nil })
	refuse("no issuer", iss, func(c *vectors.Config) { c.Issuers = nil })
	refuse("no audience", aud, func(c *vectors.Config) { c.Audiences = nil })
	for _, i := range []string{
		"", " ", "/", "tenant.example.com", "tenant.example.com/", "//tenant.example.com/", "http://tenant.example.com/", "http://localhost.example.com/", "http://127.0.0.1.example.com/", "http://10.0.0.1/", "http://[::]/", "ftp://tenant.example.com/", "file:///etc/issuer", "https://", "https:///", "https:tenant",
		"https://tenant.example.com/?a=b", "https://tenant.example.com/?", "https://tenant.example.com/#f", "https://tenant.example.com/#", "https://user@tenant.example.com/", "https://user:password@tenant.example.com/", "https://tenant.example.com/\n", " https://tenant.example.com/", "javascript:alert(1)", "https://:443/",
		"https://ten ant.example.com/", "https://tenant.example.com:port/", "*",
	} {
		refuse("issuer "+quote(i), iss, func(c *vectors.Config) { c.Issuers = []string{i} })
		refuse("issuer "+quote(i)+" beside a good one", iss, func(c *vectors.Config) { c.Issuers = []string{issuer, i} })
	}
	for _, i := range []string{"https://tenant.example.com", "https://tenant.example.com:8443/", "https://idp.example.com/realms/a", "http://localhost:8080/", "http://127.0.0.1:8080", "http://[::1]:8080/", "https://10.0.0.1/"} {
		s.accept("issuer "+quote(i), iss, config(func(c *vectors.Config) { c.Issuers = []string{i} }), claim("iss", quote(i)))
	}
	const any = "RFC 7519, Section 4.1.1: any text names an issuer, if it is only compared"
	given := func(iss string) func(*vectors.Config) {
		return func(c *vectors.Config) { c.Issuers, c.KeysGiven = []string{iss}, true }
	}
	for _, i := range []string{"", " ", " acme", "acme ", "\tacme", "ac\nme", "ac\x00me", "acme\u200b", "acme\u202e"} {
		refuse("keys are given, and the issuer is "+quote(i), any, given(i))
	}
	refuse("keys are given, and the issuer has a password", any, given("https://user:password@tenant.example.com/"))
	s.accept("keys are given, and the issuer is a word", any, config(given("acme")), claim("iss", `"acme"`))
	const http = "RFC 8414, Section 2: an issuer is an https URL"
	refuse("http off this machine", http, func(c *vectors.Config) { c.Issuers = []string{"http://keycloak:8080/realms/shop"} })
	refuse("ftp, where http is accepted", http, func(c *vectors.Config) { c.Issuers, c.InsecureHTTP = []string{"ftp://keycloak/realms/shop"}, true })
	refuse("a word, where http is accepted", http, func(c *vectors.Config) { c.Issuers, c.InsecureHTTP = []string{"keycloak"}, true })
	refuse("a password, where http is accepted", http, func(c *vectors.Config) { c.Issuers, c.InsecureHTTP = []string{"http://u:p@keycloak/"}, true })
	const standsIn = "what every token of an issuer has says of none that it is for this API"
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "scp", "act", "cnf", "tid", " azp", "azp ", " ", "az\np"} {
		refuse("the claim "+quote(name)+" for aud", standsIn, func(c *vectors.Config) { c.AudienceClaim = name })
	}
	refuse("the claim azp for aud, and RFC 9068", "RFC 9068, Section 2.2: aud is required", func(c *vectors.Config) { c.AudienceClaim, c.RequireRFC9068 = "azp", true })
	s.accept("the claim azp for aud", standsIn, config(func(c *vectors.Config) { c.AudienceClaim = "azp" }))
	for _, a := range []string{"", " ", " https://api.example.com", "https://api.example.com ", "\t"} {
		refuse("audience "+quote(a), aud, func(c *vectors.Config) { c.Audiences = []string{a} })
		refuse("audience "+quote(a)+" beside a good one", aud, func(c *vectors.Config) { c.Audiences = []string{audience, a} })
	}
	for _, a := range []string{"none", "None", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "RS1", "ES256K", "A128KW", "dir", "Ed448", "ESP521", "ESB256", "*", "RS256,ES256"} {
		refuse("algorithm "+quote(a), algs, func(c *vectors.Config) { c.Algorithms = []string{a} })
		refuse("algorithm "+quote(a)+" beside RS256", algs, func(c *vectors.Config) { c.Algorithms = []string{"RS256", a} })
	}
	refuse("leeway over five minutes", "a leeway is for clocks", func(c *vectors.Config) { c.LeewaySeconds = 301 })
	refuse("leeway of a day", "a leeway is for clocks", func(c *vectors.Config) { c.LeewaySeconds = 86400 })
	s.accept("leeway of five minutes", "a leeway is for clocks", leeway(300))
	s.accept("negative leeway is none", "a leeway is for clocks", leeway(-1))
	refuse("negative token size", "a size has a sign for no reason", func(c *vectors.Config) { c.MaxTokenSize = -1 })
	refuse("token size over a MiB", "a limit that limits", func(c *vectors.Config) { c.MaxTokenSize = 1<<20 + 1 })
	s.accept("token size of a MiB", "a limit that limits", config(func(c *vectors.Config) { c.MaxTokenSize = 1 << 20 }))
	refuse("RFC 9068 and any type", "they exclude each other", func(c *vectors.Config) { c.RequireRFC9068, c.InsecureSkipTypeCheck = true, true })
	s.accept("no cache", "a token remembered is checked all the same", config(func(c *vectors.Config) { c.CacheSize = -1 }))
	s.accept("a cache", "a token remembered is checked all the same", config(func(c *vectors.Config) { c.CacheSize = 16 }))
	refuse("realm with a line break", "RFC 9110, Section 5.5: no line breaks in a field", func(c *vectors.Config) { c.Realm = "a\r\nSet-Cookie: b" })
	refuse("realm that is not ASCII", "RFC 9110, Section 5.5: a field is ASCII", func(c *vectors.Config) { c.Realm = "caf\u00e9" })
	for _, m := range []string{"http://api.example.com/", "/metadata", "https://", "javascript:alert(1)", "https://api.example.com/\"", "https://user@api.example.com/", "https://api.example.com/#f", "https://api.example.com/\r\nX: y"} {
		refuse("resource metadata "+quote(m), "RFC 9728, Sections 1.2 and 3.1: it is made of an https URL", func(c *vectors.Config) { c.ResourceMetadata = m })
	}
	refuse("everything at once", strings.Join([]string{iss, aud}, "; "), func(c *vectors.Config) {
		c.Issuers, c.Audiences, c.Algorithms, c.LeewaySeconds = []string{"x"}, []string{""}, []string{"none"}, 1e6
	})
	return s
}
