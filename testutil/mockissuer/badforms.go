package mockissuer

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

const (
	malformed = "token_malformed"
	compactly = "RFC 7515, Section 7.1: three segments of base64url, with nothing around or between them. "
)

// badForms are not compact serialisations of a JWS, or are a second spelling of
// one. A second spelling is not found in lists of revoked tokens, and splits
// caches.
var badForms = []badToken{
	{"opaque", malformed, "It is no JWT at all; issuers hand such tokens out if no audience was asked for.", func(*forger) string {
		return rand.Text()
	}},
	{"two segments", malformed, compactly + "The signature is missing with its dot.", func(f *forger) string {
		h, p, _ := f.parts()
		return h + "." + p
	}},
	{"four segments", malformed, compactly + "A fourth follows the signature.", func(f *forger) string {
		return f.good() + ".AAAA"
	}},
	{"five segments", malformed, "It has the shape of an encrypted token (RFC 7516), which an API that expects signed ones cannot trust.", func(f *forger) string {
		_, p, s := f.parts()
		return encode([]byte(`{"alg":"RSA-OAEP","enc":"A256GCM"}`)) + "." + s + ".AAAAAAAAAAAAAAAA." + p + ".AAAAAAAAAAAAAAAAAAAAAA"
	}},
	{"no header", malformed, compactly + "The header is empty.", func(f *forger) string {
		_, p, s := f.parts()
		return "." + p + "." + s
	}},
	{"no payload", malformed, "The payload is detached (RFC 7515, Appendix F): the claims are nowhere.", func(f *forger) string {
		h, _, s := f.parts()
		return h + ".." + s
	}},
	{"no signature", malformed, "The signature is empty under the algorithm of a good token.", func(f *forger) string {
		h, p, _ := f.parts()
		return h + "." + p + "."
	}},
	{"padding", malformed, compactly + "The signature ends with padding (RFC 7515, Section 2: no padding).", func(f *forger) string {
		return f.good() + strings.Repeat("=", 2)
	}},
	{"standard alphabet", malformed, compactly + "The signature is spelled with + and /, in the alphabet of plain base64.", func(f *forger) string {
		for range 1000 {
			h, p, s := split(f.withClaims(members{"jti": rand.Text()}))
			if strings.ContainsAny(s, "-_") {
				return h + "." + p + "." + strings.NewReplacer("-", "+", "_", "/").Replace(s)
			}
		}
		return ""
	}},
	{"trailing bits", malformed, compactly + "The unused bits of the signature's last character are not zero (RFC 4648, Section 3.5).", func(f *forger) string {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		token := f.good()
		_, _, s := split(token)
		last := strings.IndexByte(alphabet, token[len(token)-1])
		if len(s)%4 == 0 || last < 0 || last == len(alphabet)-1 {
			return "" // no bits are unused
		}
		return token[:len(token)-1] + alphabet[last+1:last+2]
	}},
	{"line break", malformed, compactly + "A line break, which base64 decoders like to skip, is in the signature.", func(f *forger) string {
		token := f.good()
		return token[:len(token)-8] + "\n" + token[len(token)-8:]
	}},
	{"NUL behind", malformed, compactly + "A zero byte comes last; to code in C the token ends before it.", func(f *forger) string { return f.good() + "\x00" }},
	{"token twice", malformed, compactly + "It is two tokens with a comma between them, as a proxy joins two fields.", func(f *forger) string {
		return f.good() + "," + f.good()
	}},
	{"JSON serialisation", malformed, "It is a JWS in the flattened JSON serialisation (RFC 7515, Section 7.2.2); a JWT is a compact one (RFC 7519, Section 3).", func(f *forger) string {
		h, p, s := f.parts()
		return `{"protected":"` + h + `","payload":"` + p + `","signature":"` + s + `"}`
	}},
	{"unprotected header", malformed, "Its alg stands outside of what is signed (RFC 7515, Section 7.2.1).", func(f *forger) string {
		_, p, s := f.parts()
		return `{"header":` + f.header(nil) + `,"payload":"` + p + `","signature":"` + s + `"}`
	}},
	{"nested token", malformed, "The payload is a good token, and no JSON (RFC 7519, Section 5.2). The outer one says nothing.", func(f *forger) string {
		return f.signed(f.alg, f.own, f.header(members{"cty": "JWT"}), f.good())
	}},
	{"header in plain base64", malformed, compactly + "The header is padded base64.", func(f *forger) string {
		text := f.header(nil)
		for len(text)%3 == 0 {
			text += " " // so that there is padding
		}
		return f.signedInput(base64.StdEncoding.EncodeToString([]byte(text)) + "." + encode([]byte(f.claims(nil))))
	}},
	{"too large", malformed, "It has 256 KiB: reading it costs more than it can be worth.", func(f *forger) string {
		return f.withClaims(members{"x": strings.Repeat("x", 192<<10)})
	}},
	{"many dots", malformed, "It is 10,000 dots: a reader that splits at all of them works for nothing.", func(*forger) string {
		return strings.Repeat(".", 10_000)
	}},
}

// signedInput returns a token whose first two segments are given.
func (f *forger) signedInput(input string) string {
	signature, err := algorithms[f.alg].sign(f.own, input)
	f.note(err)
	return input + "." + encode(signature)
}

func split(token string) (header, payload, signature string) {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	return header, payload, signature
}
