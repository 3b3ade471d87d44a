package e2e_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

var update = flag.Bool("update", false, "write what real servers answer to testdata")

// An opaqueServer is oidc-provider, which issues opaque tokens.
type opaqueServer struct {
	Issuer string
	Key    string // in PKCS #8, of the client jwt

	key    crypto.Signer
	signer *testutil.Issuer // signs with key
}

// startNode starts a script in a folder, which ends with the test, and reads the
// line that it prints when it listens.
func startNode(t *testing.T, folder, script string, env []string, into any) {
	t.Helper()
	server := exec.CommandContext(t.Context(), "node", script)
	server.Dir, server.Env = folder, append(os.Environ(), env...)
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	server.Stderr = &complaints
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // the server ends
		_ = server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		_ = server.Process.Kill()
		_ = server.Wait()
		t.Fatalf("node %s printed %q: %v\n%s", script, line, err, &complaints)
	}
}

// startOpaqueServer starts oidc-provider. It ends with the test.
func startOpaqueServer(t *testing.T) *opaqueServer {
	t.Helper()
	needClient(t, "oidc-provider", "oidc-provider")

	s := new(opaqueServer)
	startNode(t, "oidc-provider", "server.mjs", nil, s)
	block, _ := pem.Decode([]byte(s.Key))
	if block == nil {
		t.Fatal("node server.mjs printed no key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s.key, _ = key.(crypto.Signer)
	s.signer = testutil.NewIssuer(t)
	return s
}

// A way of client authentication adds its credentials to a request.
type way func(header http.Header, form url.Values)

func (s *opaqueServer) ways() map[string]way {
	basic := func(id, secret string) way {
		return func(h http.Header, _ url.Values) {
			// RFC 6749, Section 2.3.1: both are encoded as in a form.
			pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
			h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		}
	}
	post := func(id, secret string) way {
		return func(_ http.Header, form url.Values) {
			form.Set("client_id", id)
			form.Set("client_secret", secret)
		}
	}
	assertion := func(audience string) way {
		return func(_ http.Header, form url.Values) {
			form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			form.Set("client_assertion", s.signer.Sign(mockissuer.Token{Algorithm: "ES256", Key: s.key, Claims: map[string]any{
				"iss": "jwt", "sub": "jwt", "aud": audience, "jti": rand.Text(), "exp": s.signer.Now().Add(time.Minute),
			}}))
		}
	}
	return map[string]way{
		"basic":                                basic("basic", "a secret with : and %"),
		"basic, a wrong secret":                basic("basic", "x"),
		"post":                                 post("post", "post-secret"),
		"post, a wrong secret":                 post("post", "x"),
		"private_key_jwt":                      assertion(s.Issuer),
		"private_key_jwt for the endpoint":     assertion(s.Issuer + "/token/introspection"),
		"private_key_jwt for somebody else":    assertion("https://other.example/"),
		"no authentication":                    func(http.Header, url.Values) {},
		"basic of a client that is for post":   basic("post", "post-secret"),
		"post of a client that does not exist": post("nobody", "x"),
	}
}

func (s *opaqueServer) post(t *testing.T, path string, form url.Values, by way, header http.Header) (*http.Response, []byte) {
	t.Helper()
	all := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	maps.Copy(all, header)
	by(all, form)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = all
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

// token requests an opaque token. If key is not nil, the token is bound to it.
func (s *opaqueServer) token(t *testing.T, resource string, key *testutil.ProofKey) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	if resource != "" {
		form.Set("resource", resource)
		form.Set("scope", "orders:read")
	}
	header := make(http.Header)
	if key != nil {
		header.Set("DPoP", key.Proof(http.MethodPost, s.Issuer+"/token", ""))
	}
	res, body := s.post(t, "/token", form, s.ways()["post"], header)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" || strings.Contains(answer.Token, ".") {
		t.Fatalf("POST /token = %d %s, want an opaque token", res.StatusCode, body)
	}
	return answer.Token
}

// A recorded answer is what a server answers, with placeholders for what is
// another each time.
type recorded struct {
	Status    int             `json:"status"`
	Type      string          `json:"type"`
	Challenge string          `json:"challenge,omitempty"`
	Header    json.RawMessage `json:"header,omitempty"` // of a signed answer
	Body      json.RawMessage `json:"body"`
}

func (s *opaqueServer) record(t *testing.T, res *http.Response, body []byte) recorded {
	t.Helper()
	out := recorded{Status: res.StatusCode, Type: res.Header.Get("Content-Type"), Challenge: res.Header.Get("WWW-Authenticate")}
	if mediaType, _, _ := mime.ParseMediaType(out.Type); mediaType == "application/token-introspection+jwt" {
		parts := strings.Split(string(body), ".")
		for n, into := range []*json.RawMessage{&out.Header, nil} {
			raw, err := base64.RawURLEncoding.DecodeString(parts[n])
			if err != nil {
				t.Fatal(err)
			}
			if into == nil {
				body = raw
				continue
			}
			*into = raw
		}
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatalf("the answer is %q: %v", body, err)
	}
	s.mask(members)
	var err error
	if out.Body, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	out.Challenge = strings.ReplaceAll(out.Challenge, s.Issuer, "ISSUER")
	return out
}

func (s *opaqueServer) mask(members map[string]any) {
	for name, value := range members {
		switch value := value.(type) {
		case map[string]any:
			s.mask(value)
		case string:
			if name == "jti" || name == "jkt" {
				members[name] = strings.ToUpper(name)
			} else {
				members[name] = strings.ReplaceAll(value, s.Issuer, "ISSUER")
			}
		case float64:
			members[name] = "a number"
			if value != float64(int64(value)) {
				members[name] = "a number with a fraction"
			}
		}
	}
}

// What oidc-provider answers is what testdata/oidc-provider.json says. The
// shapes of the answers are what a reader of introspection has to accept.
func TestIntrospectionOfOpaqueServer(t *testing.T) {
	t.Parallel()

	s := startOpaqueServer(t)
	const api, endpoint = "https://api.example.com", "/token/introspection"
	key := testutil.DPoPKey(t)
	tokens := map[string]string{
		"a token for an API":                  s.token(t, api, nil),
		"a token for no API":                  s.token(t, "", nil),
		"a token bound to a DPoP key":         s.token(t, api, key),
		"a revoked token":                     s.token(t, api, nil),
		"an unknown token":                    rand.Text(),
		"a token with characters of no token": "x y\x00",
		"no token":                            "",
	}
	if res, body := s.post(t, "/token/revocation", url.Values{"token": {tokens["a revoked token"]}}, s.ways()["post"], nil); res.StatusCode != http.StatusOK {
		t.Fatalf("POST /token/revocation = %d %s, want 200", res.StatusCode, body)
	}

	got := make(map[string]recorded)
	ask := func(name, token string, by way, header http.Header) {
		form := url.Values{}
		if token != "" {
			form.Set("token", token)
		}
		res, body := s.post(t, endpoint, form, by, header)
		got[name] = s.record(t, res, body)
	}
	for name, token := range tokens {
		ask(name, token, s.ways()["basic"], nil)
	}
	for name, by := range s.ways() {
		ask("by "+name, tokens["a token for an API"], by, nil)
	}
	signed := http.Header{"Accept": {"application/token-introspection+jwt"}}
	ask("signed, a token for an API", tokens["a token for an API"], s.ways()["basic"], signed)
	ask("signed, a token for no API", tokens["a token for no API"], s.ways()["basic"], signed)
	ask("signed, an unknown token", tokens["an unknown token"], s.ways()["basic"], signed)
	if b := got["a token bound to a DPoP key"]; !bytes.Contains(b.Body, []byte(`"jkt"`)) {
		t.Errorf("introspection of a token bound to a DPoP key = %s, want its thumbprint", b.Body)
	}

	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	const file = "testdata/oidc-provider.json"
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("oidc-provider answers %s\nwant what %s says; go test -update writes it", text, file)
	}
}
