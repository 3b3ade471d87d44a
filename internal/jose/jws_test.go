package jose_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
)

func TestToken_Parse(t *testing.T) {
	t.Parallel()
	header, payload, sig := base64url([]byte(`{"alg":"RS256"}`)), base64url([]byte(`{"a":1}`)), base64url([]byte("sig"))
	good := header + "." + payload + "." + sig
	withHeader := func(text string) string { return base64url([]byte(text)) + "." + payload + "." + sig }
	for _, tt := range []struct {
		name, token string
		ok          bool
		is          error
	}{
		{"good", good, true, nil},
		{"nothing", "", false, jose.ErrOpaque},
		{"opaque", "abc", false, jose.ErrOpaque},
		{"two segments", header + "." + payload, false, nil},
		{"empty header", "." + payload + "." + sig, false, nil},
		{"empty payload", header + ".." + sig, false, nil},
		{"empty signature", header + "." + payload + ".", false, nil},
		{"four segments", good + "." + sig, false, nil},
		{"five segments", good + "." + sig + "." + sig, false, jose.ErrEncrypted},
		{"dots alone", "..", false, nil},
		{"dot at the end", good + ".", false, nil},
		{"padding", good + "=", false, nil},
		{"standard alphabet", withHeader(`{"alg":"RS256","x":"???"}`), true, nil},
		{"plus", header + "." + payload + ".a+b_", false, nil},
		{"slash", header + "." + payload + ".a/b_", false, nil},
		{"line feed in the header", header[:4] + "\n" + good[4:], false, nil},
		{"carriage return in the signature", good[:len(good)-1] + "\r" + good[len(good)-1:], false, nil},
		{"line feed after the signature", good + "\n", false, nil},
		{"space before", " " + good, false, nil},
		{"trailing bits", header + "." + payload + ".AB", false, nil},
		{"no trailing bits", header + "." + payload + ".AA", true, nil},
		{"one character", header + "." + payload + ".A", false, nil},
		{"five characters", header + "." + payload + ".AAAAA", false, nil},
		{"header not JSON", withHeader(`alg`), false, nil},
		{"header an array", withHeader(`["alg"]`), false, nil},
		{"duplicate alg", withHeader(`{"alg":"RS256","alg":"RS256"}`), false, nil},
		{"crit null", withHeader(`{"alg":"RS256","crit":null}`), false, nil},
		{"Crit", withHeader(`{"alg":"RS256","Crit":["b64"]}`), true, nil},
		{"b64 null", withHeader(`{"alg":"RS256","b64":null}`), false, nil},
		{"typ null", withHeader(`{"alg":"RS256","typ":null}`), false, nil},
		{"kid an array", withHeader(`{"alg":"RS256","kid":["a"]}`), false, nil},
		{"jku, jwk, x5u, x5c", withHeader(`{"alg":"RS256","jku":"http://x/","jwk":{},"x5u":1,"x5c":null}`), true, nil},
		{"header of 4 KiB", withHeader(`{"a":"` + strings.Repeat("x", 3072-8) + `"}`), true, nil},
		{"header over 4 KiB", withHeader(`{"a":"` + strings.Repeat("x", 3072-7) + `"}`), false, nil},
		{"at the size", good + strings.Repeat("A", 16<<10-len(good)), true, nil},
		{"token over the size", good + strings.Repeat("A", 16<<10-len(good)+1), false, nil},
	} {
		var token jose.Token
		err := token.Parse(tt.token, 16<<10)
		if (err == nil) != tt.ok || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("Parse(%s) = %v, want ok = %t, %v", tt.name, err, tt.ok, tt.is)
		}
		var (
			syntax *jose.SyntaxError
			size   *jose.SizeError
		)
		if isSize := strings.Contains(tt.name, " over "); err != nil && errors.As(err, &size) != isSize ||
			err != nil && errors.As(err, &syntax) == isSize {
			t.Errorf("Parse(%s) = %T, want a *SizeError if it is over a size, and a *SyntaxError otherwise", tt.name, err)
		}
	}
}

func TestToken_Payload(t *testing.T) {
	t.Parallel()
	header, sig := base64url([]byte(`{"alg":"RS256","kid":"k","typ":"JWT"}`)), base64url([]byte("sig"))
	long := strings.Repeat("x", 5000)
	for _, tt := range []struct{ name, segment, want string }{
		{"short", base64url([]byte(`{}`)), `{}`},
		{"of several chunks", base64url([]byte(long)), long},
		{"line feed in the second chunk", base64url([]byte(long))[:2000] + "\n" + base64url([]byte(long))[2000:], ""},
		{"four line feeds", base64url([]byte(long))[:2000] + "\n\n\n\n" + base64url([]byte(long))[2000:], ""},
		{"trailing bits", "AB", ""},
	} {
		var token jose.Token
		if err := token.Parse(header+"."+tt.segment+"."+sig, 16<<10); err != nil {
			t.Fatalf("Parse(%s) = %v", tt.name, err)
		}
		got, err := token.Payload()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Payload(%s) = %.20q, %v, want %.20q", tt.name, got, err, tt.want)
		}
		if h := token.Header; h.Algorithm != "RS256" || h.KeyID != "k" || h.Type != "JWT" || !h.HasType {
			t.Errorf("Header = %+v", h)
		}
	}
}

// A segment stands for what the standard library makes of it, or for nothing:
// that skips line breaks.
func TestToken_Payload_alphabet(t *testing.T) {
	t.Parallel()
	header, sig := base64url([]byte(`{"alg":"RS256"}`)), base64url([]byte("sig"))
	for length := 1; length <= 27; length++ { // the last ones go through every loop
		for place := range length {
			for c := range 256 {
				if c == '.' {
					continue
				}
				segment := []byte(strings.Repeat("A", length))
				segment[place] = byte(c)
				want, err := base64.RawURLEncoding.Strict().DecodeString(string(segment))
				ok := err == nil && c != '\n' && c != '\r'

				var token jose.Token
				if err := token.Parse(header+"."+string(segment)+"."+sig, 16<<10); err != nil {
					t.Fatalf("Parse() with the payload %q = %v", segment, err)
				}
				got, err := token.Payload()
				if (err == nil) != ok || ok && got != string(want) {
					t.Fatalf("Payload() of %q = %q, %v, want %q, ok = %t", segment, got, err, want, ok)
				}
			}
		}
	}
}
