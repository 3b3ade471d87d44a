package mockissuer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

const endpoint = tenant + "oauth2/introspect"

// A caller of the introspection endpoint.
type introspecting struct {
	client       *http.Client // nil: the issuer's
	user, secret string       // for HTTP Basic
	params       params
	accept       string
}

func (c introspecting) ask(t *testing.T, iss *mockissuer.Issuer, token string) (*http.Response, string) {
	t.Helper()
	form := c.params.with(params{"token": token}).form()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", formType)
	if c.accept != "" {
		req.Header.Set("Accept", c.accept)
	}
	if c.user != "" {
		req.SetBasicAuth(url.QueryEscape(c.user), url.QueryEscape(c.secret))
	}
	client := c.client
	if client == nil {
		client = iss.Client()
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

var byPost = introspecting{params: params{"client_id": "demo-client", "client_secret": "demo-secret"}}

func opaqueOf(t *testing.T, iss *mockissuer.Issuer, claims map[string]any) string {
	t.Helper()
	token, err := iss.Opaque(mockissuer.Token{Claims: claims})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)

	cfg := mockissuer.Demo()
	cfg.Clients = append(cfg.Clients,
		mockissuer.Client{ID: "by-key", PublicKey: key.Public()},
		mockissuer.Client{ID: "by-certificate", Certificate: base64.RawURLEncoding.EncodeToString(sum[:])})
	iss := open(t, cfg)
	other := open(t, mockissuer.Config{Algorithms: []string{"ES256"}})
	token := opaqueOf(t, iss, nil)

	assertion := func(claims map[string]any) params {
		all := map[string]any{"iss": "by-key", "sub": "by-key", "aud": tenant, "jti": rand.Text(), "exp": iss.Now().Add(time.Minute)}
		maps.Copy(all, claims)
		signed, err := other.Sign(mockissuer.Token{Algorithm: "ES256", Key: key, Claims: all})
		if err != nil {
			t.Fatal(err)
		}
		return params{
			"client_assertion":      signed,
			"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		}
	}
	used := assertion(nil)
	stranger, err := other.Sign(mockissuer.Token{Claims: map[string]any{
		"iss": "by-key", "sub": "by-key", "aud": tenant, "jti": "1", "exp": iss.Now().Add(time.Minute),
	}})
	if err != nil {
		t.Fatal(err)
	}

	withCertificate := iss.ClientWithCertificate(cert)
	for _, tt := range []struct {
		name string
		by   introspecting
		want int
	}{
		{"post", byPost, 200},
		{"a wrong secret by post", introspecting{params: byPost.params.with(params{"client_secret": "x"})}, 401},
		{"basic", introspecting{user: "demo-client", secret: "demo-secret"}, 200},
		{"a wrong secret by basic", introspecting{user: "demo-client", secret: "x"}, 401},
		{"an assertion", introspecting{params: used}, 200},
		{"an assertion twice", introspecting{params: used}, 401},
		{"an assertion for the endpoint", introspecting{params: assertion(map[string]any{"aud": endpoint})}, 200},
		{"an assertion for another issuer", introspecting{params: assertion(map[string]any{"aud": "https://other.example/"})}, 401},
		{"an assertion among audiences", introspecting{params: assertion(map[string]any{"aud": []string{"x", tenant}})}, 200},
		{"an assertion that has ended", introspecting{params: assertion(map[string]any{"exp": iss.Now()})}, 401},
		{"an assertion for a year", introspecting{params: assertion(map[string]any{"exp": iss.Now().Add(365 * 24 * time.Hour)})}, 401},
		{"an assertion without a jti", introspecting{params: assertion(map[string]any{"jti": nil})}, 401},
		{"an assertion of another client", introspecting{params: assertion(map[string]any{"iss": "demo-client"})}, 401},
		{"an assertion with another key", introspecting{params: used.with(params{"client_assertion": stranger})}, 401},
		{"an assertion and basic", introspecting{user: "demo-client", secret: "demo-secret", params: assertion(nil)}, 401},
		{"an assertion of another type", introspecting{params: assertion(nil).with(params{"client_assertion_type": "x"})}, 401},
		{"a client with a key and no assertion", introspecting{params: params{"client_id": "by-key"}}, 401},
		{"a certificate", introspecting{client: withCertificate, params: params{"client_id": "by-certificate"}}, 200},
		{"no certificate", introspecting{params: params{"client_id": "by-certificate"}}, 401},
		{"another client's certificate", introspecting{client: withCertificate, params: params{"client_id": "by-key"}}, 401},
		{"a public client", introspecting{params: params{"client_id": "demo-app"}}, 401},
	} {
		res, body := tt.by.ask(t, iss, token)
		if res.StatusCode != tt.want || strings.Contains(body, `"active":true`) != (tt.want == 200) {
			t.Errorf("introspection by %s = %d %s, want %d", tt.name, res.StatusCode, body, tt.want)
		}
	}
}

func TestOpaque(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	now := iss.Now()
	for _, tt := range []struct {
		name   string
		claims map[string]any
		after  time.Duration
		want   string
	}{
		{"no claims", nil, 0, `"active":true,`},
		{"its defaults", nil, 0, `"aud":"https://api.example.com"`},
		{"before its end", nil, 59 * time.Minute, `"active":true,`},
		{"its end", nil, time.Hour + time.Second, `{"active":false}`},
		{"nbf in the future", map[string]any{"nbf": now.Add(time.Minute)}, 0, `{"active":false}`},
		{"no exp", map[string]any{"exp": nil}, 100 * time.Hour, `"active":true,`},
		{"a DPoP key", map[string]any{"cnf": map[string]any{"jkt": "x"}}, 0, `"token_type":"DPoP"`},
		{"a certificate", map[string]any{"cnf": map[string]any{"x5t#S256": "x"}}, 0, `"token_type":"Bearer"`},
		{"active as written", map[string]any{"active": "true"}, 2 * time.Hour, `"active":"true"`},
		{"active is null", map[string]any{"active": json.RawMessage("null")}, 0, `"active":null`},
		{"an azp", map[string]any{"azp": "demo-app"}, 0, `"client_id":"demo-app"`},
	} {
		iss := open(t, mockissuer.Demo())
		token := opaqueOf(t, iss, tt.claims)
		iss.Advance(tt.after)
		if _, body := byPost.ask(t, iss, token); !strings.Contains(body, tt.want) {
			t.Errorf("introspection of an opaque token with %s = %s, want %s in it", tt.name, body, tt.want)
		}
	}

	for _, left := range []string{"active", "token_type", "iss", "aud", "exp"} {
		_, body := byPost.ask(t, iss, opaqueOf(t, iss, map[string]any{left: nil}))
		if strings.Contains(body, `"`+left+`"`) || !strings.Contains(body, `"sub"`) {
			t.Errorf("introspection without %s = %s, want the other members", left, body)
		}
	}
	if got, want := iss.Introspections(), 5; got != want {
		t.Errorf("Introspections() = %d, want %d", got, want)
	}
	if _, err := iss.Opaque(mockissuer.Token{Claims: map[string]any{"x": func() {}}}); err == nil {
		t.Error("Opaque(a func) error = nil, want one")
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	signed, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"azp": "demo-client"}})
	if err != nil {
		t.Fatal(err)
	}
	_, answer := askToken(t, iss, exchange(codeFor(t, iss, visit().with(params{"audience": ""}))))
	user, _ := answer["access_token"].(string)

	active := func(token string) bool {
		_, body := byPost.ask(t, iss, token)
		return strings.Contains(body, `"active":true`)
	}
	for name, token := range map[string]string{
		"JWT": signed, "opaque token": opaqueOf(t, iss, nil), "opaque token of a user": user,
		"opaque token whose answer is as written": opaqueOf(t, iss, map[string]any{"active": true}),
	} {
		other := opaqueOf(t, iss, nil)
		before := active(token)
		iss.Revoke(token)
		if !before || active(token) || !active(other) {
			t.Errorf("Revoke(%s): active before %v, after %v, another token %v, want true, false, true", name, before, active(token), active(other))
		}
	}
	if status, _ := userInfo(t, iss, user); status != http.StatusUnauthorized {
		t.Errorf("/userinfo with a revoked token = %d, want 401", status)
	}

	for _, tt := range []struct {
		name, client string
		status       int
		active       bool
	}{
		{"another client's token", "demo-app", 400, true},
		{"its own token", "demo-client", 200, false},
	} {
		token := opaqueOf(t, iss, map[string]any{"client_id": tt.client})
		token2 := byPost.params.with(params{"token": token})
		res, _ := post(t, iss, tenant+"oauth/revoke", formType, token2.form())
		if res.StatusCode != tt.status || active(token) != tt.active {
			t.Errorf("revocation of %s = %d, active %v, want %d, %v", tt.name, res.StatusCode, active(token), tt.status, tt.active)
		}
	}
}

func TestIntrospectionFaults(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	token := opaqueOf(t, iss, nil)
	for kind, want := range map[mockissuer.FaultKind]string{
		mockissuer.FaultActiveString:    `{"active":"true",`,
		mockissuer.FaultDuplicateMember: `{"active":false,"active":true,`,
		mockissuer.FaultOtherToken:      `auth0|somebody-else`,
		mockissuer.FaultWrongIssuer:     `"iss":"https://somebody-else.example.com/"`,
	} {
		iss.Fail(mockissuer.Fault{Kind: kind, Endpoint: mockissuer.EndpointIntrospection, Times: 1})
		_, body := byPost.ask(t, iss, token)
		_, after := byPost.ask(t, iss, token)
		if !strings.Contains(body, want) || strings.Contains(after, want) {
			t.Errorf("introspection with the fault %q = %s, then %s, want %s in the first", kind, body, after, want)
		}
	}
}

func TestSignedIntrospection(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Demo())
	const mediaType = "application/token-introspection+jwt"
	caller := byPost
	caller.accept = mediaType
	res, signed := caller.ask(t, iss, opaqueOf(t, iss, map[string]any{"scope": "orders:read"}))
	if got := res.Header.Get("Content-Type"); got != mediaType {
		t.Fatalf("signed introspection Content-Type = %q, want %q", got, mediaType)
	}
	var header struct{ Typ, Alg string }
	var claims struct {
		Iss, Aud, Sub string
		Iat, Exp      int64
		Answer        struct {
			Active bool
			Scope  string
		} `json:"token_introspection"`
	}
	parts := strings.Split(signed, ".")
	for n, v := range []any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, v); err != nil {
			t.Fatal(err)
		}
	}
	if header.Typ != "token-introspection+jwt" || claims.Iss != tenant || claims.Aud != "demo-client" || claims.Iat == 0 ||
		claims.Sub != "" || claims.Exp != 0 || !claims.Answer.Active || claims.Answer.Scope != "orders:read" {
		t.Errorf("signed introspection = %+v %+v, want an active token, for demo-client", header, claims)
	}
	if _, body := byPost.ask(t, iss, signed); strings.Contains(body, `"active":true`) {
		t.Errorf("introspection of a signed introspection = %s, want not active", body)
	}
}
