package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
)

func TestParseObject_errorText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"twice", `{"exp":1,"exp":2}`, `JSON has two members of one name in an object: "exp"`},
		{"twice inside", `{"a":[{"b":1,"\u0062":2}]}`, `JSON has two members of one name in an object: "b"`},
		{"twice, of 64 bytes", `{"` + strings.Repeat("x", 64) + `":1,"` + strings.Repeat("x", 64) + `":2}`,
			`JSON has two members of one name in an object: "` + strings.Repeat("x", 64) + `"`},
		{"twice, and long", `{"x` + strings.Repeat("\u00e9", 5000) + `":1,"x` + strings.Repeat("\u00e9", 5000) + `":2}`,
			`JSON has two members of one name in an object: "x` + strings.Repeat("\u00e9", 31) + `…"`},
		{"deep", strings.Repeat(`{"a":`, 33), "JSON is nested too deep: over 32 levels"},
		{"deep arrays", `{"a":` + strings.Repeat(`[`, 32), "JSON is nested too deep: over 32 levels"},
		{"many", `{"x":` + object(1024) + `}`, "JSON has too many members: over 1024"},
	} {
		_, err := jose.ParseObject(nil, tt.text, jose.TokenLimits)
		if err == nil || err.Error() != tt.want {
			t.Errorf("ParseObject(%s) error = %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

// object writes one with n members.
func object(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":0`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// The number of members grows with the size that a caller allows, and never
// shrinks.
func TestClaimsLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ size, members int }{
		{1, 1024}, {16 << 10, 1024}, {16<<10 + 15, 1024}, {16<<10 + 16, 1025}, {32 << 10, 2048}, {1 << 20, 65536},
	} {
		for _, more := range []int{0, 1} {
			_, err := jose.ParseObject(nil, object(tt.members+more), jose.ClaimsLimits(tt.size))
			var over *jose.MembersError
			if (err != nil) != (more > 0) || err != nil && (!errors.As(err, &over) || over.Limit != tt.members) {
				t.Errorf("ParseObject(%d members, ClaimsLimits(%d)) = %v, want a limit of %d", tt.members+more, tt.size, err, tt.members)
			}
		}
	}
}

func TestToken_Verify_errorText(t *testing.T) {
	t.Parallel()
	sequence := func(content ...byte) []byte { return append([]byte{0x30, byte(len(content))}, content...) }
	for _, tt := range []struct {
		name, alg string
		signature []byte
		want      string
	}{
		{"63 bytes", "ES256", make([]byte, 63), "the signature has 63 bytes, and ES256 with this key has 64"},
		{"5,000 bytes", "ES256", make([]byte, 5000), "the signature has 5000 bytes, and ES256 with this key has 64"},
		{"small integers in DER", "ES256", sequence(2, 1, 1, 2, 1, 1),
			"the signature is in DER (8 bytes), and ES256 has R and S in 32 bytes each, " +
				"one after the other (RFC 7518, Section 3.4): convert it where it is made"},
		{"a byte after DER", "ES256", append(sequence(2, 1, 1, 2, 1, 1), 0), "the signature has 9 bytes, and ES256 with this key has 64"},
		{"one integer in DER", "ES256", sequence(2, 1, 1), "the signature has 5 bytes, and ES256 with this key has 64"},
		{"three integers in DER", "ES256", sequence(2, 1, 1, 2, 1, 1, 2, 1, 1), "the signature has 11 bytes, and ES256 with this key has 64"},
		{"a string in DER", "ES256", sequence(2, 1, 1, 4, 1, 1), "the signature has 8 bytes, and ES256 with this key has 64"},
		{"DER cut short", "ES256", []byte{0x30, 70, 2, 33}, "the signature has 4 bytes, and ES256 with this key has 64"},
		{"the beginning of DER", "ES256", []byte{0x30, 0x81}, "the signature has 2 bytes, and ES256 with this key has 64"},
		{"one byte", "ES256", []byte{0x30}, "the signature has 1 bytes, and ES256 with this key has 64"},
		{"DER of another algorithm", "RS256", sequence(2, 1, 1, 2, 1, 1), "the signature has 8 bytes, and RS256 with this key has 256"},
		{"nothing wrong but its value", "ES256", make([]byte, 64), "the signature is not valid"},
	} {
		key := signersByName()[tt.alg].public
		err := verify(t, tt.alg, key, func([]byte) []byte { return tt.signature })
		if !errors.Is(err, jose.ErrSignature) || err.Error() != tt.want {
			t.Errorf("Verify(%s) = %v, want ErrSignature:\n%s", tt.name, err, tt.want)
		}
	}
}

// Every signature in DER is recognized, whatever the size of its numbers.
func TestToken_Verify_DER(t *testing.T) {
	t.Parallel()
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key := must(ecdsa.GenerateKey(curve, rand.Reader))
		for range 100 {
			err := verify(t, alg, key.Public(), func(input []byte) []byte {
				return must(ecdsa.SignASN1(rand.Reader, key, digest(crypto.SHA256, input)))
			})
			var size *jose.SignatureSizeError
			if !errors.As(err, &size) || !size.DER {
				t.Fatalf("Verify(%s in DER) = %v, want DER", alg, err)
			}
		}
	}
}

func signersByName() map[string]signer {
	byName := make(map[string]signer)
	for _, s := range signers() {
		byName[s.alg] = s
	}
	return byName
}

func TestParse_errorText(t *testing.T) {
	t.Parallel()
	payload, sig := base64url([]byte(`{}`)), base64url([]byte("sig"))
	header := func(text string) string { return base64url([]byte(text)) }
	const alg = `{"alg":"RS256"`
	for _, tt := range []struct{ name, token, want string }{
		{"too large", strings.Repeat("x", 1001), "the token is too large: 1001 bytes, over 1000"},
		{"two segments", header(alg+"}") + "." + payload, "the token has 2 segments, want 3"},
		{"six segments", "a.b.c.d.e.f", "the token has 6 segments, want 3"},
		{"empty segment", header(alg+"}") + ".." + sig, "a segment of the token is empty"},
		{"header", header(alg+"}") + "=." + payload + "." + sig, "the token's header is not strict base64url without padding"},
		{"signature", header(alg+"}") + "." + payload + "." + sig + "=", "the token's signature is not strict base64url without padding"},
		{"kid", header(alg+`,"kid":1}`) + "." + payload + "." + sig, `the token's "kid" is a number, want a string`},
		{"typ", header(alg+`,"typ":null}`) + "." + payload + "." + sig, `the token's "typ" is null, want a string`},
	} {
		var token jose.Token
		err := token.Parse(tt.token, 1000)
		if err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%s) = %v\nwant %s", tt.name, err, tt.want)
		}
	}
	var token jose.Token
	err := token.Parse(strings.Repeat("x", 4097)+"."+payload+"."+sig, 16<<10)
	if want := "the token's header is too large: 4097 bytes, over 4096"; err == nil || err.Error() != want {
		t.Errorf("Parse(large header) = %v\nwant %s", err, want)
	}
}

func TestKind_String(t *testing.T) {
	t.Parallel()
	members, err := jose.ParseObject(nil, `{"a":null,"b":true,"c":1,"d":"","e":[],"f":{}}`, jose.TokenLimits)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"null", "a boolean", "a number", "a string", "an array", "an object"} {
		if got := members[i].Value.Kind().String(); got != want {
			t.Errorf("Kind(%s).String() = %q, want %q", members[i].Value.Raw(), got, want)
		}
	}
	if got := jose.KindNone.String(); got != "missing" {
		t.Errorf("KindNone.String() = %q, want missing", got)
	}
}
