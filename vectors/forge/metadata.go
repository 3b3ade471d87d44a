package forge

import (
	"net/http"
	"strconv"

	"github.com/rsguard/rsguard/vectors"
)

func metadata() *suite {
	s := newSuite("metadata", "Where an issuer's keys are, and what is not believed of it (OpenID Connect Discovery 1.0, Section 4; RFC 8414, Section 3).")
	const (
		whose    = "RFC 8414, Section 3.3: the issuer in the document is the one that was asked, byte for byte"
		where    = "RFC 8414, Section 2: jwks_uri is an https URL"
		found    = "OpenID Connect Discovery 1.0, Section 4, then RFC 8414, Section 3.1"
		redirect = "an attacker that can send a redirect could choose whose keys are used"
		status   = "RFC 8414, Section 3.2: only a 200 has what was asked for"
		strict   = "RFC 8259, Sections 4 and 8.3: one reading of each name"
		configF  = "https://tenant.example.com/.well-known/openid-configuration"
		oauth    = "https://tenant.example.com/.well-known/oauth-authorization-server"
		keysURL  = "https://tenant.example.com/jwks.json"
	)
	doc := func(more string) string {
		return `{"issuer":"https://tenant.example.com/","jwks_uri":"` + keysURL + `"` + more + `}`
	}
	keys := vectors.Served{URL: keysURL, Body: "KEYS"}
	document := func(body string) vectors.Served { return vectors.Served{URL: configF, Body: body} }
	refuse := func(name, why string, answers ...vectors.Served) {
		s.refuse("unavailable", name, why, served(answers...))
	}

	s.accept("OpenID Connect's document", found, served(document(doc("")), keys))
	s.accept("OAuth's document", found, served(vectors.Served{URL: oauth, Body: doc("")}, keys))
	s.accept("both documents", found, served(document(doc("")), vectors.Served{URL: oauth, Body: "{}"}, keys))
	s.accept("a document of another issuer at the one place, ours at the other", found, served(document(`{"issuer":"https://x.example/","jwks_uri":"https://x.example/"}`), vectors.Served{URL: oauth, Body: doc("")}, keys))
	s.accept("more members", found, served(document(doc(`,"authorization_endpoint":"https://x/","scopes_supported":["a"],"x":{"a":[null]}`)), keys))
	s.accept("a byte order mark before it", "RFC 8259, Section 8.1: a parser may ignore one", served(document("\ufeff"+doc("")), keys))
	refuse("two byte order marks before it", "RFC 8259, Section 8.1: there is one", document("\ufeff\ufeff"+doc("")), keys)
	s.accept("keys on another host", where, served(document(`{"issuer":"https://tenant.example.com/","jwks_uri":"https://keys.example.com/t"}`), vectors.Served{URL: "https://keys.example.com/t", Body: "KEYS"}))
	s.accept("another content type", "neither the metadata nor the key set depends on it", served(vectors.Served{URL: configF, Body: doc(""), Header: [][2]string{{"Content-Type", "text/html"}}}, keys))
	realm := config(func(c *vectors.Config) { c.Issuers = []string{"https://idp.example.com/realms/a"} })
	inRealm := `{"issuer":"https://idp.example.com/realms/a","jwks_uri":"` + keysURL + `"}`
	s.accept("an issuer with a path: OpenID Connect", found, realm, claim("iss", `"https://idp.example.com/realms/a"`), served(vectors.Served{URL: "https://idp.example.com/realms/a/.well-known/openid-configuration", Body: inRealm}, keys))
	s.accept("an issuer with a path: OAuth", found, realm, claim("iss", `"https://idp.example.com/realms/a"`), served(vectors.Served{URL: "https://idp.example.com/.well-known/oauth-authorization-server/realms/a", Body: inRealm}, keys))

	refuse("nothing but the keys, somewhere", status, keys)
	for _, iss := range []string{
		`"https://tenant.example.com"`, `"https://tenant.example.com//"`, `"https://TENANT.example.com/"`, `"http://tenant.example.com/"`, `"https://tenant-b.example.com/"`, `"https://tenant.example.com/ "`, `"https://tenant.example.com:443/"`, `""`, "null", "1",
		`["https://tenant.example.com/"]`, `"https://tenant.example.com.attacker.example/"`, `{}`,
	} {
		refuse("issuer is "+iss, whose, document(`{"issuer":`+iss+`,"jwks_uri":"`+keysURL+`"}`), keys)
	}
	refuse("no issuer", whose, document(`{"jwks_uri":"`+keysURL+`"}`), keys)
	refuse("ISSUER alone", strict, document(`{"ISSUER":"https://tenant.example.com/","jwks_uri":"`+keysURL+`"}`), keys)
	refuse("two issuers, ours first", strict, document(`{"issuer":"https://tenant.example.com/","issuer":"https://x.example/","jwks_uri":"`+keysURL+`"}`), keys)
	refuse("two issuers, ours last", strict, document(`{"issuer":"https://x.example/","issuer":"https://tenant.example.com/","jwks_uri":"`+keysURL+`"}`), keys)
	refuse("two jwks_uri", strict, document(doc(`,"jwks_uri":"https://x.example/"`)), keys)

	for _, uri := range []string{"http://tenant.example.com/jwks.json", "http://127.0.0.1/jwks.json", "http://localhost/jwks.json", "/jwks.json", "jwks.json", "//tenant.example.com/jwks.json", "", "file:///etc/jwks.json", "ftp://tenant.example.com/jwks.json", "https://", "https://user:password@tenant.example.com/jwks.json", "https://tenant.example.com/jwks.json#f", "javascript:1", "data:application/json,{}"} {
		refuse("jwks_uri is "+quote(uri), where, document(`{"issuer":"https://tenant.example.com/","jwks_uri":`+quote(uri)+`}`), keys, vectors.Served{URL: uri, Body: "KEYS"})
	}
	for _, uri := range []string{"null", "1", "[]", `["` + keysURL + `"]`, "{}"} {
		refuse("jwks_uri is "+uri, where, document(`{"issuer":"https://tenant.example.com/","jwks_uri":`+uri+`}`), keys)
	}
	refuse("no jwks_uri", where, document(`{"issuer":"https://tenant.example.com/"}`), keys)
	refuse("JWKS_URI alone", strict, document(`{"issuer":"https://tenant.example.com/","JWKS_URI":"`+keysURL+`"}`), keys)
	refuse("the keys in the document", where, document(`{"issuer":"https://tenant.example.com/","jwks":KEYS,"keys":[]}`), keys)

	// The issuer has one address in tokens, and we reach it at another.
	const (
		shop     = "https://sso.example.com/realms/shop"
		inside   = "http://keycloak:8080/realms/shop/.well-known/openid-configuration"
		insideTL = "https://keycloak.internal/realms/shop/.well-known/openid-configuration"
		httpKeys = "http://keycloak:8080/realms/shop/certs"
		tls      = "RFC 8414, Section 2: jwks_uri is an https URL, unless http is allowed"
	)
	internal := func(address string, insecure bool, name, uri string) []option {
		return []option{
			config(func(c *vectors.Config) {
				c.Issuers, c.KeysGiven, c.MetadataURL, c.InsecureHTTP = []string{shop}, true, address, insecure
			}),
			claim("iss", quote(shop)),
			served(vectors.Served{URL: address, Body: `{"issuer":` + quote(name) + `,"jwks_uri":` + quote(uri) + `}`},
				vectors.Served{URL: uri, Body: "KEYS"}),
		}
	}
	s.accept("metadata at an internal address", whose, internal(insideTL, false, shop, "https://keycloak.internal/certs")...)
	s.accept("metadata at an internal address, and public keys", whose, internal(insideTL, false, shop, "https://sso.example.com/certs")...)
	s.accept("metadata over http, and keys over http", tls, internal(inside, true, shop, httpKeys)...)
	s.accept("metadata over http, and keys over https", tls, internal(inside, true, shop, "https://sso.example.com/certs")...)
	for _, name := range []string{"http://keycloak:8080/realms/shop", "https://keycloak.internal/realms/shop", shop + "/", "https://sso.example.com/realms/Shop", "https://sso.example.com/realms/b", ""} {
		s.refuse("unavailable", "metadata over http, of issuer "+quote(name), whose, internal(inside, true, name, httpKeys)...)
		s.refuse("unavailable", "metadata at an internal address, of issuer "+quote(name), whose, internal(insideTL, false, name, "https://keycloak.internal/certs")...)
	}
	s.refuse("unavailable", "metadata over https, and keys over http", tls, internal(insideTL, true, shop, httpKeys)...)
	s.refuse("unavailable", "metadata over https, and keys over http on this machine", tls, internal(insideTL, true, shop, "http://127.0.0.1/certs")...)
	s.refuse("unavailable", "metadata over http on this machine, and keys over http elsewhere", tls, internal("http://127.0.0.1/.well-known/openid-configuration", false, shop, httpKeys)...)
	s.accept("metadata over http on this machine, and keys too", tls, internal("http://127.0.0.1/.well-known/openid-configuration", false, shop, "http://127.0.0.1/certs")...)
	s.refuse("unavailable", "metadata over http, and keys over ftp", tls, internal(inside, true, shop, "ftp://keycloak:8080/certs")...)
	s.refuse("wrong_issuer", "a token that names the internal address", whose, append(internal(inside, true, shop, httpKeys), claim("iss", `"http://keycloak:8080/realms/shop"`))...)
	named := config(func(c *vectors.Config) {
		c.Issuers, c.InsecureHTTP, c.KeysGiven = []string{"http://keycloak:8080/realms/shop"}, true, true
	})
	compose := []option{named, claim("iss", `"http://keycloak:8080/realms/shop"`), served(
		vectors.Served{URL: inside, Body: `{"issuer":"http://keycloak:8080/realms/shop","jwks_uri":"` + httpKeys + `"}`},
		vectors.Served{URL: httpKeys, Body: "KEYS"})}
	s.accept("an issuer over http, by its own name", tls, compose...)
	s.refuse("invalid_signature", "an issuer over http, and another's signature", "RFC 7515, Section 5.2", append(compose[:3:3], by("RS256", otherRSA))...)

	for _, body := range []string{"", "null", "[]", "<html></html>", "{", doc("") + "x"} {
		refuse("the document is "+shorten(quote(body)), "RFC 8414, Section 3.2: a JSON object", document(body), keys)
	}
	for _, code := range []int{201, 204, 206, 301, 302, 307, 308, 304, 400, 401, 403, 404, 500, 503} {
		why := status
		if code/100 == 3 {
			why = redirect
		}
		to := [][2]string{{"Location", "https://attacker.example/"}}
		elsewhere := vectors.Served{URL: "https://attacker.example/", Body: "KEYS"}
		s.refuse("unavailable", "the document comes with status "+httpStatus(code), why, served(vectors.Served{URL: configF, Status: code, Header: to, Body: doc("")}, keys, elsewhere))
		s.refuse("unavailable", "the key set comes with status "+httpStatus(code), why, served(document(doc("")), vectors.Served{URL: keysURL, Status: code, Header: to, Body: "KEYS"}, elsewhere))
	}
	refuse("the key set is the document", "RFC 7517, Section 5", document(doc("")), vectors.Served{URL: keysURL, Body: doc("")})
	refuse("the key set is empty", "RFC 7517, Section 5", document(doc("")), vectors.Served{URL: keysURL, Body: `{"keys":[]}`})
	s.refuse("unknown_key", "a good document, and a kid that is not there", "RFC 7515, Section 4.1.4", served(document(doc("")), keys), head("kid", `"x"`))
	s.refuse("invalid_signature", "a good document, and another's signature", "RFC 7515, Section 5.2", served(document(doc("")), keys), by("RS256", otherRSA))
	s.refuse("wrong_issuer", "another issuer's token: nothing is asked", "no URL is made of what a token says", served(document(doc("")), keys), claim("iss", `"https://attacker.example/"`))
	return s
}

func httpStatus(code int) string { return strconv.Itoa(code) + " " + http.StatusText(code) }
