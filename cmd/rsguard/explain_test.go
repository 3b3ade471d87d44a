package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// What a person pastes is often more than a token, or less. A line says what it
// was, and never shows it.
func TestExplain_pasted(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	token := iss.Token(nil)
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for _, tt := range []struct {
		name, text string
		code       int
		line       string // the first one
	}{
		{"a token", token, 0, "passed       form       want a compact JWS in strict base64url and JSON, of 16384 bytes at most (-max-token-size), without crit"},
		{"a token and a line break", token + "\r\n", 0, "passed       form       want a compact JWS in strict base64url and JSON, of 16384 bytes at most (-max-token-size), without crit"},
		{"a scheme", "Bearer " + token, 0, "pasted: a token after its scheme, Bearer"},
		{"a header", "Authorization: Bearer " + token, 0, "pasted: an Authorization header, of which this is the token"},
		{"a header of curl's", "-H 'authorization: bearer " + token + "'", 0, "pasted: an Authorization header, of which this is the token"},
		{"quotation marks", `"` + token + `"`, 0, "pasted: a token in quotation marks"},
		{"a token response", `{"access_token":"` + token + `","token_type":"Bearer"}`, 0, "pasted: a whole token response, of which this is the access_token"},
		{"a URL", "https://app.example.com/#access_token=" + token + "&state=x", 0, "pasted: a URL, of which this is the access_token"},
		{"line breaks", token[:50] + "\n" + token[50:80] + "\n" + token[80:], 0, "pasted: a token that is broken into pieces, here joined"},

		{"nothing", "", 1, "there is no token: the input is empty"},
		{"spaces", " \n\t", 1, "there is no token: the input is empty"},
		{"a scheme alone", "Bearer ", 1, "this is the scheme of an Authorization header, without a token after it"},
		{"undefined", "undefined", 1, `this is "undefined", which a script writes in place of a token that it doesn't have`},
		{"undefined after a scheme", "Bearer undefined\n", 1, `this is "undefined", which a script writes in place of a token that it doesn't have`},
		{"null", "null", 1, `this is "null", which a script writes in place of a token that it doesn't have`},
		{"an object", "[object Object]", 1, `this is "[object Object]", which a script writes in place of a token that it doesn't have`},
		{"two tokens", token + "\n" + token, 1, "these are 2 tokens, and one is explained at a time"},
		{"two tokens and a comma", token + "," + token, 1, "these are 2 tokens, and one is explained at a time"},
		{"words around it", "the token is " + token, 1, "there is more than a token: leave out what stands before and after it"},
		{"words", "no token at all", 1, "these are 4 words, and a token has no space in it"},
		{"an error response", `{"error":"invalid_grant"}`, 1, `this is an error of a token endpoint, "invalid_grant", and has no token`},
		{"a response without one", `{"id_token":"` + token + `"}`, 1, "this is a token response with an ID token and no access_token: ask for a token for the API"},
		{"a JWS in JSON", `{"payload":"e30","signatures":[]}`, 1, "this is a JWS in its JSON form, and only the compact form, a.b.c, is read"},
		{"other JSON", `{"token":"` + token + `"}`, 1, "this is JSON without an access_token"},
		{"flags after the token, in one", token + " -issuer https://x.example.com/", 1, "there is more than a token: leave out what stands before and after it"},
	} {
		flags := []string{"explain", "-issuer", iss.URL, "-audience", mockissuer.DefaultAudience}
		for where, args := range map[string][]string{"as an argument": append(flags, "--", tt.text), "on standard input": flags} {
			code, out, errOut := command(t, tt.text, args...)
			line, _, _ := strings.Cut(out+strings.TrimPrefix(errOut, "rsguard explain: "), "\n")
			if code != tt.code || line != tt.line {
				t.Errorf("rsguard explain, %s %s = %d, %q, want %d, %q", tt.name, where, code, line, tt.code, tt.line)
			}
			if strings.Contains(out+errOut, signature) {
				t.Errorf("rsguard explain, %s %s, shows the token: %q, %q", tt.name, where, out, errOut)
			}
		}
	}
}

// An argument that isn't understood may be a token, however short it is.
func TestExplain_arguments(t *testing.T) {
	t.Parallel()

	const secret = "2YotnFZFEjr1zCsicMWpAA"
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"two arguments", []string{secret, secret}, "there are 2 arguments beside the flags, and one token is explained at a time"},
		{"flags after the token", []string{secret, "-issuer", "https://x.example.com/"}, "there are flags after the token: put them before it"},
		{"a token that begins with a hyphen", []string{"-" + secret}, "A token that begins with a hyphen needs -- before it."},
		{"a value that is none", []string{"-max-token-size", secret}, "a value that a flag can't have"},
		{"a switch's value that is none", []string{"-rfc9068=" + secret}, "a value that a flag can't have"},
	} {
		code, out, errOut := command(t, "", append([]string{"explain"}, tt.args...)...)
		if code != 2 || !strings.Contains(errOut, tt.says) {
			t.Errorf("rsguard explain, %s = %d, %q, want 2 and %q", tt.name, code, errOut, tt.says)
		}
		if strings.Contains(out+errOut, secret) {
			t.Errorf("rsguard explain, %s, shows the argument: %q, %q", tt.name, out, errOut)
		}
	}
}

// With a key set in a file, or a secret, nothing is asked of an issuer.
func TestExplain_offline(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	keySet, err := iss.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("s", 32)
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hs256 := func(secret string) string {
		return iss.Sign(mockissuer.Token{Algorithm: "HS256", Secret: []byte(secret)})
	}
	keys := write("ks.json", string(keySet))
	iss.SetDown(true)
	for _, tt := range []struct {
		name  string
		flags []string
		token string
		code  int
		says  string
	}{
		{"a key set", []string{"-jwks", keys}, iss.Token(nil), 0, "accepted"},
		{"another key", []string{"-jwks", write("other.json", other(t))}, iss.Token(nil), 1, `-jwks has no such key; held are "`},
		{"no key set", []string{"-jwks", write("none.json", "<html>")}, iss.Token(nil), 2, "none.json: not a key set: JSON is not an object"},
		{"no file", []string{"-jwks", filepath.Join(t.TempDir(), "x")}, iss.Token(nil), 2, "rsguard explain: -jwks: open "},
		{"a large file", []string{"-jwks", write("large.json", strings.Repeat(" ", 1<<20+1))}, iss.Token(nil), 2, "large.json is over 1 MiB"},
		{"a secret", []string{"-secret-file", write("secret", secret)}, hs256(secret), 0, "accepted"},
		{"a secret and a line break", []string{"-secret-file", write("secret", secret+"\r\n")}, hs256(secret), 0, "accepted"},
		{"another secret", []string{"-secret-file", write("secret", strings.Repeat("t", 32))}, hs256(secret), 1, "not valid by -secret-file, which has to be the raw bytes"},
		{"a short secret", []string{"-secret-file", write("secret", "short")}, hs256(secret), 2, "-secret-file has 5 bytes; HS256 needs at least 32"},
		{"both", []string{"-secret-file", write("secret", secret), "-jwks", keys}, hs256(secret), 2, "-secret-file and -jwks exclude each other"},
		{"a secret for RS256", []string{"-secret-file", write("secret", secret), "-algorithm", "RS256"}, hs256(secret), 2, "-algorithm: RS256 can't be used with -secret-file"},
		{"HS256 without a secret", []string{"-algorithm", "HS256"}, hs256(secret), 2, "-algorithm: HS256 needs -secret-file,"},
		{"a large token", []string{"-jwks", keys}, iss.Token(testutil.Claims{"x": strings.Repeat("x", 20_000)}), 1, "over the 16384 of -max-token-size"},
		{"a large token that is expected", []string{"-jwks", keys, "-max-token-size", "40000"}, iss.Token(testutil.Claims{"x": strings.Repeat("x", 20_000)}), 0, "accepted"},
		{"no aud", []string{"-jwks", keys}, iss.Token(testutil.Claims{"aud": nil, "azp": mockissuer.DefaultAudience}), 1, "or name the claim that says so in -audience-claim"},
		{"no aud, and azp in its place", []string{"-jwks", keys, "-audience-claim", "azp"}, iss.Token(testutil.Claims{"aud": nil, "azp": mockissuer.DefaultAudience}), 0, "accepted"},
		{"an issuer that is a word", []string{"-jwks", keys, "-issuer", "shop"}, iss.Token(testutil.Claims{"iss": "shop"}), 0, "accepted"},
		{"an issuer that is a word, without keys", []string{"-issuer", "shop"}, iss.Token(testutil.Claims{"iss": "shop"}), 2, "if -jwks is set, any text can be an issuer"},
		{"an http address", []string{"-jwks", "http://keys.example.com/"}, iss.Token(nil), 2, "-insecure-http accepts http inside of a cluster"},
		{"an ID token", []string{"-jwks", keys}, iss.Token(testutil.Claims{"at_hash": "x"}), 1, "-insecure-skip-type-check accepts every type"},
		{"an ID token that is expected", []string{"-jwks", keys, "-insecure-skip-type-check"}, iss.Token(testutil.Claims{"at_hash": "x"}), 0, "accepted"},
	} {
		args := append([]string{"explain", "-issuer", iss.URL, "-audience", mockissuer.DefaultAudience}, tt.flags...)
		code, out, errOut := command(t, tt.token, args...)
		if code != tt.code || !strings.Contains(out+errOut, tt.says) {
			t.Errorf("rsguard explain with %s = %d, %s%s\nwant %d and %q", tt.name, code, out, errOut, tt.code, tt.says)
		}
		if strings.Contains(out+errOut, secret) {
			t.Errorf("rsguard explain with %s shows the secret: %s%s", tt.name, out, errOut)
		}
	}
}

func other(t *testing.T) string {
	t.Helper()
	keySet, err := testutil.NewIssuer(t).KeySet()
	if err != nil {
		t.Fatal(err)
	}
	return string(keySet)
}

// Who sets flags is told of flags, whatever is wrong.
func TestExplain_namesFlags(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	elsewhere := strings.Replace(iss.URL, "127.0.0.1", "localhost", 1) // where the metadata has another name
	keys := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(keys, []byte(other(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens := []string{
		"opaque", "a.b.c.d.e", strings.Repeat("x", 20_000), iss.Token(testutil.Claims{"aud": nil}), iss.Token(nil),
		iss.Token(testutil.Claims{"aud": nil, "azp": "x"}), iss.Token(testutil.Claims{"aud": nil, "azp": nil, "iss": "x"}),
		iss.Token(testutil.Claims{"iss": elsewhere}),
	}
	for i, bad := range iss.BadTokens(t) {
		if !racing.Enabled || i%10 == 0 {
			tokens = append(tokens, bad.Token)
		}
	}
	field := regexp.MustCompile(`Config|validator:|[^-]jwks:|jwks\.[A-Z]|InsecureSkip|RequireRFC|MaxTokenSize|Issuers|Audiences`)
	for _, flags := range [][]string{
		nil, {"-rfc9068"}, {"-insecure-skip-type-check"}, {"-algorithm", "HS256"}, {"-algorithm", "x"}, {"-jwks", "http://x.example.com/"},
		{"-issuer", "http://x.example.com/"}, {"-issuer", "x"}, {"-audience", ""}, {"-max-token-size", "-1"}, {"-rfc9068", "-insecure-skip-type-check"},
		{"-jwks", iss.URL + "none"}, {"-audience-claim", "azp"}, {"-audience-claim", "iss"}, {"-audience-claim", "azp", "-rfc9068"},
		{"-insecure-http"}, {"-insecure-http", "-jwks", keys}, {"-insecure-http", "-issuer", "http://x:y/"}, {"-issuer", elsewhere},
		{"-issuer", "x", "-jwks", keys}, {"-issuer", "x ", "-jwks", keys}, {"-issuer", "spiffe://x/y", "-jwks", keys},
	} {
		for _, token := range tokens {
			if strings.TrimSpace(token) == "" {
				continue
			}
			args := append([]string{"explain", "-issuer", iss.URL, "-audience", mockissuer.DefaultAudience}, flags...)
			if _, out, errOut := command(t, token, args...); field.MatchString(out + errOut) {
				t.Errorf("rsguard explain %q says %s%s\nwant flags in place of %q", flags, out, errOut, field.FindString(out+errOut))
			}
		}
	}
}
