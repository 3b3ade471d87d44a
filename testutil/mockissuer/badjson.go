package mockissuer

import "strings"

const oneObject = "A header and a payload are one JSON object each (RFC 7515, Section 4; RFC 7519, Section 3). "

// badJSON are tokens whose header or payload two readers may understand
// differently, such as the one that decides and the one that acts.
var badJSON = []badToken{
	{"header is no JSON", malformed, oneObject + "The header is text.", func(f *forger) string {
		return f.signed(f.alg, f.own, "alg="+f.alg, f.claims(nil))
	}},
	{"header is an array", malformed, oneObject + "The header is an array.", func(f *forger) string {
		return f.signed(f.alg, f.own, "["+f.header(nil)+"]", f.claims(nil))
	}},
	{"two algs", malformed, "The header has two members alg, the first of them none (RFC 7515, Section 4: names must be unique).", func(f *forger) string {
		return f.signed(f.alg, f.own, `{"alg":"none",`+f.header(nil)[1:], f.claims(nil))
	}},
	{"two kids", malformed, "The header has two members kid.", func(f *forger) string {
		return f.signed(f.alg, f.own, `{"kid":"another",`+f.header(nil)[1:], f.claims(nil))
	}},
	{"payload is no JSON", malformed, oneObject + "The payload is text.", func(f *forger) string { return f.withPayload("sub=admin") }},
	{"payload is an array", malformed, oneObject + "The payload is an array.", func(f *forger) string {
		return f.withPayload("[" + f.claims(nil) + "]")
	}},
	{"payload is null", malformed, oneObject + "The payload is null, which decoders take for an empty object.", func(f *forger) string { return f.withPayload("null") }},
	{"payload is empty", malformed, oneObject + "The payload is white space.", func(f *forger) string { return f.withPayload(" ") }},
	{"two exps", malformed, "The payload has two members exp, one past and one to come (RFC 7519, Section 4: names must be unique).", func(f *forger) string {
		return f.withPayload(`{"exp":1,` + f.claims(nil)[1:])
	}},
	{"two subs", malformed, "The payload has two members sub, one of them spelled with an escape.", func(f *forger) string {
		return f.withPayload(`{"s\u0075b":"admin",` + f.claims(nil)[1:])
	}},
	{"two members deep inside", malformed, "An object within the claims has two members of one name.", func(f *forger) string {
		return f.withClaims(members{"tenant": raw(`{"id":{"a":1,"a":2}}`)})
	}},
	{"two objects", malformed, oneObject + "A second object follows the first.", func(f *forger) string {
		return f.withPayload(f.claims(nil) + `{"sub":"admin"}`)
	}},
	{"NUL after the object", malformed, oneObject + "A zero byte follows the object.", func(f *forger) string { return f.withPayload(f.claims(nil) + "\x00") }},
	{"byte order mark", malformed, "A byte order mark comes before the payload (RFC 8259, Section 8.1).", func(f *forger) string {
		return f.withPayload("\ufeff" + f.claims(nil))
	}},
	{"trailing comma", malformed, "The payload has a comma after its last member.", func(f *forger) string {
		return f.withPayload(strings.TrimSuffix(f.claims(nil), "}") + ",}")
	}},
	{"comment", malformed, "The payload has a comment in it.", func(f *forger) string { return f.withPayload("{/* */" + f.claims(nil)[1:]) }},
	{"control character", malformed, "A string in the payload has a line break that is not escaped.", func(f *forger) string {
		return f.withPayload("{\"x\":\"\n\"," + f.claims(nil)[1:])
	}},
	{"number with a leading zero", malformed, "A number in the payload is written 01.", func(f *forger) string {
		return f.withPayload(`{"x":01,` + f.claims(nil)[1:])
	}},
	{"NaN", malformed, "A number in the payload is NaN, which JSON does not have.", func(f *forger) string { return f.withPayload(`{"x":NaN,` + f.claims(nil)[1:]) }},
	{"invalid UTF-8", malformed, "A string in the payload is not UTF-8; readers repair it, each in its way.", func(f *forger) string {
		return f.withPayload("{\"x\":\"\xff\"," + f.claims(nil)[1:])
	}},
	{"half a surrogate pair", malformed, `A string in the payload has the escape \ud800 alone, which stands for nothing.`, func(f *forger) string {
		return f.withPayload(`{"x":"\ud800",` + f.claims(nil)[1:])
	}},
	{"nested deep", malformed, "The payload is nested 2,000 deep, which costs recursive readers their stack.", func(f *forger) string {
		return f.withPayload(`{"x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "," + f.claims(nil)[1:])
	}},
	{"critical extension", malformed, "By crit, the header requires an unknown extension (RFC 7515, Section 4.1.11).", func(f *forger) string {
		return f.withHeader(members{"crit": []string{"http://example.com/unknown"}, "http://example.com/unknown": true})
	}},
	{"empty crit", malformed, "The header has an empty crit (RFC 7515, Section 4.1.11: not an empty list).", func(f *forger) string {
		return f.withHeader(members{"crit": []string{}})
	}},
	{"unencoded payload", malformed, "The header says that the payload is not base64url (RFC 7797), and it is.", func(f *forger) string {
		return f.withHeader(members{"b64": false, "crit": []string{"b64"}})
	}},
	{"b64 without crit", malformed, "The header has b64 without the crit that must go with it (RFC 7797, Section 6).", func(f *forger) string {
		return f.withHeader(members{"b64": false})
	}},
}
