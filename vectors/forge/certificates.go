package forge

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/rsguard/rsguard/vectors"
)

func certificates() *suite {
	s := newSuite("certificates", "Tokens bound to a client's certificate (RFC 8705, Section 3).")
	const why = "RFC 8705, Section 3: the certificate of the connection"
	cert := clientRSA().rsa.certificate()
	other := otherRSA().rsa.certificate()
	x5t := func(der []byte) string {
		sum := sha256.Sum256(der)
		return b64(sum[:])
	}
	boundTo := func(der []byte) option { return claim("cnf", `{"x5t#S256":"`+x5t(der)+`"}`) }
	with := func(der []byte, fields ...[2]string) option {
		return func(d *draft) {
			if fields == nil {
				fields = [][2]string{{"Authorization", "Bearer {token}"}}
			}
			d.v.Request = &vectors.Request{Scheme: "https", Target: "/orders", Header: append([][2]string{}, fields...), Certificate: base64.StdEncoding.EncodeToString(der)}
		}
	}
	s.accept("the certificate that the token is bound to", why, boundTo(cert), with(cert))
	s.refuse("binding_mismatch", "another certificate", why, boundTo(cert), with(other))
	s.refuse("binding_mismatch", "no certificate", why, boundTo(cert), with(nil))
	s.accept("a certificate, and a token bound to nothing", "RFC 8705, Section 3: nothing asks for it", with(cert))
	s.accept("a certificate, and DPoP as the scheme", "Auth0 calls the type of every bound token DPoP", boundTo(cert), with(cert, [2]string{"Authorization", "DPoP {token}"}))
	s.refuse("binding_mismatch", "another certificate, and DPoP as the scheme", why, boundTo(cert), with(other, [2]string{"Authorization", "DPoP {token}"}))
	s.refuse("binding_mismatch", "a certificate, DPoP as the scheme, and a token bound to nothing", "RFC 9449, Section 7.1: the token must be bound", with(cert, [2]string{"Authorization", "DPoP {token}"}))
	s.refuse("binding_mismatch", "the certificate in a field", "RFC 8705, Section 6.5: any client can write it", boundTo(cert), with(nil, [2]string{"Authorization", "Bearer {token}"}, [2]string{"Client-Cert", ":" + base64.StdEncoding.EncodeToString(cert) + ":"}))
	s.refuse("binding_mismatch", "the certificate in another proxy's field", "RFC 8705, Section 6.5: any client can write it", boundTo(cert), with(other, [2]string{"Authorization", "Bearer {token}"}, [2]string{"X-Forwarded-Client-Cert", "Cert=x;Hash=" + x5t(cert)}, [2]string{"X-Ssl-Cert", base64.StdEncoding.EncodeToString(cert)}))
	for _, c := range []struct{ name, text string }{
		{"SHA-1", `{"x5t":"` + x5t(cert) + `"}`}, {"in small letters", `{"x5t#s256":"` + x5t(cert) + `"}`}, {"with padding", `{"x5t#S256":"` + x5t(cert) + `="}`}, {"empty", `{"x5t#S256":""}`}, {"null", `{"x5t#S256":null}`}, {"and something else", `{"x5t#S256":"` + x5t(cert) + `","kid":"x"}`}, {"of nothing", `{}`},
	} {
		s.refuse("binding_mismatch", "the hash, "+c.name, "RFC 8705, Section 3.1", claim("cnf", c.text), with(cert))
	}
	both := claim("cnf", `{"x5t#S256":"`+x5t(cert)+`","jkt":"`+clientKey().thumbprint()+`"}`)
	dpop := config(func(c *vectors.Config) { c.DPoP = &vectors.DPoP{} })
	fields := [][2]string{{"Authorization", "DPoP {token}"}, {"Dpop", "{proof}"}}
	s.accept("a key and a certificate, both proven", "everything that cnf names must be proven", both, dpop, with(cert, fields...))
	s.refuse("binding_mismatch", "a key and a certificate, the key proven", "everything that cnf names must be proven", both, dpop, with(other, fields...))
	s.refuse("binding_mismatch", "a key and a certificate, the certificate proven", "everything that cnf names must be proven", both, dpop, with(cert, fields[0]))
	s.refuse("binding_mismatch", "a key and a certificate, the certificate proven, under Bearer", downgradeWhy, both, dpop, with(cert))
	s.accept("the certificate, where a binding is required", why, boundTo(cert), with(cert), requireBinding())
	s.refuse("binding_mismatch", "a certificate, and a token bound to nothing, where a binding is required", "an API may accept bound tokens alone", with(cert), requireBinding())
	s.refuse("binding_mismatch", "a token bound to nothing, where a binding is required", "an API may accept bound tokens alone", with(nil), requireBinding())
	s.refuse("token_missing", "nothing, where a binding is required", "the challenge names the schemes that are of use: not DPoP without proofs", with(nil, [2]string{"X-Nothing", "x"}), requireBinding())
	s.refuse("invalid_signature", "the certificate, and a forged token", "a binding is no signature", boundTo(cert), with(cert), by("RS256", otherRSA))
	return s
}

const downgradeWhy = "RFC 9449, Section 7.2: a bound token is not taken as a Bearer token"
