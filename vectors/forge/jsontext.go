package forge

import (
	"strconv"
	"strings"
)

// claims returns the default claims with text before the closing brace.
func claims(more string) string {
	base := `{"iss":` + quote(issuer) + `,"sub":` + quote(secret) + `,"aud":` + quote(audience) + `,"iat":1767225540,"exp":1767229200`
	return base + more + "}"
}

func jsonText() *suite {
	s := newSuite("json", "JSON: one reading or none (RFC 8259, Section 2; RFC 7519, Section 4).")
	const (
		object1 = "RFC 7519, Section 7.2: one JSON object, and nothing more"
		names   = "RFC 7519, Section 4: names are unique, and two of one name are rejected rather than read by the last one"
		exact   = "RFC 7519, Section 7.3: names are compared as they are"
		grammar = "RFC 8259, Section 2"
		strs    = "RFC 8259, Section 7"
		utf8    = "RFC 8259, Section 8.1: UTF-8"
		uni     = "RFC 8259, Section 8.2: what half of a surrogate pair means cannot be predicted"
		numbers = "RFC 8259, Section 6"
	)
	refuse := func(name, why string, opts ...option) { s.refuse("token_malformed", name, why, opts...) }

	s.accept("as it should be", object1, payload(claims("")))
	s.accept("white space around and within", "RFC 8259, Section 2: allowed", payload(" \t\r\n"+strings.ReplaceAll(strings.ReplaceAll(claims(""), ",", " ,\n\t"), `":`, `" : `)+"\r\n "))
	for _, text := range []string{" ", "null", "true", "1", `"a"`, "[]", "{", "}", "{}{}", "'{}'", "<xml/>", "iss=a&sub=b"} {
		refuse("payload is "+quote(text), object1, payload(text))
	}
	for _, c := range []struct{ before, after string }{
		{"[", "]"}, {"", claims("")}, {"", "null"}, {"", ","}, {"", "\x00"}, {"", "x"}, {"\ufeff", ""}, {"\x00", ""}, {"\u00a0", ""}, {"", "\f"}, {"", "\v"}, {"/**/", ""}, {"", "//"}, {"\x1e", ""}, {"'", "'"}, {"", "}"}, {"{", "}"}, {")]}'\n", ""},
	} {
		refuse("payload between "+quote(c.before)+" and "+shorten(quote(c.after)), object1, payload(c.before+claims("")+c.after))
	}
	s.refuse("wrong_issuer", "payload {}", object1, payload("{}"))
	for _, text := range []string{" ", "null", `"RS256"`, "[]", "{", `{"alg":"RS256"`, `{"alg":"RS256","kid":"rsa"}{}`, `{"alg":"RS256","kid":"rsa"} x`, `{"alg":"RS256","kid":"rsa"},`, "\ufeff" + `{"alg":"RS256","kid":"rsa"}`, `{"alg":"RS256","kid":"rsa"}` + "\x00", `{alg:"RS256","kid":"rsa"}`, `{'alg':'RS256','kid':'rsa'}`, `[{"alg":"RS256","kid":"rsa"}]`} {
		refuse("header "+quote(text), "RFC 7515, Section 5.2: one JSON object", header(text))
	}
	s.accept("header with white space", "RFC 8259, Section 2: allowed", header(" {\n\"alg\" :\t\"RS256\" , \"kid\":\"rsa\"\r\n} "))
	s.accept("header with a line break, as RFC 7515 has it", "RFC 7515, Appendix A.1", header("{\"typ\":\"JWT\",\r\n \"alg\":\"RS256\",\r\n \"kid\":\"rsa\"}"))

	// Duplicates, at any depth.
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "permissions", "azp", "client_id", "org_id", "cnf", "http://example.com/x"} {
		value := map[string]string{"iss": quote(issuer), "sub": quote(secret), "aud": quote(audience), "exp": "1767229200", "iat": "1767225540", "nbf": "1767225540",
			"permissions": `["read"]`, "cnf": `{}`}[name]
		if value == "" {
			value = `"v"`
		}
		refuse("two claims "+name+", the same", names, payload(claims(`,"other":1,`+quote(name)+":"+value+","+quote(name)+":"+value)))
		refuse("two claims "+name+", the good one first", names, payload(`{`+quote(name)+":"+value+","+claims("")[1:len(claims(""))-1]+","+quote(name)+`:"other"}`))
	}
	for _, c := range []struct{ name, more string }{
		{"written with an escape", `,"\u0069ss":` + quote(issuer)},
		{"written with an escape in capitals", `,"\u0069\u0053\u0053":1,"\u0069\u0053\u0053":1`},
		{"with an escaped slash", `,"a/b":1,"a\/b":2`},
		{"in an object", `,"o":{"a":1,"a":1}`},
		{"in an object in an array", `,"o":[0,[{"a":1,"b":2,"a":1}]]`},
		{"five deep", `,"o":{"a":{"b":{"c":{"d":{"e":1,"e":2}}}}}`},
		{"empty", `,"":1,"":2`},
		{"with a character outside of the first plane", `,"\ud83d\ude00":1,"😀":2`},
		{"among forty", "," + numbered(40) + `,"m7":0`},
	} {
		refuse("two members of one name: "+c.name, names, payload(claims(c.more)))
	}
	s.accept("one name in two objects", names, payload(claims(`,"o":{"a":1,"b":{"a":2}},"p":[{"a":1},{"a":1}],"a":3`)))
	s.accept("forty members", names, payload(claims(","+numbered(40))))
	s.accept("names that differ by normalization", "RFC 8259, Section 8.3: compared code by code", payload(claims(`,"\u00e9":1,"e\u0301":2`)))
	for _, name := range []string{"alg", "kid", "typ", "jwk", "x"} {
		refuse("two header members "+name, "RFC 7515, Section 4: names are unique", headToo(name, `"RS256"`), headToo(name, `"RS256"`))
	}
	refuse("two header members alg, none first", "RFC 7515, Section 4", header(`{"alg":"none","kid":"rsa","alg":"RS256"}`))
	refuse("two header members alg, one with an escape", "RFC 7515, Section 4", header(`{"alg":"RS256","kid":"rsa","\u0061lg":"RS256"}`))
	refuse("two members of one name within a header's jwk", "RFC 7517, Section 4: names are unique", head("jwk", `{"kty":"RSA","kty":"oct"}`))

	// Names in another case are other names.
	for _, c := range []struct{ name, code string }{{"iss", "wrong_issuer"}, {"aud", "wrong_audience"}, {"exp", "invalid_claim"}} {
		for _, other := range []string{strings.ToUpper(c.name), strings.ToUpper(c.name[:1]) + c.name[1:], c.name + " ", " " + c.name, c.name + "\x00"} {
			value := map[string]string{"iss": quote(issuer), "aud": quote(audience), "exp": "1767229200"}[c.name]
			s.refuse(c.code, "only "+quote(other), exact, without(c.name), claim(other, value))
		}
	}
	s.accept("ISS beside iss", exact, claim("ISS", `"https://attacker.example/"`))
	s.accept("AUD beside aud", exact, claim("AUD", `"other"`))
	s.accept("EXP long ago beside exp", exact, claim("EXP", "1"))
	s.accept("Exp before exp", exact, payload(`{"Exp":1,"EXP":null,`+claims("")[1:]))
	s.refuse("token_expired", "EXP beside an exp long ago", exact, claim("exp", "1"), claim("EXP", "1767229200"))
	s.refuse("wrong_issuer", "a good ISS after another iss", exact, claim("iss", `"https://attacker.example/"`), claim("ISS", quote(issuer)))
	s.refuse("wrong_audience", "a good AUD after another aud", exact, claim("aud", `"other"`), claim("AUD", quote(audience)))
	s.refuse("wrong_issuer", "iss with a long s, which folds to s", exact, without("iss"), claim("i\u017fs", quote(issuer)))
	s.accept("SUB as an object beside sub", exact, claim("SUB", "{}"))
	s.refuse("insufficient_scope", "SCOPE beside scope", exact, claim("SCOPE", `"admin"`), check("scopes", "admin"), challengeScope("admin"))
	s.refuse("wrong_organization", "ORG_ID beside nothing", exact, claim("ORG_ID", `"org_a1"`), check("organization", "org_a1"))

	// The grammar.
	for _, more := range []string{`,`, `,,"a":1`, `,"a"`, `,"a":`, `,"a":,"b":1`, `,"a" 1`, `,a:1`, `,1:1`, `,null:1`, `,"a":1,`, `,"a":[1,]`, `,"a":[,1]`, `,"a":[1 2]`, `,"a":{"b":1,}`, `,"a":{,}`, `,"a":[1}`, `,"a":{"b":1]`, `,"a":[`, `,"a":"b`, `,"a":tru`, `,"a":True`, `,"a":nul`, `,"a":NULL`, `,"a":nulll`, `,"a":undefined`, `,"a":'b'`, `;"a":1`, `,"a"="b"`, `,/* a */"a":1`, `,"a":1//` + "\n", `,` + "\x00" + `"a":1`, `,"a":` + "\u00a0" + `1`, `,"a":"b""c"`, `,"a":b`, `,"a":function(){}`} {
		refuse("payload with "+quote(more), grammar, payload(claims(more)))
	}
	for _, n := range []string{"01", "-01", "00", "+1", ".5", "-.5", "1.", "-", "1e", "1e+", "1.e1", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "1,5", "--1", "1-", "1..2", "1e1.5", "٣", "1 e5"} {
		refuse("number "+n, numbers, payload(claims(`,"n":`+n)))
	}
	for _, n := range []string{"0", "-0", "1", "-1", "0.5", "-0.5e-10", "1E5", "1e+05", "123456789012345678901234567890", "1e400", "1e-400", "0.1000000000000000055511151231257827"} {
		s.accept("number "+n, numbers+": a number that is not read may have any size", payload(claims(`,"n":`+n)))
	}
	for _, t := range []string{`\x41`, `\'`, `\u12`, `\u123`, `\u12g4`, `\u+123`, `\U0041`, `\`, `\v`, `\0`, `\a`, `\e`, "a\nb", "a\tb", "a\x00b", "a\x1fb", `\u 041`, `\u00 1`, `\u-001`, `\u0x41`} {
		refuse("string "+quote(t), strs, payload(claims(`,"s":"`+t+`"`)))
	}
	for _, t := range []string{`\"\\\/\b\f\n\r\t`, `\u0041`, `\u0000`, `\uD83D\uDE00`, `\ud83d\ude00`, "😀", "\u007f", "\u2028", "\uffff", "\ufffd", "\U0010ffff", `\ufffe`, `\\ud800`, "'"} {
		s.accept("string "+quote(t), strs, payload(claims(`,"s":"`+t+`"`)))
	}
	for _, t := range []string{`\ud800`, `\udc00`, `\ud800x`, `\ud800\u0041`, `\ud800\ud800`, `\udc00\ud800`, `\ud83d \ude00`, `\uDBFF`, `\ud800\n`, `\ud83d\\ude00`} {
		refuse("string "+quote(t), uni, payload(claims(`,"s":"`+t+`"`)))
		refuse("name "+quote(t), uni, payload(claims(`,"`+t+`":1`)))
	}
	for _, c := range []struct{ name, bytes string }{
		{"a lone continuation", "\x80"}, {"a start without the rest", "\xc3"}, {"an overlong slash", "\xc0\xaf"}, {"an overlong zero", "\xc0\x80"}, {"a surrogate", "\xed\xa0\x80"},
		{"beyond the last code point", "\xf4\x90\x80\x80"}, {"five bytes", "\xf8\x88\x80\x80\x80"}, {"0xff", "\xff"}, {"0xfe", "\xfe"}, {"an overlong A in three bytes", "\xe0\x81\x81"}, {"Latin-1", "caf\xe9"},
	} {
		refuse("not UTF-8, in a string: "+c.name, utf8, payload(claims(`,"s":"`+c.bytes+`"`)))
		refuse("not UTF-8, in a name: "+c.name, utf8, payload(claims(`,"`+c.bytes+`":1`)))
	}
	refuse("not UTF-8, in the header", utf8, head("x", "\"\xff\""))
	refuse("not UTF-8, in the issuer", utf8, payload(strings.Replace(claims(""), "tenant.example", "tenant\xff.example", 1)))
	refuse("UTF-16", utf8, payload(utf16LE(claims(""))))
	refuse("UTF-16 with a byte order mark", utf8, payload("\xff\xfe"+utf16LE(claims(""))))

	// Depth and members: the payload's own braces are the first of 32.
	for _, c := range []struct {
		depth int
		ok    bool
	}{{2, true}, {31, true}, {32, true}, {33, false}, {34, false}, {64, false}, {500, false}, {2000, false}} {
		for _, kind := range []struct{ name, open, mid, close string }{{"arrays", "[", "", "]"}, {"objects", `{"a":`, "0", "}"}} {
			n := c.depth - 1
			text := `,"d":` + strings.Repeat(kind.open, n) + kind.mid + strings.Repeat(kind.close, n)
			name := kind.name + " to a depth of " + strconv.Itoa(c.depth)
			if c.ok {
				s.accept(name, "the depth is limited to 32", payload(claims(text)))
			} else {
				refuse(name, "the depth is limited to 32", payload(claims(text)))
			}
		}
	}
	refuse("arrays that never end", "the depth is limited to 32", payload(`{"a":`+strings.Repeat("[", 3000)))
	refuse("header nested to a depth of 33", "the depth is limited to 32", head("d", strings.Repeat("[", 32)+strings.Repeat("]", 32)))
	s.accept("header nested to a depth of 32", "the depth is limited to 32", head("d", strings.Repeat("[", 31)+strings.Repeat("]", 31)))
	s.accept("1,024 members", "members are limited to 1,024", payload(claims(","+numbered(1019))))
	refuse("1,025 members", "members are limited to 1,024", payload(claims(","+numbered(1020))))
	refuse("1,025 members, half of them within", "members are limited to 1,024", payload(claims(`,"o":{`+numbered(500)+`},`+numbered(519))))
	escaped := func(n int) string { return strings.ReplaceAll(numbered(n), "m", `\u006d`) }
	s.accept("254 members with escapes in their names", "members with escapes in their names count as four", payload(claims(","+escaped(254))))
	refuse("255 members with escapes in their names", "members with escapes in their names count as four", payload(claims(","+escaped(255))))
	s.accept("1,024 members, half of them within", "members are limited to 1,024", payload(claims(`,"o":{`+numbered(500)+`},`+numbered(518))))
	return s
}

// numbered returns n members.
func numbered(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = `"m` + strconv.Itoa(i) + `":0`
	}
	return strings.Join(members, ",")
}

func utf16LE(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}
