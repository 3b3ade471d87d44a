package forge

import (
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

func loginHashes() *suite {
	s, accept, refuse := newLogins("login-hashes",
		"ID tokens: at_hash and c_hash are of the access token and the code that came with them (OpenID Connect Core 1.0, Sections 3.1.3.8, 3.2.2.10 and 3.3.2.11).")
	const (
		left  = "OpenID Connect Core 1.0, Section 3.1.3.6: the left half of the hash that alg has"
		back  = "OpenID Connect Core 1.0, Section 3.1.3.8: at_hash is optional where the token endpoint has answered"
		front = "OpenID Connect Core 1.0, Sections 3.2.2.10 and 3.3.2.11: the access token's hash is required where the browser has brought both"
		code  = "OpenID Connect Core 1.0, Section 3.3.2.11: the code's hash is required where the browser has brought both"
	)
	half := func(alg, text string) string {
		sum := digest(hashOf(alg), []byte(text))
		return b64(sum[:len(sum)/2])
	}
	browser := login(func(t *vectors.IDToken) { t.FrontChannel = true })
	for _, h := range []struct {
		claim, why string
		came       func(*vectors.IDToken, string)
	}{
		{"at_hash", front, func(t *vectors.IDToken, text string) { t.AccessToken = text }},
		{"c_hash", code, func(t *vectors.IDToken, text string) { t.Code = text }},
	} {
		came := func(text string) option { return login(func(t *vectors.IDToken) { h.came(t, text) }) }
		const text = "2YotnFZFEjr1zCsicMWpAA"
		right := half("RS256", text)
		accept(h.claim+" is the hash", left, came(text), claim(h.claim, quote(right)))
		accept(h.claim+" is the hash, from the browser", h.why, came(text), claim(h.claim, quote(right)), browser)
		accept("no "+h.claim, back, came(text))
		refuse("binding_mismatch", "no "+h.claim+", from the browser", h.why, came(text), browser)
		accept(h.claim+" of what did not come", back, claim(h.claim, quote(right)))
		refuse("binding_mismatch", h.claim+" is of another", left, came("x"+text), claim(h.claim, quote(right)))
		refuse("binding_mismatch", h.claim+" is of another, from the browser", h.why, came("x"+text), claim(h.claim, quote(right)), browser)
		for _, c := range []struct{ name, text string }{
			{"empty", ""}, {"the whole hash", b64(digest(hashOf("RS256"), []byte(text)))}, {"the right half", b64(digest(hashOf("RS256"), []byte(text))[16:])},
			{"of SHA-384", half("RS384", text)}, {"of SHA-512", half("RS512", text)}, {"cut", right[:21]}, {"padded", right + "=="},
			{"what came itself", text},
			{"in another case", strings.ToUpper(right)},
		} {
			refuse("binding_mismatch", h.claim+" is "+c.name, left, came(text), claim(h.claim, quote(c.text)))
		}
		for _, alg := range []struct {
			name string
			key  func() *key
		}{{"RS384", rsaKey1}, {"RS512", rsaKey1}, {"PS256", rsaKey1}, {"ES256", p256Key}, {"ES384", p384Key}, {"ES512", p521Key}} {
			accept(h.claim+" by "+alg.name, left, signed(alg.name, alg.key), came(text), claim(h.claim, quote(half(alg.name, text))))
			other := map[string]string{"256": "RS512", "384": "RS256", "512": "RS256"}[alg.name[2:]]
			refuse("binding_mismatch", h.claim+" by "+alg.name+", of the hash of "+other, left, signed(alg.name, alg.key), came(text),
				claim(h.claim, quote(half(other, text))))
		}
	}
	return s
}
