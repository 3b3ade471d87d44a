package middleware_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// issuers accepts tokens that name an issuer.
func issuers(_ context.Context, token string) (*validator.Claims, error) {
	return &validator.Claims{Issuer: "https://" + token + "/", Subject: token}, nil
}

var byHost = map[string]string{"api.a.example": "https://a/", "api.b.example": "https://b/", "api.k.example": "https://k/", "api_a.example": "https://a/", "::1": "https://a/"}

func TestConfig_IssuerForHost(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{
		Validator:     validateFunc(issuers),
		IssuerForHost: func(host string) string { return byHost[host] },
	})
	for _, tt := range []struct {
		name, host, token string
		header            []string // name, value
		ok                bool
	}{
		{name: "on its host", host: "api.a.example", token: "a", ok: true},
		{name: "on the other's", host: "api.a.example", token: "b"},
		{name: "the other on its", host: "api.b.example", token: "b", ok: true},
		{name: "with a port", host: "api.a.example:8443", token: "a", ok: true},
		{name: "in capitals", host: "API.a.Example", token: "a", ok: true},
		{name: "with a dot", host: "api.a.example.:80", token: "a", ok: true},
		{name: "an address", host: "[::1]:80", token: "a", ok: true},
		{name: "on an unknown host", host: "a.example", token: "a"},
		{name: "on a longer one", host: "api.a.example.evil.example", token: "a"},
		{name: "a name with an underscore", host: "api_a.example", token: "a", ok: true},
		{name: "a header for the host", host: "api.b.example", token: "a", header: []string{"X-Forwarded-Host", "api.a.example"}},
		{name: "a header beside the host", host: "api.a.example", token: "a", header: []string{"X-Forwarded-Host", "api.b.example"}, ok: true},
		{name: "Forwarded", host: "api.b.example", token: "a", header: []string{"Forwarded", "host=api.a.example"}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = tt.host
		r.Header.Set("Authorization", "Bearer "+tt.token)
		if tt.header != nil {
			r.Header.Set(tt.header[0], tt.header[1])
		}
		var s spy
		w := httptest.NewRecorder()
		auth.Handler(auth.Require(pass)(&s)).ServeHTTP(w, r)
		status, challenge, seen := 200, "", []string{tt.token}
		if !tt.ok {
			status, challenge, seen = 401, `Bearer error="invalid_token"`, nil
		}
		if got := w.Header().Get("WWW-Authenticate"); w.Code != status || got != challenge || !slices.Equal(s.seen, seen) {
			t.Errorf("%s: GET = %d, %q, next called for %q, want %d, %q, %q", tt.name, w.Code, got, s.seen, status, challenge, seen)
		}
	}
}

// The claims that were found on one host don't hold on another one, nor for an
// issuer that is unknown.
func TestConfig_IssuerForHost_later(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{
		Validator:     validateFunc(issuers),
		IssuerForHost: func(host string) string { return byHost[host] },
	})
	var s spy
	inner := auth.Require()(&s)
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "api.b.example"
		inner.ServeHTTP(w, r)
	})
	r := httptest.NewRequest(http.MethodGet, "https://api.a.example/", nil)
	r.Header.Set("Authorization", "Bearer a")
	w := httptest.NewRecorder()
	auth.Handler(elsewhere).ServeHTTP(w, r)
	if w.Code != 401 || s.seen != nil {
		t.Errorf("GET on another host inside = %d, next called for %q, want 401", w.Code, s.seen)
	}

	nameless := newAuth(t, middleware.Config{
		Validator:     validateFunc(func(context.Context, string) (*validator.Claims, error) { return &validator.Claims{}, nil }),
		IssuerForHost: func(string) string { return "" },
	})
	_, err := do(nameless, r)
	if got := validator.CodeOf(err); got != validator.CodeIssuer {
		t.Errorf("Do() of claims without an issuer on an unknown host: error %v, want code %q", err, validator.CodeIssuer)
	}
}

// If the host can't be read, the function is not called: one that knows
// "" or the end of a name would answer.
func TestConfig_IssuerForHost_unreadable(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{
		Validator:     validateFunc(issuers),
		IssuerForHost: func(string) string { return "https://a/" },
	})
	for _, tt := range []struct {
		host string
		code validator.Code
	}{
		{"api.a.example", ""},
		{"api.a.example:80", ""},
		{"api.a.example.", ""},
		{"192.0.2.1:80", ""},
		{"[2001:db8::1]:80", ""},
		{"api.a.example:port", validator.CodeIssuer},
		{"api.a.example:80:80", validator.CodeIssuer},
		{"api.a.example..", validator.CodeIssuer},
		{".api.a.example", validator.CodeIssuer},
		{".", validator.CodeIssuer},
		{":80", validator.CodeIssuer},
		{"api.\u0430.example", validator.CodeIssuer},
		{"api.\u212a.example", validator.CodeIssuer},
		{"api%2Ea.example", validator.CodeIssuer},
		{"api%E2%84%AA.example", validator.CodeIssuer},
		{"api.b.example,api.a.example", validator.CodeIssuer},
		{"2001:db8::1", validator.CodeIssuer},
		{"[api.a.example]", validator.CodeIssuer},
		{"[::1%25.api.a.example]", validator.CodeIssuer},
		{"", validator.CodeRequest},
		{"api.a.example/", validator.CodeRequest},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = tt.host
		r.Header.Set("Authorization", "Bearer a")
		if _, err := do(auth, r); validator.CodeOf(err) != tt.code {
			t.Errorf("Do() on the host %q: error %v, want code %q", tt.host, err, tt.code)
		}
	}
}

// A proxy is trusted if the Origin says so, and nothing more is.
func TestConfig_IssuerForHost_origin(t *testing.T) {
	t.Parallel()

	proxies := netip.MustParsePrefix("10.0.0.0/8")
	kelvin := func(*http.Request) (string, error) { return "https://api.\u212a.example", nil }
	for _, tt := range []struct {
		name      string
		origin    func(*http.Request) (string, error)
		sender    string
		host      string
		forwarded string // X-Forwarded-Host
		token     string
		status    int
	}{
		{"a proxy", middleware.XForwardedOrigin(proxies), "10.0.0.1:1", "inside", "api.a.example", "a", 200},
		{"a proxy, the other's token", middleware.XForwardedOrigin(proxies), "10.0.0.1:1", "inside", "api.a.example", "b", 401},
		{"a proxy that passes the host on", middleware.XForwardedOrigin(proxies), "10.0.0.1:1", "api.b.example", "", "b", 200},
		{"a client before the proxy", middleware.XForwardedOrigin(proxies), "10.0.0.1:1", "inside", "api.b.example, api.a.example", "b", 401},
		{"no proxy", middleware.XForwardedOrigin(proxies), "192.0.2.1:1", "api.b.example", "api.a.example", "a", 401},
		{"no proxy, its own host", middleware.XForwardedOrigin(proxies), "192.0.2.1:1", "api.b.example", "api.a.example", "b", 200},
		{"one origin", middleware.FixedOrigin("https://API.a.example:8443/api"), "192.0.2.1:1", "api.b.example", "", "a", 200},
		{"one origin, the other's token", middleware.FixedOrigin("https://api.a.example"), "192.0.2.1:1", "api.b.example", "", "b", 401},
		{"a letter that is no k", kelvin, "192.0.2.1:1", "api.k.example", "", "k", 401},
		{"no host", nil, "192.0.2.1:1", "", "", "a", 400},
		{"an error", func(*http.Request) (string, error) { return "", errors.New("no") }, "192.0.2.1:1", "api.a.example", "", "a", 400},
		{"no origin", func(*http.Request) (string, error) { return "api.a.example", nil }, "192.0.2.1:1", "api.a.example", "", "a", 401},
	} {
		auth := newAuth(t, middleware.Config{
			Validator:     validateFunc(issuers),
			IssuerForHost: func(host string) string { return byHost[host] },
			Origin:        tt.origin,
		})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = tt.host, tt.sender
		r.Header.Set("Authorization", "Bearer "+tt.token)
		r.Header.Set("X-Forwarded-Proto", "https")
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-Host", tt.forwarded)
		}
		w := httptest.NewRecorder()
		auth.Handler(new(spy)).ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: GET = %d, want %d", tt.name, w.Code, tt.status)
		}
	}
}

func TestConfig_IssuerForHost_error(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{
		Validator:     validateFunc(issuers),
		IssuerForHost: func(host string) string { return byHost[host] },
	})
	r := httptest.NewRequest(http.MethodGet, "https://api.b.example/", nil)
	r.Header.Set("Authorization", "Bearer a")
	_, err := do(auth, r)
	for _, want := range []string{"wrong_issuer", "api.b.example", "https://b/"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Do() error = %v, want %s in it", err, want)
		}
	}
}
