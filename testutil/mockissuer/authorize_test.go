package mockissuer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

const (
	callback = "http://127.0.0.1:4242/callback"
	verifier = "a-verifier-that-has-more-than-forty-three-characters"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// visit is a request to the authorization endpoint that the demo tenant grants.
func visit() params {
	return params{
		"response_type": "code", "client_id": "demo-app", "redirect_uri": callback, "state": "s t&te",
		"scope": "openid profile email offline_access orders:read orders:delete", "audience": audience, "nonce": "n-1",
		"code_challenge": challenge(), "code_challenge_method": "S256",
	}
}

func exchange(code string) params {
	return params{
		"grant_type": "authorization_code", "client_id": "demo-app", "redirect_uri": callback,
		"code": code, "code_verifier": verifier,
	}
}

func authorize(t *testing.T, iss *mockissuer.Issuer, p params) (*http.Response, url.Values) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, iss.URL+"authorize?"+p.form(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, _ := do(t, iss, req)
	location, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if location.Fragment != "" {
		values, err := url.ParseQuery(location.EscapedFragment())
		if err != nil {
			t.Fatal(err)
		}
		return res, values
	}
	return res, location.Query()
}

// codeFor returns a code that the authorization endpoint gives for p.
func codeFor(t *testing.T, iss *mockissuer.Issuer, p params) string {
	t.Helper()
	res, back := authorize(t, iss, p)
	if !back.Has("code") {
		t.Fatalf("authorize(%v) = %d %s, want a code", p, res.StatusCode, res.Header.Get("Location"))
	}
	return back.Get("code")
}

func TestAuthorize(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	for _, tt := range []struct {
		name   string
		change params
		error  string // "": a code; "-": no redirect
	}{
		{"a good one", nil, ""},
		{"another port", params{"redirect_uri": "http://127.0.0.1:1/callback"}, ""},
		{"fragment", params{"response_mode": "fragment"}, ""},
		{"resource", params{"audience": "", "resource": audience}, ""},
		{"no audience", params{"audience": ""}, ""},
		{"organization", params{"organization": "demo"}, ""},
		{"a user by email", params{"login_hint": "ALICE@example.com"}, ""},
		{"a confidential client without PKCE", params{"client_id": "demo-client", "code_challenge": "", "code_challenge_method": ""}, ""},

		{"unknown client", params{"client_id": "nobody"}, "-"},
		{"no client", params{"client_id": ""}, "-"},
		{"no callback", params{"redirect_uri": ""}, "-"},
		{"another callback", params{"redirect_uri": "https://evil.example.com/callback"}, "-"},
		{"another path", params{"redirect_uri": "http://127.0.0.1:4242/callback/../evil"}, "-"},
		{"a longer path", params{"redirect_uri": "http://127.0.0.1:4242/callback/"}, "-"},
		{"an escaped path", params{"redirect_uri": "http://127.0.0.1:4242/callbac%6b"}, "-"},
		{"a query", params{"redirect_uri": callback + "?x=1"}, "-"},
		{"a fragment", params{"redirect_uri": callback + "#x"}, "-"},
		{"an empty fragment", params{"redirect_uri": callback + "#"}, "-"},
		{"a user in the callback", params{"redirect_uri": "http://127.0.0.1:4242@evil.example.com/callback"}, "-"},
		{"a host that begins so", params{"redirect_uri": "http://127.0.0.1.evil.example.com/callback"}, "-"},
		{"a port that is none", params{"redirect_uri": "http://127.0.0.1:x@evil.example.com/callback"}, "-"},
		{"a backslash", params{"redirect_uri": `http://127.0.0.1\@evil.example.com/callback`}, "-"},
		{"a line break", params{"redirect_uri": "http://127.0.0.1:4242/callback\r\nX: y"}, "-"},
		{"https for http", params{"redirect_uri": "https://127.0.0.1/callback"}, "-"},
		{"a script", params{"redirect_uri": "javascript:alert(1)"}, "-"},

		{"another response type", params{"response_type": "token"}, "unsupported_response_type"},
		{"another response mode", params{"response_mode": "web_message"}, "invalid_request"},
		{"no PKCE", params{"code_challenge": "", "code_challenge_method": ""}, "invalid_request"},
		{"PKCE with plain", params{"code_challenge_method": "plain"}, "invalid_request"},
		{"PKCE without a method", params{"code_challenge_method": ""}, "invalid_request"},
		{"a method without a challenge", params{"client_id": "demo-client", "code_challenge": ""}, "invalid_request"},
		{"a short challenge", params{"code_challenge": "x"}, "invalid_request"},
		{"unknown user", params{"login_hint": "bob"}, "login_required"},
		{"unknown audience", params{"audience": "https://x.example.com"}, "access_denied"},
		{"unknown organization", params{"organization": "org_x"}, "access_denied"},
	} {
		p := visit().with(tt.change)
		res, back := authorize(t, iss, p)
		if tt.error == "-" {
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("authorize with %s = %d to %q, want 400 and no redirect", tt.name, res.StatusCode, res.Header.Get("Location"))
			}
			continue
		}
		if res.StatusCode != http.StatusFound || !strings.HasPrefix(res.Header.Get("Location"), p["redirect_uri"]) {
			t.Errorf("authorize with %s = %d to %q, want 302 to %s", tt.name, res.StatusCode, res.Header.Get("Location"), p["redirect_uri"])
		}
		if back.Get("error") != tt.error || back.Has("code") != (tt.error == "") {
			t.Errorf("authorize with %s = %v, want error %q", tt.name, back, tt.error)
		}
		if back.Get("state") != "s t&te" || back.Get("iss") != tenant {
			t.Errorf("authorize with %s = %v, want the state and the issuer", tt.name, back)
		}
	}
}

// TestAdvertisedResponseModes asks for each that discovery names.
func TestAdvertisedResponseModes(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	var doc struct {
		Modes []string `json:"response_modes_supported"`
	}
	_, body := fetch(t, iss, mockissuer.EndpointDiscovery)
	if err := json.Unmarshal([]byte(body), &doc); err != nil || len(doc.Modes) == 0 {
		t.Fatalf("response_modes_supported = %q, %v, want some", doc.Modes, err)
	}
	for _, mode := range doc.Modes {
		if res, back := authorize(t, iss, visit().with(params{"response_mode": mode})); !back.Has("code") {
			t.Errorf("authorize with response_mode=%s = %d %v, want a code: it is advertised", mode, res.StatusCode, back)
		}
	}
}

func TestAuthorizationCode(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	_, got := askToken(t, iss, exchange(codeFor(t, iss, visit().with(params{"organization": "demo"}))))
	token, _ := got["access_token"].(string)
	claims := part(t, token, 1)
	for name, want := range map[string]any{
		"sub": "auth0|alice", "azp": "demo-app", "org_id": "org_demo", "org_name": "demo",
		"scope": "openid profile email offline_access orders:read",
	} {
		if claims[name] != want {
			t.Errorf("access token: %s = %v, want %v", name, claims[name], want)
		}
	}
	list, _ := claims["aud"].([]any)
	if len(list) != 2 || list[0] != audience || list[1] != tenant+"userinfo" {
		t.Errorf("access token: aud = %v, want the API and /userinfo", claims["aud"])
	}

	idToken, _ := got["id_token"].(string)
	if err := verify(t, iss, idToken); err != nil {
		t.Errorf("ID token: %v", err)
	}
	id := part(t, idToken, 1)
	for name, want := range map[string]any{
		"iss": tenant, "sub": "auth0|alice", "aud": "demo-app", "nonce": "n-1", "email": "alice@example.com", "name": "Alice", "org_id": "org_demo",
	} {
		if id[name] != want {
			t.Errorf("ID token: %s = %v, want %v", name, id[name], want)
		}
	}

	if status, profile := userInfo(t, iss, token); status != http.StatusOK || profile["email"] != "alice@example.com" {
		t.Errorf("userinfo = %d %v, want 200 with Alice", status, profile)
	}
	if status, profile := userInfo(t, iss, idToken); status != http.StatusUnauthorized {
		t.Errorf("userinfo with an ID token = %d %v, want 401", status, profile)
	}
}

// The first of acr_values that the issuer has is in the tokens, and is what
// discovery names.
func TestACR(t *testing.T) {
	t.Parallel()

	const several = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
	cfg := mockissuer.Demo()
	cfg.ACRs = append(cfg.ACRs, "gold")
	iss := open(t, cfg)
	for _, tt := range []struct {
		asked string
		want  any
	}{
		{"", nil}, {several, several}, {"gold", "gold"}, {"gold " + several, "gold"}, {"silver " + several + " gold", several}, {"silver", nil}, {"gol d", nil},
	} {
		_, got := askToken(t, iss, exchange(codeFor(t, iss, visit().with(params{"acr_values": tt.asked}))))
		_, renewed := askToken(t, iss, refreshing(got))
		for _, name := range []string{"id_token", "access_token"} {
			for when, answer := range map[string]map[string]any{"first": got, "renewed": renewed} {
				token, _ := answer[name].(string)
				if claims := part(t, token, 1); claims["acr"] != tt.want || name == "access_token" && (claims["auth_time"] != nil) != (tt.want != nil) {
					t.Errorf("acr_values %q: %s %s has acr = %v, auth_time = %v, want %v", tt.asked, when, name, claims["acr"], claims["auth_time"], tt.want)
				}
			}
		}
	}
	_, body := fetch(t, iss, mockissuer.EndpointDiscovery)
	if !strings.Contains(body, `"acr_values_supported":["`+several+`","gold"]`) {
		t.Errorf("discovery = %s, want acr_values_supported", body)
	}
	cfg.URL = tenant
	for value, ok := range map[string]bool{"a": true, "": false, "a b": false} {
		cfg.ACRs = []string{value}
		if _, err := mockissuer.New(cfg); (err == nil) != ok {
			t.Errorf("New(ACRs %q) error = %v, want none: %t", value, err, ok)
		}
	}
}

func TestAudienceWithoutOpenID(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	_, got := askToken(t, iss, exchange(codeFor(t, iss, visit().with(params{"scope": "orders:read"}))))
	token, _ := got["access_token"].(string)
	if aud := part(t, token, 1)["aud"]; aud != audience || got["id_token"] != nil || got["refresh_token"] != nil {
		t.Errorf("without openid: aud = %v, answer = %v, want the API alone and no further tokens", aud, got)
	}
	if status, _ := userInfo(t, iss, token); status != http.StatusUnauthorized {
		t.Errorf("userinfo without openid = %d, want 401", status)
	}
}

func TestOpaqueToken(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	_, got := askToken(t, iss, exchange(codeFor(t, iss, visit().with(params{"audience": "", "scope": "openid email"}))))
	token, _ := got["access_token"].(string)
	if strings.Contains(token, ".") || token == "" {
		t.Errorf("token without an audience = %q, want an opaque one", token)
	}
	if status, profile := userInfo(t, iss, token); status != http.StatusOK || profile["email"] != "alice@example.com" || profile["name"] != nil {
		t.Errorf("userinfo = %d %v, want 200 with Alice's address and no name", status, profile)
	}
	iss.Advance(25 * time.Hour)
	if status, _ := userInfo(t, iss, token); status != http.StatusUnauthorized {
		t.Errorf("userinfo a day later = %d, want 401", status)
	}
}

func TestCodesAreRefused(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name          string
		visit, change params
		later         time.Duration
	}{
		{"no code", nil, params{"code": ""}, 0},
		{"another code", nil, params{"code": "x"}, 0},
		{"too late", nil, nil, 10 * time.Minute},
		{"another callback", nil, params{"redirect_uri": "http://127.0.0.1:4243/callback"}, 0},
		{"no callback", nil, params{"redirect_uri": ""}, 0},
		{"another client", nil, params{"client_id": "demo-client", "client_secret": "demo-secret"}, 0},
		{"no verifier", nil, params{"code_verifier": ""}, 0},
		{"another verifier", nil, params{"code_verifier": strings.ToUpper(verifier)}, 0},
		{"the challenge as verifier", nil, params{"code_verifier": challenge()}, 0},
		{
			"a verifier without a challenge",
			params{"client_id": "demo-client", "code_challenge": "", "code_challenge_method": ""},
			params{"client_id": "demo-client", "client_secret": "demo-secret"}, 0,
		},
	} {
		iss := open(t, mockissuer.Demo())
		p := exchange(codeFor(t, iss, visit().with(tt.visit))).with(tt.change)
		iss.Advance(tt.later)
		if res, got := askToken(t, iss, p); res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" {
			t.Errorf("code with %s = %d %v, want 403 invalid_grant", tt.name, res.StatusCode, got)
		}
	}
}

func TestCodeSeenTwiceEndsItsTokens(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	p := exchange(codeFor(t, iss, visit()))
	_, got := askToken(t, iss, p)
	if res, _ := askToken(t, iss, p); res.StatusCode != http.StatusForbidden {
		t.Errorf("a code seen twice = %d, want 403", res.StatusCode)
	}
	if res, _ := askToken(t, iss, refreshing(got)); res.StatusCode != http.StatusForbidden {
		t.Errorf("refreshing after its code was seen twice = %d, want 403", res.StatusCode)
	}
}

func TestRefreshToken(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	_, first := askToken(t, iss, exchange(codeFor(t, iss, visit())))
	res, second := askToken(t, iss, refreshing(first).with(params{"scope": "openid orders:read orders:write"}))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("refreshing = %d %v, want 200", res.StatusCode, second)
	}
	if second["scope"] != "openid orders:read" {
		t.Errorf("refreshing with fewer scopes = %v, want those that were allowed once", second["scope"])
	}
	if second["refresh_token"] == first["refresh_token"] || second["refresh_token"] == nil {
		t.Errorf("refreshing of a client that rotates: refresh_token = %v, want a new one", second["refresh_token"])
	}
	if res, _ := askToken(t, iss, refreshing(second).with(params{"client_id": "demo-client", "client_secret": "demo-secret"})); res.StatusCode != http.StatusForbidden {
		t.Errorf("refreshing by another client = %d, want 403", res.StatusCode)
	}
	if res, _ := askToken(t, iss, refreshing(first)); res.StatusCode != http.StatusForbidden {
		t.Errorf("refreshing with a token that was rotated = %d, want 403", res.StatusCode)
	}
	if res, _ := askToken(t, iss, refreshing(second)); res.StatusCode != http.StatusForbidden {
		t.Errorf("refreshing after a rotated token came again = %d, want 403", res.StatusCode)
	}
}

func TestRefreshTokenWithoutRotation(t *testing.T) {
	t.Parallel()

	cfg := mockissuer.Demo()
	cfg.Clients[1].RotateRefreshTokens = false
	iss := open(t, cfg)
	_, first := askToken(t, iss, exchange(codeFor(t, iss, visit())))
	for range 2 {
		if res, got := askToken(t, iss, refreshing(first)); res.StatusCode != http.StatusOK || got["refresh_token"] != nil {
			t.Errorf("refreshing without rotation = %d %v, want 200 and no new refresh token", res.StatusCode, got)
		}
	}
	iss.Advance(30 * 24 * time.Hour)
	if res, _ := askToken(t, iss, refreshing(first)); res.StatusCode != http.StatusForbidden {
		t.Errorf("refreshing after a month = %d, want 403", res.StatusCode)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	_, forUser := askToken(t, iss, exchange(codeFor(t, iss, visit())))
	_, opaque := askToken(t, iss, exchange(codeFor(t, iss, visit().with(params{"audience": ""}))))
	signed, err := iss.Sign(mockissuer.Token{})
	if err != nil {
		t.Fatal(err)
	}
	text := func(v any) string { s, _ := v.(string); return s }

	caller := params{"client_id": "demo-client", "client_secret": "demo-secret"}
	for _, tt := range []struct {
		name   string
		params params
		status int
		active any
		client any
	}{
		{"a JWT", caller.with(params{"token": text(forUser["access_token"])}), 200, true, "demo-app"},
		{"an opaque token", caller.with(params{"token": text(opaque["access_token"])}), 200, true, "demo-app"},
		{"a token signed by hand", caller.with(params{"token": signed}), 200, true, nil},
		{"an ID token", caller.with(params{"token": text(forUser["id_token"])}), 200, false, nil},
		{"a token with another signature", caller.with(params{"token": signed[:len(signed)-8] + "AAAAAAAA"}), 200, false, nil},
		{"no token of anybody's", caller.with(params{"token": "x"}), 200, false, nil},
		{"no token", caller, 400, nil, nil},
		{"a public client", params{"client_id": "demo-app", "token": signed}, 401, nil, nil},
		{"a wrong secret", caller.with(params{"client_secret": "x", "token": signed}), 401, nil, nil},
	} {
		res, got := post(t, iss, tenant+"oauth2/introspect", formType, tt.params.form())
		if res.StatusCode != tt.status || got["active"] != tt.active || got["client_id"] != tt.client {
			t.Errorf("introspection of %s = %d %v, want %d, active %v, client_id %v", tt.name, res.StatusCode, got, tt.status, tt.active, tt.client)
		}
		if tt.active == false && len(got) != 1 {
			t.Errorf("introspection of %s = %v, want nothing but that it is not active", tt.name, got)
		}
	}
	iss.Advance(25 * time.Hour)
	for _, token := range []any{forUser["access_token"], opaque["access_token"], signed} {
		if _, got := post(t, iss, tenant+"oauth2/introspect", formType, caller.with(params{"token": text(token)}).form()); got["active"] != false {
			t.Errorf("introspection a day later = %v, want not active", got)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	for _, tt := range []struct{ origin, want string }{
		{"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
		{"http://localhost:5173", "http://localhost:5173"},
		{"https://evil.example.com", ""},
		{"http://127.0.0.1.evil.example.com", ""},
		{"null", ""},
	} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			req, err := http.NewRequestWithContext(t.Context(), method, tenant+"oauth/token", strings.NewReader(machine.form()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", tt.origin)
			req.Header.Set("Content-Type", formType)
			res, _ := do(t, iss, req)
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != tt.want {
				t.Errorf("%s from %s: Access-Control-Allow-Origin = %q, want %q", method, tt.origin, got, tt.want)
			}
		}
	}
}

func refreshing(answer map[string]any) params {
	token, _ := answer["refresh_token"].(string)
	return params{"grant_type": "refresh_token", "client_id": "demo-app", "refresh_token": token}
}

func userInfo(t *testing.T, iss *mockissuer.Issuer, token string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tenant+"userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, body := do(t, iss, req)
	if challenge := res.Header.Get("WWW-Authenticate"); (challenge != "") != (res.StatusCode == http.StatusUnauthorized) {
		t.Errorf("userinfo = %d with the challenge %q", res.StatusCode, challenge)
	}
	return res.StatusCode, decode(t, body)
}

func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return members
}
