package forge

import (
	"encoding/base64"
	"strings"
)

func compactForm() *suite {
	s := newSuite("compact", "The compact form and base64url: one spelling for each token (RFC 7515, Sections 2 and 7.1; RFC 4648, Section 3.5).")
	const (
		three    = "RFC 7515, Section 7.1: three parts and two periods"
		alphabet = "RFC 7515, Section 2: base64url without padding, line breaks or white space"
		unused   = "RFC 4648, Section 3.5: the unused bits are zero"
		compact  = "RFC 7519, Section 1: a JWT is always in a compact serialization"
	)
	refuse := func(name, why string, opts ...option) { s.refuse("token_malformed", name, why, opts...) }
	edit := func(name, why string, f func(string) string, opts ...option) {
		refuse(name, why, append(opts, edited(f))...)
	}
	part := func(i int, f func(string) string) func(string) string {
		return func(t string) string {
			parts := strings.Split(t, ".")
			parts[i] = f(parts[i])
			return strings.Join(parts, ".")
		}
	}

	s.accept("as it should be", three)
	for _, text := range []string{".", "..", "...", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c", "eyJ.eyJ.AA", "null", "undefined", "Bearer", "dGhpcyBpcyBhbiBvcGFxdWUgdG9rZW4"} {
		refuse("token "+quote(text), three, token(text))
	}
	s.refuse("algorithm_not_allowed", "token of empty objects", three, token("e30.e30.AA"))
	refuse("opaque token", "RFC 6749, Section 1.4: a string that is opaque to the client, and here to us", token("HvH2zkQtVb5aZmS3q8gTtKQWcXUo1rEd"))
	edit("without its signature", three, func(t string) string { return t[:strings.LastIndex(t, ".")] })
	edit("without its signature, with the period", three, func(t string) string { return t[:strings.LastIndex(t, ".")+1] })
	edit("without its header", three, func(t string) string { return t[strings.Index(t, ".")+1:] })
	edit("without its payload", "RFC 7515, Appendix F: detached content is not a JWT", part(1, func(string) string { return "" }))
	edit("with an empty header", three, part(0, func(string) string { return "" }))
	edit("with a fourth part", three, func(t string) string { return t + ".AA" })
	edit("with a period at the end", three, func(t string) string { return t + "." })
	edit("with a period at the start", three, func(t string) string { return "." + t })
	edit("with two periods between", three, func(t string) string { return strings.Replace(t, ".", "..", 1) })
	edit("twice", three, func(t string) string { return t + "." + t })
	edit("twice, one after the other", three, func(t string) string { return t + t })
	edit("with an ideographic period", three, func(t string) string { return strings.Replace(t, ".", "\u3002", 1) })
	edit("of five parts", "RFC 7516, Section 7.1: that is a JWE", func(t string) string {
		return "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ"
	})
	edit("of five parts, with an empty key", "RFC 7516, Section 7.1: that is a JWE", func(t string) string {
		return "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvTiFvSkQ"
	})
	edit("of five parts, four of them empty", "RFC 7516, Section 7.1", func(t string) string { return strings.SplitN(t, ".", 2)[0] + "...." })
	refuse("nested: the payload is a token", "RFC 7519, Appendix A.2: a nested JWT is not a claims set", head("cty", `"JWT"`), payload(func() string {
		d := newSuite("probe", "")
		d.accept("probe", "")
		return d.file.Vectors[0].Token
	}()))

	// White space and line breaks.
	for _, c := range []struct{ name, text string }{{"space", " "}, {"tab", "\t"}, {"newline", "\n"}, {"carriage return", "\r"}, {"CRLF", "\r\n"}, {"zero byte", "\x00"}, {"no-break space", "\u00a0"}, {"byte order mark", "\ufeff"}, {"quotation mark", `"`}} {
		edit(c.name+" before the token", alphabet, func(t string) string { return c.text + t }, func(d *draft) {
			if c.text == " " {
				d.code = "accept" // RFC 6750, Section 2.1: as many spaces after the scheme as one likes
			}
		})
		edit(c.name+" after the token", alphabet, func(t string) string { return t + c.text })
		for i, name := range []string{"header", "payload", "signature"} {
			edit(c.name+" at the end of the "+name, alphabet, part(i, func(p string) string { return p + c.text }))
			edit(c.name+" within the "+name, alphabet, part(i, func(p string) string { return p[:len(p)/2] + c.text + p[len(p)/2:] }))
		}
	}
	// A decoder that skips line breaks may be misled for some lengths only, so
	// there is a signature of each length.
	for _, a := range signers {
		for _, n := range []string{"\n", "\n\n", "\n\n\n", "\r\n\r\n"} {
			edit(a.alg+" signature with "+quote(n)+" within", alphabet, part(2, func(p string) string { return p[:8] + n + p[8:] }), signed(a.alg, a.k))
		}
	}
	for _, a := range signers { // each length modulo three, of header and payload
		for h := range 3 {
			for p := range 3 {
				header, payload := strings.Repeat("h", h), strings.Repeat("p", p)
				s.accept(a.alg+" with "+quote(header)+" more in the header and "+quote(payload)+" in the payload", alphabet, signed(a.alg, a.k), head("pad", quote(header)), claim("pad", quote(payload)))
			}
		}
	}
	for n := range 4 {
		pad := strings.Repeat("x", n)
		s.accept("payload with "+quote(pad)+" more", alphabet, claim("pad", quote(pad)))
		for _, c := range []string{"\n", "\r"} {
			for _, where := range []struct {
				name string
				i    int
			}{{"header", 0}, {"payload", 1}} {
				refuse("payload and header with "+quote(pad)+" more, "+quote(c)+" at the end of the "+where.name+", signed so", alphabet,
					claim("pad", quote(pad)), head("pad", quote(pad)), resigned(part(where.i, func(p string) string { return p + c })))
			}
		}
	}

	// The alphabet.
	for i, name := range []string{"header", "payload", "signature"} {
		edit("padding after the "+name, alphabet, part(i, func(p string) string { return p + strings.Repeat("=", 1+(4-len(p)%4)%4) }))
		edit("one = after the "+name, alphabet, part(i, func(p string) string { return p + "=" }))
		edit("a percent sign in the "+name, alphabet, part(i, func(p string) string { return p[:4] + "%2D" + p[4:] }))
		edit("+ in the "+name, alphabet, part(i, func(p string) string { return p[:4] + "+" + p[5:] }))
		edit("/ in the "+name, alphabet, part(i, func(p string) string { return p[:4] + "/" + p[5:] }))
		edit("one character more in the "+name, alphabet, part(i, func(p string) string { return p + "A" }), lengthOne(i))
		edit("a comma in the "+name, alphabet, part(i, func(p string) string { return p[:4] + "," + p[5:] }))
		edit("a letter of another script in the "+name, alphabet, part(i, func(p string) string { return p[:4] + "\u0430" + p[5:] }))
	}
	edit("signature in the standard alphabet", alphabet, part(2, func(p string) string {
		return strings.NewReplacer("-", "+", "_", "/").Replace(p)
	}))
	// The question marks and tildes put - and _ into the header and payload.
	symbols := claim("pad", `"???>>>~~~"`)
	s.accept("payload with - and _", alphabet, symbols)
	refuse("payload in the standard alphabet, signed so", alphabet, symbols, resigned(part(1, func(p string) string {
		return base64.RawStdEncoding.EncodeToString(mustDecode(p))
	})))
	refuse("header with padding, signed so", alphabet, head("pad", `"1"`), resigned(part(0, func(p string) string {
		return base64.URLEncoding.EncodeToString(mustDecode(p))
	})))
	refuse("payload with padding, signed so", alphabet, claim("pad", `"12"`), resigned(part(1, func(p string) string {
		return base64.URLEncoding.EncodeToString(mustDecode(p))
	})))

	// Unused bits: the last character has 2 or 4 of them.
	bump := func(by int) func(string) string {
		return func(p string) string {
			const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			last := strings.IndexByte(chars, p[len(p)-1])
			return p[:len(p)-1] + string(chars[last+by])
		}
	}
	for by := 1; by < 16; by++ {
		edit("signature with the unused bits set to "+string("0123456789abcdef"[by]), unused, part(2, bump(by)))
	}
	for n := range 3 {
		pad := strings.Repeat("y", n)
		for i, name := range []string{"header", "payload"} {
			opts := []option{head("pad", quote(pad)), claim("pad", quote(pad))}
			if !hasUnused(opts, i) {
				continue
			}
			refuse(name+" with "+quote(pad)+" more and an unused bit set, signed so", unused, append(opts, resigned(part(i, bump(1))))...)
		}
	}

	// JSON serializations.
	flattened := func(t string) string {
		p := strings.Split(t, ".")
		return `{"payload":"` + p[1] + `","protected":"` + p[0] + `","signature":"` + p[2] + `"}`
	}
	edit("flattened JSON serialization", compact, flattened)
	edit("general JSON serialization", compact, func(t string) string {
		p := strings.Split(t, ".")
		return `{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`
	})
	edit("a JSON string", compact, func(t string) string { return `"` + t + `"` })
	edit("a JSON object with the token", compact, func(t string) string { return `{"access_token":"` + t + `"}` })
	edit("with its scheme", compact, func(t string) string { return "Bearer " + t })
	edit("encoded once more", compact, func(t string) string { return b64([]byte(t)) })
	edit("percent-encoded", compact, func(t string) string { return strings.ReplaceAll(t, ".", "%2E") })
	return s
}

// resigned edits header and payload, and signs the result. Only strict reading
// can reject it.
func resigned(f func(string) string) option {
	return edited(func(t string) string {
		t = f(t)
		input := t[:strings.LastIndex(t, ".")]
		return input + "." + b64(sign(rsaKey1(), "RS256", []byte(input)))
	})
}

// lengthOne makes the length of part i a multiple of four, so that with one
// character more it is no base64.
func lengthOne(i int) option {
	return func(d *draft) {
		for pad := ""; ; pad += "x" {
			switch i {
			case 0:
				d.header = set(d.header, member{"pad", quote(pad)})
			case 1:
				d.payload = set(d.payload, member{"pad", quote(pad)})
			default:
				signed("ES384", p384Key)(d) // 96 bytes
				return
			}
			if len(object([][]member{d.header, d.payload}[i]))%3 == 0 {
				return
			}
		}
	}
}

// hasUnused reports whether part i of the token made by opts has unused bits.
func hasUnused(opts []option, i int) bool {
	probe := newSuite("probe", "")
	probe.accept("probe", "", opts...)
	return len(strings.Split(probe.file.Vectors[0].Token, ".")[i])%4 != 0
}
