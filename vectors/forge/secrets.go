package forge

import (
	"bytes"
	"crypto"
	"crypto/hmac"

	"github.com/rsguard/rsguard/vectors"
)

func secrets() *suite {
	s := newSuite("secrets", "A shared secret in the configuration, and HS algorithms (RFC 7518, Section 3.2).")
	const (
		size = "RFC 7518, Section 3.2: a secret is as long as the hash, at least"
		sig  = "RFC 7518, Section 3.2: the whole MAC is compared"
		one  = "RFC 8725, Section 3.1: a key has one algorithm, so there is a secret or there are public keys"
	)
	secret := (&stream{label: "secret"}).bytes(64)
	with := func(size int) option {
		return config(func(c *vectors.Config) { c.Secret = b64(secret[:size]) })
	}
	mac := func(h crypto.Hash, key []byte) option {
		return signature(func(input string) []byte {
			m := hmac.New(h.New, key)
			m.Write([]byte(input))
			return m.Sum(nil)
		})
	}
	hs256 := []option{with(32), head("alg", `"HS256"`), mac(crypto.SHA256, secret[:32])}
	plus := func(opts ...option) []option { return append(hs256[:3:3], opts...) }

	s.accept("HS256 by default", size, hs256...)
	s.accept("HS256 allowed", size, plus(allow("HS256"))...)
	s.accept("HS384 allowed", size, with(48), allow("HS384"), head("alg", `"HS384"`), mac(crypto.SHA384, secret[:48]))
	s.accept("HS512 allowed", size, with(64), allow("HS512"), head("alg", `"HS512"`), mac(crypto.SHA512, secret))
	s.accept("HS512 among several", size, with(64), allow("HS256", "HS512"), head("alg", `"HS512"`), mac(crypto.SHA512, secret))
	s.accept("a longer secret", size, with(64), head("alg", `"HS256"`), mac(crypto.SHA256, secret))
	s.accept("no kid", "RFC 7515, Section 4.1.4: kid is optional", plus(headWithout("kid"))...)
	s.accept("any kid", "there is one secret", plus(head("kid", `"x"`))...)
	s.refuse("algorithm_not_allowed", "HS384 by default", algAllow, with(64), head("alg", `"HS384"`), mac(crypto.SHA384, secret))
	s.refuse("algorithm_not_allowed", "HS256 where HS512 is allowed", algAllow, with(64), allow("HS512"), head("alg", `"HS256"`), mac(crypto.SHA256, secret))
	s.refuse("algorithm_not_allowed", "RS256", one, with(32))
	s.refuse("algorithm_not_allowed", "RS256 with the MAC", one, with(32), mac(crypto.SHA256, secret[:32]))
	s.refuse("algorithm_not_allowed", "EdDSA", one, with(32), head("alg", `"EdDSA"`), by("EdDSA", edKey))
	for _, alg := range []string{"none", "hs256", "HS256 ", "HS1", ""} {
		s.refuse("algorithm_not_allowed", "alg "+quote(alg)+" with the MAC", none, plus(head("alg", quote(alg)))...)
	}
	s.refuse("token_malformed", "no MAC", "RFC 7515, Section 7.1", plus(signature(func(string) []byte { return nil }))...)
	for _, c := range []struct {
		name string
		f    func([]byte) []byte
	}{
		{"one byte short", func(b []byte) []byte { return b[:len(b)-1] }},
		{"half of it", func(b []byte) []byte { return b[:len(b)/2] }},
		{"one byte", func(b []byte) []byte { return b[:1] }},
		{"one byte more", func(b []byte) []byte { return append(b, 0) }},
		{"twice", func(b []byte) []byte { return append(bytes.Clone(b), b...) }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"first bit flipped", func(b []byte) []byte { b[0] ^= 0x80; return b }},
		{"last bit flipped", func(b []byte) []byte { b[len(b)-1] ^= 1; return b }},
		{"more than any signature", func(b []byte) []byte { return make([]byte, 2000) }},
	} {
		s.refuse("invalid_signature", "MAC: "+c.name, sig, plus(signature(func(input string) []byte {
			m := hmac.New(crypto.SHA256.New, secret[:32])
			m.Write([]byte(input))
			return c.f(m.Sum(nil))
		}))...)
	}
	for _, c := range []struct {
		name string
		key  []byte
	}{{"nothing", nil}, {"zeros", make([]byte, 32)}, {"the secret's base64url", []byte(b64(secret[:32]))}, {"a part of the secret", secret[:31]}, {"more than the secret", secret[:33]}, {"the secret with a newline", append(bytes.Clone(secret[:32]), '\n')}} {
		s.refuse("invalid_signature", "MAC by "+c.name, sig, plus(mac(crypto.SHA256, c.key))...)
	}
	s.accept("MAC by the secret and a zero", "RFC 2104, Section 2: a short key is filled up with zeros", plus(mac(crypto.SHA256, append(bytes.Clone(secret[:32]), 0)))...)
	s.refuse("invalid_signature", "MAC by SHA-512, called HS256", sig, plus(mac(crypto.SHA512, secret[:32]))...)
	s.refuse("token_expired", "a good MAC, expired", "times are checked all the same", plus(claim("exp", "1767225000"))...)
	s.refuse("wrong_audience", "a good MAC, for another", "the audience is checked all the same", plus(claim("aud", `"x"`))...)

	invalid := func(name, why string, f func(*vectors.Config)) {
		s.refuse(invalidConfig, name, why, config(f), func(d *draft) { d.v.Token, d.unparsed = "", true })
		s.file.Vectors[len(s.file.Vectors)-1].Answer = vectors.Answer{Code: invalidConfig}
	}
	invalid("a secret of 31 bytes for HS256", size, func(c *vectors.Config) { c.Secret = b64(secret[:31]) })
	invalid("a secret of 47 bytes for HS384", size, func(c *vectors.Config) { c.Secret, c.Algorithms = b64(secret[:47]), []string{"HS384"} })
	invalid("a secret of 63 bytes for HS512", size, func(c *vectors.Config) { c.Secret, c.Algorithms = b64(secret[:63]), []string{"HS512"} })
	invalid("a secret for HS256 that is short for HS512", size, func(c *vectors.Config) { c.Secret, c.Algorithms = b64(secret[:32]), []string{"HS256", "HS512"} })
	for _, alg := range []string{"RS256", "ES256", "EdDSA", "none", ""} {
		invalid("a secret for "+quote(alg), one, func(c *vectors.Config) { c.Secret, c.Algorithms = b64(secret), []string{alg} })
		invalid("a secret for HS256 and "+quote(alg), one, func(c *vectors.Config) { c.Secret, c.Algorithms = b64(secret), []string{"HS256", alg} })
	}
	return s
}
