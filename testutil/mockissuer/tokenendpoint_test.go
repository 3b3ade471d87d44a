package mockissuer_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// params are the parameters of a request.
type params map[string]string

func (p params) with(more params) params {
	out := params{}
	for name, value := range p {
		out[name] = value
	}
	for name, value := range more {
		out[name] = value
		if value == "" {
			delete(out, name)
		}
	}
	return out
}

func (p params) form() string {
	form := url.Values{}
	for name, value := range p {
		form.Set(name, value)
	}
	return form.Encode()
}

func (p params) json(t *testing.T) string {
	t.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const formType, jsonType = "application/x-www-form-urlencoded", "application/json"

func post(t *testing.T, iss *mockissuer.Issuer, target, contentType, body string, basic ...string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if len(basic) == 2 {
		req.SetBasicAuth(url.QueryEscape(basic[0]), url.QueryEscape(basic[1]))
	}
	res, text := do(t, iss, req)
	var members map[string]any
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("POST %s = %d with no JSON: %q", target, res.StatusCode, text)
	}
	return res, members
}

func askToken(t *testing.T, iss *mockissuer.Issuer, p params) (*http.Response, map[string]any) {
	t.Helper()
	return post(t, iss, iss.URL+"oauth/token", formType, p.form())
}

// machine is a request that the demo tenant grants.
var machine = params{
	"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret", "audience": audience,
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()

	const both = "orders:read orders:write"
	cfg := mockissuer.Demo()
	cfg.APIs = append(cfg.APIs,
		mockissuer.API{Identifier: "https://ungranted.example.com"},
		mockissuer.API{Identifier: "https://rbac.example.com", RBAC: true},
		mockissuer.API{Identifier: "https://rfc9068.example.com", Profile: mockissuer.ProfileRFC9068, Lifetime: time.Minute, Algorithm: "ES256"},
		mockissuer.API{Identifier: "https://hs256.example.com", Algorithm: "HS256", Secret: strings.Repeat("of the api", 4)},
	)
	cfg.Clients[0].Grants = append(cfg.Clients[0].Grants,
		mockissuer.Grant{API: "https://rbac.example.com"},
		mockissuer.Grant{API: "https://rfc9068.example.com"}, mockissuer.Grant{API: "https://hs256.example.com"})
	cfg.Organizations = append(cfg.Organizations, mockissuer.Organization{ID: "org_other", Name: "other"})
	now := time.Unix(1_700_000_000, 0)
	cfg.Now = func() time.Time { return now }
	iss := open(t, cfg)

	claims := func(more map[string]any) map[string]any {
		out := map[string]any{
			"iss": tenant, "sub": "demo-client@clients", "aud": audience, "azp": "demo-client",
			"gty": "client-credentials", "iat": 1.7e9, "exp": 1.7e9 + 86400,
			"scope": both, "permissions": []any{"orders:read", "orders:write"},
		}
		for name, value := range more {
			out[name] = value
		}
		return out
	}
	org := map[string]any{"org_id": "org_demo", "org_name": "demo"}
	bare := params{"client_id": "", "client_secret": ""}

	for _, tt := range []struct {
		name   string
		params params
		basic  []string
		status int
		error  string         // "code: description" or its beginning
		claims map[string]any // nil: not looked at
	}{
		{"audience", machine, nil, 200, "", claims(nil)},
		{"Basic", machine.with(bare), []string{"demo-client", "demo-secret"}, 200, "", claims(nil)},
		{"Basic with the id in the body", machine.with(params{"client_secret": ""}), []string{"demo-client", "demo-secret"}, 200, "", claims(nil)},
		{"resource", machine.with(params{"audience": "", "resource": audience}), nil, 200, "", claims(nil)},
		{"audience before resource", machine.with(params{"resource": "https://x.example.com"}), nil, 200, "", claims(nil)},
		{"scope", machine.with(params{"scope": "orders:read"}), nil, 200, "", claims(map[string]any{"scope": "orders:read", "permissions": []any{"orders:read"}})},
		{"organization by id", machine.with(params{"organization": "org_demo"}), nil, 200, "", claims(org)},
		{"organization by name", machine.with(params{"organization": "Demo"}), nil, 200, "", claims(org)},
		{"RBAC and no scopes", machine.with(params{"audience": "https://rbac.example.com"}), nil, 200, "", map[string]any{
			"iss": tenant, "sub": "demo-client@clients", "aud": "https://rbac.example.com", "azp": "demo-client",
			"gty": "client-credentials", "iat": 1.7e9, "exp": 1.7e9 + 86400, "permissions": []any{},
		}},
		{"RFC 9068", machine.with(params{"audience": "https://rfc9068.example.com"}), nil, 200, "", nil},
		{"HS256", machine.with(params{"audience": "https://hs256.example.com"}), nil, 200, "", nil},

		{"wrong secret", machine.with(params{"client_secret": "demo-secreT"}), nil, 401, "access_denied: Unauthorized", nil},
		{"no secret", machine.with(params{"client_secret": ""}), nil, 401, "access_denied: Unauthorized", nil},
		{"wrong secret by Basic", machine.with(bare), []string{"demo-client", "x"}, 401, "access_denied: Unauthorized", nil},
		{"unknown client", machine.with(params{"client_id": "nobody"}), nil, 401, "access_denied: Unauthorized", nil},
		{"no client", machine.with(bare), nil, 400, "invalid_request: Missing required parameter: client_id", nil},
		{"two ways", machine, []string{"demo-client", "demo-secret"}, 400, "invalid_request: ", nil},
		{"two clients", machine.with(params{"client_id": "demo-app", "client_secret": ""}), []string{"demo-client", "demo-secret"}, 400, "invalid_request: ", nil},
		{"public client", machine.with(params{"client_id": "demo-app", "client_secret": ""}), nil, 403, "unauthorized_client: ", nil},
		{"no audience", machine.with(params{"audience": ""}), nil, 403, "access_denied: No audience", nil},
		{"unknown audience", machine.with(params{"audience": "https://x.example.com"}), nil, 403, "access_denied: Service not found: https://x.example.com", nil},
		{"no grant for it", machine.with(params{"audience": "https://ungranted.example.com"}), nil, 403, "access_denied: Client is not authorized", nil},
		{"scope not granted", machine.with(params{"scope": "orders:read orders:delete"}), nil, 403, "access_denied: Client has not been granted scopes: orders:delete", nil},
		{"unknown organization", machine.with(params{"organization": "org_nobody"}), nil, 403, "access_denied: ", nil},
		{"organization not allowed", machine.with(params{"organization": "other"}), nil, 403, "access_denied: ", nil},
		{"unknown grant", machine.with(params{"grant_type": "password"}), nil, 403, "unsupported_grant_type: Unsupported grant type: password", nil},
		{"no grant", machine.with(params{"grant_type": ""}), nil, 400, "invalid_request: Missing required parameter: grant_type", nil},
	} {
		for contentType, body := range map[string]string{formType: tt.params.form(), jsonType: tt.params.json(t)} {
			res, got := post(t, iss, tenant+"oauth/token", contentType, body, tt.basic...)
			if res.StatusCode != tt.status {
				t.Errorf("%s by %s: status = %d, want %d: %v", tt.name, contentType, res.StatusCode, tt.status, got)
			}
			if cc := res.Header.Get("Cache-Control"); cc != "no-store" {
				t.Errorf("%s by %s: Cache-Control = %q, want no-store", tt.name, contentType, cc)
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (challenge != "") != (tt.basic != nil && tt.status == 401) {
				t.Errorf("%s by %s: WWW-Authenticate = %q", tt.name, contentType, challenge)
			}
			if tt.error != "" {
				code, _ := got["error"].(string)
				description, _ := got["error_description"].(string)
				if text := code + ": " + description; !strings.HasPrefix(text, tt.error) || len(got) != 2 {
					t.Errorf("%s by %s: error = %v, want %s", tt.name, contentType, got, tt.error)
				}
				continue
			}
			token, _ := got["access_token"].(string)
			if got["token_type"] != "Bearer" {
				t.Errorf("%s by %s: token_type = %v, want Bearer", tt.name, contentType, got["token_type"])
			}
			if tt.claims == nil {
				continue
			}
			if got["expires_in"] != 86400.0 || got["scope"] != tt.claims["scope"] {
				t.Errorf("%s by %s: expires_in = %v, scope = %v, want 86400, %v", tt.name, contentType, got["expires_in"], got["scope"], tt.claims["scope"])
			}
			if err := verify(t, iss, token); err != nil {
				t.Errorf("%s by %s: %v", tt.name, contentType, err)
			}
			if diff := cmp.Diff(tt.claims, part(t, token, 1)); diff != "" {
				t.Errorf("%s by %s: claims (-want +got):\n%s", tt.name, contentType, diff)
			}
		}
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()

	cfg := mockissuer.Demo()
	cfg.APIs = []mockissuer.API{
		{Identifier: "auth0"},
		{Identifier: "rfc9068", Profile: mockissuer.ProfileRFC9068, Lifetime: time.Minute, Algorithm: "ES256"},
		{Identifier: "hs256", Algorithm: "HS256", Secret: strings.Repeat("s", 32)},
	}
	cfg.Users[0].Permissions = nil
	cfg.Clients[0].Grants = []mockissuer.Grant{{API: "auth0"}, {API: "rfc9068"}, {API: "hs256"}}
	iss := open(t, cfg)

	for _, tt := range []struct {
		audience, typ, alg string
		lifetime           float64
		claims, none       []string
	}{
		{"auth0", "JWT", "RS256", 86400, []string{"azp", "gty"}, []string{"client_id", "jti", "permissions", "scope"}},
		{"rfc9068", "at+jwt", "ES256", 60, []string{"client_id", "jti"}, []string{"azp", "gty", "permissions", "scope"}},
		{"hs256", "JWT", "HS256", 86400, []string{"azp", "gty"}, []string{"client_id", "jti"}},
	} {
		_, got := askToken(t, iss, machine.with(params{"audience": tt.audience}))
		token, _ := got["access_token"].(string)
		header, claims := part(t, token, 0), part(t, token, 1)
		if header["typ"] != tt.typ || header["alg"] != tt.alg || got["expires_in"] != tt.lifetime {
			t.Errorf("token for %s: typ = %v, alg = %v, expires_in = %v, want %s, %s, %v",
				tt.audience, header["typ"], header["alg"], got["expires_in"], tt.typ, tt.alg, tt.lifetime)
		}
		for _, name := range tt.claims {
			if _, ok := claims[name]; !ok {
				t.Errorf("token for %s: no claim %s in %v", tt.audience, name, claims)
			}
		}
		for _, name := range tt.none {
			if value, ok := claims[name]; ok {
				t.Errorf("token for %s: claim %s = %v, want none", tt.audience, name, value)
			}
		}
	}
}

func TestTokenEndpointRefusesOddBodies(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	good := machine.form()
	for _, tt := range []struct{ name, contentType, body string }{
		{"no type", "", good},
		{"a type of its own", "text/plain", good},
		{"a parameter twice", formType, good + "&audience=x"},
		{"no form", formType, "%zz"},
		{"no JSON", jsonType, good},
		{"an array", jsonType, "[]"},
		{"null", jsonType, "null"},
		{"numbers", jsonType, `{"grant_type":1}`},
		{"too long", formType, good + "&x=" + strings.Repeat("x", 64<<10)},
	} {
		res, got := post(t, iss, tenant+"oauth/token", tt.contentType, tt.body)
		if res.StatusCode != http.StatusBadRequest || got["error"] != "invalid_request" {
			t.Errorf("POST with %s = %d %v, want 400 invalid_request", tt.name, res.StatusCode, got)
		}
	}
}

func TestIgnoreResource(t *testing.T) {
	t.Parallel()

	cfg := mockissuer.Demo()
	cfg.IgnoreResource = true
	res, _ := askToken(t, open(t, cfg), machine.with(params{"audience": "", "resource": audience}))
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("token by resource that is ignored: status = %d, want 403", res.StatusCode)
	}
}

func TestTokensNameTheDomainAsked(t *testing.T) {
	t.Parallel()

	const custom = "https://login.example.com/"
	cfg := mockissuer.Demo()
	cfg.Domains = []string{custom}
	iss := open(t, cfg)
	for _, domain := range iss.Domains() {
		_, got := post(t, iss, domain+"oauth/token", formType, machine.form())
		token, _ := got["access_token"].(string)
		if issuer := part(t, token, 1)["iss"]; issuer != domain {
			t.Errorf("token requested from %s: iss = %v", domain, issuer)
		}
		if err := verify(t, iss, token); err != nil {
			t.Errorf("token requested from %s: %v", domain, err)
		}
	}
}

func TestLogHasNoToken(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	cfg := mockissuer.Demo()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	iss := open(t, cfg)
	_, got := askToken(t, iss, machine)
	askToken(t, iss, machine.with(params{"client_secret": "guessed-wrong"}))

	for _, want := range []string{"token issued", `"token request rejected" client=demo-client`, "for=" + audience} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %q in it", &log, want)
		}
	}
	token, _ := got["access_token"].(string)
	for _, secret := range []string{token[:20], token[len(token)-20:], "demo-secret", "guessed-wrong"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("log = %s, want no %q in it", &log, secret)
		}
	}
	if note := iss.Requests()[1].Note; !strings.Contains(note, audience) {
		t.Errorf("Requests()[1].Note = %q, want the audience in it", note)
	}
}

// TestMisplacedTokens are of clients that put a token where none belongs, which
// the error quotes to them.
func TestMisplacedTokens(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	cfg := mockissuer.Demo()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	iss := open(t, cfg)
	_, got := askToken(t, iss, exchange(codeFor(t, iss, visit())))
	access, _ := got["access_token"].(string)
	refresh, _ := got["refresh_token"].(string)
	code := codeFor(t, iss, visit())
	for _, token := range []string{access, refresh, code, "Bearer " + access, strings.Repeat("x", 250) + access} {
		for _, p := range []params{
			machine.with(params{"grant_type": token}),
			machine.with(params{"audience": token}),
			machine.with(params{"scope": token}),
			machine.with(params{"organization": token}),
			exchange(codeFor(t, iss, visit())).with(params{"redirect_uri": token}),
		} {
			res, body := askToken(t, iss, p)
			if res.StatusCode == http.StatusOK {
				t.Errorf("askToken(%v) = %d %v, want a refusal", p, res.StatusCode, body)
			}
		}
		authorize(t, iss, visit().with(params{"client_id": token}))
	}

	kept := log.String()
	for _, r := range iss.Requests() {
		kept += "\n" + r.Note
	}
	for name, token := range map[string]string{"access token": access[:24], "refresh token": refresh, "code": code} {
		if strings.Contains(kept, token) {
			t.Errorf("log and notes have the %s in them", name)
		}
	}
	if longest := slices.MaxFunc(strings.Split(kept, "\n"), func(a, b string) int { return len(a) - len(b) }); len(longest) > 600 {
		t.Errorf("log has a line of %d bytes, want it cut: %.100s", len(longest), longest)
	}
	if !strings.Contains(kept, "REDACTED") {
		t.Errorf("log and notes = %s, want what was left out to show", kept)
	}
}
