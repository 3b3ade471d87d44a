package worst

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

var encode = base64.RawURLEncoding.EncodeToString

func yard(key *rsa.PrivateKey) (func() error, error) {
	message := make([]byte, 1000) // as long as most tokens
	digest := sha256.Sum256(message)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	return func() error {
		digest := sha256.Sum256(message)
		return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature)
	}, nil
}

// A filler returns a member of a JSON object with up to size bytes.
type filler struct {
	name string
	text func(n int) string
}

// list repeats an element between the beginning and the end of a member.
func list(before, element, after string) func(int) string {
	return func(n int) string {
		n -= len(before) + len(after)
		return before + strings.TrimSuffix(strings.Repeat(element, n/len(element)), ",") + after
	}
}

// numbered is list with different names, as many as are read.
func numbered(before, format, after string) func(int) string {
	most := 1000
	if strings.HasPrefix(format, `"\`) {
		most = 250
	}
	return func(n int) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; i < most && b.Len() < n-len(format)-len(after)-4; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		b.WriteString(after)
		return b.String()
	}
}

// both fills half of the bytes with each.
func both(first, second func(int) string) func(int) string {
	return func(n int) string { return first(n/2) + "," + second(n-n/2-1) }
}

// fillers fill claims and headers.
var fillers = []filler{
	// Lists that are read.
	{"scopes", list(`"scope":"`, "a ", `"`)},
	{"an array of scopes", list(`"scope":[`, `"a",`, `]`)},
	{"scope and scp", both(list(`"scope":"`, "a ", `"`), list(`"scp":"`, "a ", `"`))},
	{"permissions", list(`"permissions":[`, `"a",`, `]`)},
	{"empty permissions", list(`"permissions":[`, `"",`, `]`)},
	{"permissions with escapes", list(`"permissions":[`, `"\n",`, `]`)},
	{"permissions, the last a number", list(`"permissions":[`, `"a",`, `1]`)},
	{"grant types", list(`"gty":[`, `"a",`, `]`)},

	// Members.
	{"members", numbered("", `"a%03d":0`, "")},
	{"members with long names", numbered("", `"aaaaaaa%03d":0`, "")},
	{"members with escapes", numbered("", `"\u0061%03d":0`, "")},
	{"members, one twice", numbered("", `"a%03d":0`, `,"a000":0`)},
	{"members of one object", numbered(`"x":{`, `"a%03d":0`, "}")},
	{"members of objects of 24", func(n int) string {
		object := "{" + numbered("", `"a%03d":0`, "")(24*9+10) + "},"
		return list(`"x":[`, object, "]")(min(n, len(object)*40))
	}},
	{"members of objects of 25", func(n int) string {
		object := numbered("{", `"%02d":0`, "}")(25*7+16) + ","
		return list(`"x":[`, object, "]")(min(n, len(object)*39))
	}},
	{"objects of one member", func(n int) string { return list(`"x":[`, `{"a":0},`, "]")(min(n, 8*1000)) }},
	{"members with escapes and a long string", both(numbered("", `"\u0061%03d":0`, ""), list(`"sub":"`, `\n`, `"`))},
	{"members with escapes and others", func(int) string {
		return numbered("", `"\u0061%03d":0`, "")(100*14) + "," + numbered("", `"%03d":0`, "")(600*8)
	}},
	{"members and a long string", both(numbered("", `"%03d":0`, ""), list(`"sub":"`, `\n`, `"`))},

	// Depth.
	{"empty objects", list(`"x":[`, "{},", "]")},
	{"empty arrays", list(`"x":[`, "[],", "]")},
	{"arrays, 30 deep", list(`"x":[`, strings.Repeat("[", 29)+strings.Repeat("]", 29)+",", "]")},
	{"arrays, too deep", list(`"x":`, "[", "")},
	{"objects, 30 deep", func(n int) string {
		return list(`"x":[`, strings.Repeat(`{"":`, 29)+"0"+strings.Repeat("}", 29)+",", "]")(min(n, 34*(29*5+2)))
	}},

	// Strings.
	{"a string", list(`"sub":"`, "a", `"`)},
	{"a string of line breaks", list(`"sub":"`, `\n`, `"`)},
	{"a string of escapes", list(`"sub":"`, `\u00e9`, `"`)},
	{"a string of pairs of surrogates", list(`"sub":"`, `\ud83d\ude00`, `"`)},
	{"a string of other letters", list(`"sub":"`, "é", `"`)},
	{"a string of emoji", list(`"sub":"`, "😀", `"`)},
	{"a string that isn't read", list(`"x":"`, `\u00e9`, `"`)},
	{"strings that are read", both(list(`"client_id":"`, `\n`, `"`), list(`"org_id":"`, `\n`, `"`))},
	{"half of a pair of surrogates", list(`"sub":"`, `\ud83d\ude00`, `\ud83d"`)},
	{"invalid UTF-8 at the end", list(`"sub":"`, "a", "\xff\"")},
	{"white space", list(`"x":`, " ", "0")},
	{"typ", list(`"typ":"`, "O", `"`)},
	{"typ of other letters", list(`"typ":"Refres`, "ſ", `"`)},
	{"token_use", list(`"token_use":"`, `\n`, `"`)},
	{"tid", list(`"tid":"`, `\n`, `"`)},

	// Numbers.
	{"a date of many digits", list(`"nbf":`, "1", "")},
	{"a date with an exponent", func(int) string { return `"nbf":1e400` }},
	{"a date of many digits with an exponent", list(`"nbf":0.`, "17", "e300")},
	{"a date of many digits with a negative exponent", list(`"nbf":17672256`, "17", "e-9000")},
	{"a date that ends late", list(`"nbf":1.`, "0", "1e9")},
	{"dates with exponents", both(list(`"nbf":0.`, "17", "e300"), list(`"iat":0.`, "17", "e-300"))},
	{"numbers", list(`"x":[`, "1,", "]")},
	{"numbers with exponents", list(`"x":[`, "1e400,", "]")},

	// Bindings.
	{"a confirmation", numbered(`"cnf":{`, `"a%03d":0`, "}")},
}

// tokens are tokens that the validators of s can't accept.
func (s *service) tokens() []Input {
	var inputs []Input
	add := func(name, token string, validate func(context.Context, string) (*validator.Claims, error)) {
		inputs = append(inputs, Input{
			Name:   "token: " + name,
			Times:  max(1, float64(len(token))/validator.DefaultMaxTokenSize),
			Reject: func() error { return rejected(validate(context.Background(), token)) },
		})
	}
	addEd := func(name, token string) {
		add(name, token, s.wide.Validate)
		end := strings.LastIndexByte(token, '.')
		message, signature := []byte(token[:end]), decode(token[end+1:])
		inputs[len(inputs)-1].Own = func() error {
			if ed25519.Verify(s.edKey, message, signature) {
				return errAccepted
			}
			return nil
		}
	}

	size := validator.DefaultMaxTokenSize
	rs := `{"alg":"RS256","kid":"` + keyID + `"}`
	ed := `{"alg":"EdDSA","kid":"` + edKeyID + `"}`
	stranger := `"iss":"https://attacker.example/"`
	plausible := fmt.Sprintf(`"iss":%q,"aud":%q,"exp":%d`, issuer, audience, soon())

	for _, f := range fillers {
		add(f.name+", a stranger's", token(rs, stranger, f.text, 256, size), s.strict.Validate)
		add(f.name+", with a wrong signature", token(rs, plausible, f.text, 256, size), s.strict.Validate)
	}
	for _, f := range fillers {
		add(f.name+", through a Mux", token(rs, stranger, f.text, 256, size), s.mux.Validate)
		addEd(f.name+", with a wrong EdDSA signature", token(ed, plausible, f.text, 64, size))
		add(f.name+", where 1 MiB is read", token(rs, stranger, f.text, 256, 1<<20), s.large.Validate)
	}

	// What is compared.
	expiring := fmt.Sprintf(`"exp":%d`, soon())
	other := audience[:len(audience)-1] + "x"
	for _, f := range []filler{
		{"audiences", list(`"aud":[`, `"a",`, `]`)},
		{"empty audiences", list(`"aud":[`, `"",`, `]`)},
		{"audiences with escapes", list(`"aud":[`, `"\n",`, `]`)},
		{"audiences, none ours by its last letter", list(`"aud":[`, `"`+other+`",`, `]`)},
		{"audiences in escapes", list(`"aud":[`, `"\u0068`+other[1:]+`",`, `]`)},
		{"an audience of escapes", list(`"aud":"`, `\n`, `"`)},
		{"audiences, ours the last", list(`"aud":[`, `"a",`, `"`+audience+`"]`)},
		{"audiences, ours the last and in escapes", list(`"aud":[`, `"a",`, `"\u0068`+audience[1:]+`"]`)},
		{"audiences, the last a number", list(`"aud":[`, `"a",`, `1]`)},
	} {
		known := expiring + fmt.Sprintf(`,"iss":%q`, issuer)
		add(f.name, token(rs, known, f.text, 256, size), s.strict.Validate)
		add(f.name+", where there are ten", token(rs, known, f.text, 256, size), s.wide.Validate)
	}
	for _, f := range []filler{
		{"an issuer", list(`"iss":"`+issuer, "a", `"`)},
		{"an issuer of escapes", list(`"iss":"`, `\n`, `"`)},
		{"an issuer in another case", list(`"iss":"HTTPS://ISSUER.EXAMPLE.COM/`, "A", `"`)},
	} {
		add(f.name, token(rs, expiring, f.text, 256, size), s.strict.Validate)
		add(f.name+", where there are ten", token(rs, expiring, f.text, 256, size), s.wide.Validate)
		add(f.name+", through a Mux", token(rs, expiring, f.text, 256, size), s.mux.Validate)
		add(f.name+", through a Mux that looks it up", token(rs, expiring, f.text, 256, size), s.looked.Validate)
	}
	add("a short issuer, through a Mux that looks it up", token(rs, stranger, list(`"sub":"`, `\n`, `"`), 256, size), s.looked.Validate)

	// The header, and the form.
	for _, f := range append([]filler{
		{"kid", list(`"kid":"`, `\n`, `"`)},
		{"typ", list(`"typ":"application/`, `\n`, `"`)},
		{"alg", list(`"alg":"`, `\n`, `"`)},
		{"x5c", list(`"x5c":["`, "A", `"]`)},
		{"jwk", numbered(`"jwk":{`, `"a%03d":0`, "}")},
	}, fillers...) {
		text := "{" + f.text(4<<10/4*3-3) + "}"
		add("a header with "+f.name, encode([]byte(text))+".e30."+random(256), s.strict.Validate)
		text = `{"alg":"RS256",` + f.text(4<<10/4*3-18) + "}"
		add("a header with alg and "+f.name, encode([]byte(text))+".e30."+random(256), s.strict.Validate)
	}
	whole := token(rs, plausible, list(`"x":"`, "a", `"`), 256, size)
	add("a signature of 16 KiB", encode([]byte(rs))+".e30."+strings.Repeat("A", size-len(rs)*4/3-10), s.strict.Validate)
	add("a character that no token has at the end", whole[:len(whole)-1]+"=", s.strict.Validate)
	add("dots", strings.Repeat(".", size), s.strict.Validate)
	add("letters", strings.Repeat("a", size), s.strict.Validate)
	add("one byte too many", strings.Repeat("a", size+1), s.strict.Validate)
	add("1 MiB", strings.Repeat("a", 1<<20), s.strict.Validate)
	return inputs
}

// token returns a token of at most size bytes with these claims, a filler, and
// a signature of random bytes.
func token(header, claims string, fill func(int) string, signature, size int) string {
	n := size - base64.RawURLEncoding.EncodedLen(len(header)) - base64.RawURLEncoding.EncodedLen(signature) - 2
	n = base64.RawURLEncoding.DecodedLen(n) - len(claims) - len("{,}")
	return encode([]byte(header)) + "." + encode([]byte("{"+claims+","+fill(n)+"}")) + "." + random(signature)
}

// random returns a wrong signature that must be checked in full.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	b[0] = 0            // less than any modulus
	if n == ed25519.SignatureSize {
		clear(b[33:]) // less than the order
	}
	return encode(b)
}

func decode(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		panic(err) // of our own making
	}
	return b
}

func rejected[T any](_ T, err error) error {
	if err == nil {
		return errAccepted
	}
	return nil
}
