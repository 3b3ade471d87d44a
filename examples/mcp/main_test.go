package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil"
)

// The client finds the issuer by what the server says, and by nothing else.
func TestDiscovery(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("run() error = %v\n%s", err, &out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		`POST   SERVER/mcp  401  Bearer scope="notes:read", resource_metadata="SERVER/.well-known/oauth-protected-resource/mcp"`,
		`GET    SERVER/.well-known/oauth-protected-resource/mcp  200`,
		`GET    ISSUER/.well-known/oauth-authorization-server  200`,
		`GET    ISSUER/authorize  302`,
		`POST   ISSUER/oauth/token  200`,
		`POST   SERVER/mcp  200`,
	}
	if len(lines) < len(want) || !slices.Equal(lines[:len(want)], want) {
		t.Errorf("run() printed\n%s\nwant it to begin with\n%s", &out, strings.Join(want, "\n"))
	}
	if got, want := lines[len(lines)-1], "The tool has been called by auth0|alice."; got != want {
		t.Errorf("run() ended with %q, want %q", got, want)
	}
}

// A server of the test's own, and an issuer that signs what it is told to.
func start(t *testing.T) (url string, issuer *testutil.Issuer) {
	t.Helper()

	issuer = testutil.NewIssuer(t)
	server := httptest.NewUnstartedServer(nil)
	url = "http://" + server.Listener.Addr().String() + "/mcp"
	handler, err := newServer(url, issuer.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	server.Start()
	t.Cleanup(server.Close)
	return url, issuer
}

func TestServer(t *testing.T) {
	url, issuer := start(t)
	metadata := `resource_metadata="` + strings.TrimSuffix(url, "/mcp") + `/.well-known/oauth-protected-resource/mcp"`
	for _, tt := range []struct {
		name      string
		claims    testutil.Claims // nil: no token
		status    int
		challenge string
	}{
		{"no token", nil, 401, `Bearer scope="notes:read", ` + metadata},
		{"a good token", testutil.Claims{"aud": url, "scope": "notes:read"}, 200, ""},
		{"a token for the server's host alone", testutil.Claims{"aud": strings.TrimSuffix(url, "/mcp"), "scope": "notes:read"}, 401, `Bearer error="invalid_token", scope="notes:read", ` + metadata},
		{"a token without the scope", testutil.Claims{"aud": url, "scope": "notes:write"}, 403, `Bearer error="insufficient_scope", scope="notes:read", ` + metadata},
	} {
		token := ""
		if tt.claims != nil {
			token = issuer.Token(tt.claims)
		}
		res, _ := call(t, url, token, "", initialize)
		if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != tt.status || got != tt.challenge {
			t.Errorf("initialize with %s = %d, challenge %q, want %d, %q", tt.name, res.StatusCode, got, tt.status, tt.challenge)
		}
	}
}

func TestMetadata(t *testing.T) {
	url, issuer := start(t)
	where := strings.TrimSuffix(url, "/mcp") + "/.well-known/oauth-protected-resource/mcp"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, where, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var document struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
	}
	if err := json.NewDecoder(res.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	want := []string{strings.TrimSuffix(issuer.URL, "/")}
	if document.Resource != url || !slices.Equal(document.Servers, want) {
		t.Errorf("metadata = %+v, want the resource %q of %q", document, url, want)
	}
}

// A client that learns the ID of a session must not continue it with another
// user's token.
func TestSession(t *testing.T) {
	url, issuer := start(t)
	token := func(subject string) string {
		return issuer.Token(testutil.Claims{"aud": url, "scope": "notes:read", "sub": subject})
	}
	res, _ := call(t, url, token("alice"), "", initialize)
	session := res.Header.Get("Mcp-Session-Id")
	if session == "" {
		t.Fatal("initialize begins no session")
	}
	if res, body := call(t, url, token("alice"), session, list); res.StatusCode != 200 || !strings.Contains(body, "whoami") {
		t.Errorf("tools/list of alice = %d, %s, want the tools", res.StatusCode, body)
	}
	if res, body := call(t, url, token("mallory"), session, list); res.StatusCode == 200 {
		t.Errorf("tools/list of mallory in alice's session = %d, %s, want a refusal", res.StatusCode, body)
	}
}

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	list       = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
)

func call(t *testing.T, url, token, session, body string) (*http.Response, string) {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if session != "" {
		req.Header.Set("Mcp-Session-Id", session)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}
