package clientauth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An api is a server behind rsguard.
type api struct {
	*httptest.Server
	host     string
	requests atomic.Int64 // all
	accepted atomic.Int64
	body     atomic.Value
}

func newAPI(tb testing.TB, iss *mockissuer.Issuer, nonces bool, check validator.Check) *api {
	tb.Helper()
	proofs := dpop.Config{Now: iss.Now}
	if nonces {
		var err error
		if proofs.Nonces, err = dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{bytes.Repeat([]byte("k"), 32)}, Now: iss.Now}); err != nil {
			tb.Fatal(err)
		}
	}
	verifier, err := dpop.New(proofs)
	if err != nil {
		tb.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{
		Validator: newValidator(tb, iss, nil), DPoP: verifier, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	a := new(api)
	guarded := auth.Require(check)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.accepted.Add(1)
		body, _ := io.ReadAll(r.Body)
		a.body.Store(string(body))
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	}))
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.requests.Add(1)
		guarded.ServeHTTP(w, r)
	}))
	tb.Cleanup(a.Close)
	a.host = strings.TrimPrefix(a.URL, "http://")
	return a
}

func any1(context.Context, *validator.Claims) error { return nil }

func newTransport(tb testing.TB, s *clientauth.Source, hosts ...string) *clientauth.Transport {
	tb.Helper()
	t, err := clientauth.NewTransport(s, clientauth.TransportConfig{Hosts: hosts})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// Requests pass an API of rsguard, with and without proofs and nonces, and a
// request that is repeated has its body.
func TestTransport(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		dpop, nonces bool
		requests     int64 // that the API got for three of ours
	}{
		{"Bearer", false, false, 3},
		{"DPoP", true, false, 3},
		{"DPoP with nonces", true, true, 4},
	} {
		iss := newIssuer(t, func(c *mockissuer.Config) { c.DPoPNonces = tt.nonces })
		a := newAPI(t, iss, tt.nonces, any1)
		cfg := config(iss)
		if tt.dpop {
			cfg.Key = newKey(t, nil)
		}
		client := &http.Client{Transport: newTransport(t, newSource(t, cfg, clientauth.Request{Audience: audience}), a.host)}
		for range 3 {
			res, err := client.Post(a.URL+"/orders/a%2Fb?x=y", "text/plain", strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK || a.body.Load() != "hello" {
				t.Errorf("%s: status = %d (%v), body %q, want 200 and the body", tt.name, res.StatusCode, res.Header, a.body.Load())
			}
		}
		if got := a.requests.Load(); got != tt.requests || iss.Count(mockissuer.EndpointToken) > 2 {
			t.Errorf("%s: the API got %d requests and the issuer %d, want %d and one, or two for a nonce", tt.name, got, iss.Count(mockissuer.EndpointToken), tt.requests)
		}
	}
}

// A token that the API rejects is renewed once, and not for each request that
// it rejects.
func TestTransport_renews(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	var revoked atomic.Value
	revoked.Store("")
	always := false
	a := newAPI(t, iss, false, func(_ context.Context, c *validator.Claims) error {
		if always || c.ExpiresAt.String()+c.ID == revoked.Load() {
			return &validator.Error{Code: validator.CodeRevoked}
		}
		revoked.CompareAndSwap("", c.ExpiresAt.String()+c.ID)
		return nil
	})
	s := newSource(t, config(iss), clientauth.Request{Audience: audience})
	client := &http.Client{Transport: newTransport(t, s, a.host)}
	post := func(body io.Reader) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := post(strings.NewReader("a")); got != 200 {
		t.Fatalf("the first request: status = %d, want 200", got)
	}
	iss.Advance(2e9) // so that the next token differs
	if got := post(io.MultiReader(strings.NewReader("once"))); got != 401 {
		t.Errorf("a body that can't be repeated: status = %d, want 401", got)
	}
	// It has begun the renewal all the same, and the next request profits.
	if got := post(strings.NewReader("b")); got != 200 || a.body.Load() != "b" {
		t.Errorf("after the renewal: status = %d, body %q, want 200 and the body", got, a.body.Load())
	}
	always = true
	before, asked := a.requests.Load(), iss.Count(mockissuer.EndpointToken)
	for range 50 {
		if got := post(strings.NewReader("c")); got != 401 {
			t.Errorf("an API that rejects everything: status = %d, want 401", got)
		}
	}
	if got, tokens := a.requests.Load()-before, iss.Count(mockissuer.EndpointToken)-asked; got > 51 || tokens > 1 {
		t.Errorf("50 requests made %d of the API and %d of the issuer, want at most 51 and 1", got, tokens)
	}
}

// The token goes to no other place than those listed.
func TestTransport_destinations(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	s := newSource(t, config(iss), clientauth.Request{Audience: audience})
	for _, tt := range []struct {
		name, url, host string
		redirected      bool
		sent, token     bool
	}{
		{"listed", "https://api.example.com/x", "", false, true, true},
		{"with the port", "https://api.example.com:443/x", "", false, true, true},
		{"in capitals", "https://API.example.com/x", "", false, true, true},
		{"listed with a port", "https://other.example.com:8443/x", "", false, true, true},
		{"without that port", "https://other.example.com/x", "", false, false, false},
		{"another port", "https://api.example.com:8443/x", "", false, false, false},
		{"http's port by https", "https://api.example.com:80/x", "", false, false, false},
		{"in clear text", "http://api.example.com/x", "", false, false, false},
		{"loopback in clear text", "http://127.0.0.1:8080/x", "", false, true, true},
		{"a subdomain", "https://a.api.example.com/x", "", false, false, false},
		{"a longer name", "https://api.example.com.evil.example/x", "", false, false, false},
		{"as the user", "https://api.example.com@evil.example/x", "", false, false, false},
		{"another scheme", "ftp://api.example.com/x", "", false, false, false},
		{"another Host field", "https://api.example.com/x", "evil.example", false, false, false},
		{"a listed Host field", "https://api.example.com/x", "other.example.com:8443", false, true, true},
		{"a redirect elsewhere", "https://evil.example/x", "", true, true, false},
		{"a redirect to clear text", "http://api.example.com/x", "", true, true, false},
		{"a redirect to the same host", "https://api.example.com/y", "", true, true, true},
	} {
		sent, token := false, false
		transport, err := clientauth.NewTransport(s, clientauth.TransportConfig{
			Hosts: []string{"api.example.com", "other.example.com:8443", "127.0.0.1:8080"},
			Base: roundTripper(func(r *http.Request) (*http.Response, error) {
				sent, token = true, r.Header.Get("Authorization") != ""
				return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		body := &closed{}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.url, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tt.host
		if tt.redirected {
			req.Response = &http.Response{StatusCode: 307}
		}
		res, err := transport.RoundTrip(req)
		if err == nil {
			_ = res.Body.Close()
		} else if codeOf(t, err) != clientauth.CodeConfig || !body.closed {
			t.Errorf("%s: RoundTrip() = %v, want code %q and the body closed", tt.name, err, clientauth.CodeConfig)
		}
		if sent != tt.sent || token != tt.token || (err == nil) != tt.sent {
			t.Errorf("%s: sent %t with a token %t, %v, want %t, %t", tt.name, sent, token, err, tt.sent, tt.token)
		}
		if req.Header.Get("Authorization") != "" {
			t.Errorf("%s: the request was changed", tt.name)
		}
	}
	for _, hosts := range [][]string{nil, {""}, {"*.example.com"}, {"https://api.example.com"}, {"api.example.com/x"}, {"a@b"}} {
		if tr, err := clientauth.NewTransport(s, clientauth.TransportConfig{Hosts: hosts}); err == nil || tr != nil {
			t.Errorf("NewTransport(Hosts: %q) error = nil, want one", hosts)
		}
	}
}

type closed struct{ closed bool }

func (c *closed) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closed) Close() error             { c.closed = true; return nil }

// A redirect by net/http's client from the API to another host goes there
// without the token and without the proof.
func TestTransport_redirects(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	a := newAPI(t, iss, false, any1)
	var got http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(elsewhere.Close)
	cfg := config(iss)
	cfg.Key = newKey(t, nil)
	client := &http.Client{Transport: newTransport(t, newSource(t, cfg, clientauth.Request{Audience: audience}), a.host)}
	res, err := client.Get(a.URL + "/?to=" + url.QueryEscape(elsewhere.URL))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got == nil || got.Get("Authorization") != "" || got.Get("DPoP") != "" {
		t.Errorf("the other host got %v, want a request without a token", got)
	}
}

// Challenges are read by their grammar, so that an "error" elsewhere, or of
// another scheme, renews nothing.
func TestTransport_challenges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		challenge []string
		want      bool
	}{
		{[]string{`Bearer error="invalid_token"`}, true},
		{[]string{`Bearer realm="a, b", error="invalid_token"`}, true},
		{[]string{`bearer error=invalid_token`}, true},
		{[]string{`DPoP algs="ES256", error="invalid_token"`}, true},
		{[]string{`Basic realm="x", Bearer scope="a", error="invalid_token"`}, true},
		{[]string{`Basic realm="x"`, `Bearer error="invalid_token"`}, true},
		{[]string{`Negotiate abc==, Bearer error="invalid_token"`}, true},
		{[]string{`Bearer error = "invalid_token"`}, true},
		{[]string{`Bearer error="insufficient_scope"`}, false},
		{[]string{`Bearer`}, false},
		{[]string{``}, false},
		{nil, false},
		{[]string{`Basic error="invalid_token"`}, false},
		{[]string{`Bearer realm="error=\"invalid_token\""`}, false},
		{[]string{`Bearer error_description="invalid_token"`}, false},
		{[]string{`Bearer error="invalid_token`}, false},
		{[]string{`Bearer realm="` + strings.Repeat("x", 10<<10) + `", error="invalid_token"`}, false},
	} {
		iss := newIssuer(t, nil)
		s := newSource(t, config(iss), clientauth.Request{Audience: audience})
		requests := 0
		transport, err := clientauth.NewTransport(s, clientauth.TransportConfig{
			Hosts: []string{"api.example.com"},
			Base: roundTripper(func(r *http.Request) (*http.Response, error) {
				requests++
				return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": tt.challenge}, Body: http.NoBody, Request: r}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if (requests == 2) != tt.want || requests > 2 || res.StatusCode != 401 {
			t.Errorf("%.80q: %d requests, want another one: %t", tt.challenge, requests, tt.want)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer error="invalid_token"`)
	f.Add(`Basic a==, DPoP x=y, error=use_dpop_nonce`)
	iss := newIssuer(f, nil)
	s := newSource(f, config(iss), clientauth.Request{Audience: audience})
	f.Fuzz(func(t *testing.T, challenge string) {
		requests := 0
		transport, err := clientauth.NewTransport(s, clientauth.TransportConfig{
			Hosts: []string{"api.example.com"},
			Base: roundTripper(func(r *http.Request) (*http.Response, error) {
				requests++
				return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {challenge}}, Body: http.NoBody, Request: r}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if requests > 1 && !strings.Contains(strings.ReplaceAll(challenge, `\`, ""), "invalid_token") || requests > 2 {
			t.Errorf("%q: %d requests", challenge, requests)
		}
	})
}

func TestPerRPC(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	plain := newSource(t, config(iss), clientauth.Request{Audience: audience})
	cfg := config(iss)
	cfg.Key = newKey(t, nil)
	bound := newSource(t, cfg, clientauth.Request{Audience: audience})
	const uri = "https://stock.example.com/shop.Orders"
	method := func(context.Context) string { return "/shop.Orders/List" }
	for _, tt := range []struct {
		name, uri string
		rpc       clientauth.PerRPC
		want      string // the scheme, or "" for an error
	}{
		{"Bearer", uri, clientauth.PerRPC{Source: plain, Hosts: []string{"stock.example.com"}}, "Bearer"},
		{"DPoP", uri, clientauth.PerRPC{Source: bound, Hosts: []string{"stock.example.com"}, Method: method}, "DPoP"},
		{"DPoP without the method", uri, clientauth.PerRPC{Source: bound, Hosts: []string{"stock.example.com"}}, ""},
		{"another host", "https://evil.example/shop.Orders", clientauth.PerRPC{Source: plain, Hosts: []string{"stock.example.com"}}, ""},
		{"no hosts", uri, clientauth.PerRPC{Source: plain}, ""},
		{"no source", uri, clientauth.PerRPC{Hosts: []string{"stock.example.com"}}, ""},
	} {
		md, err := tt.rpc.GetRequestMetadata(t.Context(), tt.uri)
		if (err == nil) != (tt.want != "") || err == nil && !strings.HasPrefix(md["authorization"], tt.want+" ") || (md["dpop"] != "") != (tt.want == "DPoP") {
			t.Errorf("%s: GetRequestMetadata() = %d entries, %v, want a token of the scheme %q", tt.name, len(md), err, tt.want)
		}
		if tt.want == "DPoP" {
			verifier, err := dpop.New(dpop.Config{Now: iss.Now})
			if err != nil {
				t.Fatal(err)
			}
			auth, err := middleware.New(middleware.Config{Validator: newValidator(t, iss, nil), DPoP: verifier, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "https://stock.example.com/shop.Orders/List", nil)
			r.Header.Set("Authorization", md["authorization"])
			r.Header.Set("DPoP", md["dpop"])
			if _, refusal := auth.Guard().Do(http.Header{}, r); refusal != nil {
				t.Errorf("%s: the server rejects the call: %v", tt.name, refusal)
			}
		}
		if tt.rpc.RequireTransportSecurity() != true {
			t.Errorf("%s: RequireTransportSecurity() = false, want true", tt.name)
		}
	}
	loose := clientauth.PerRPC{InsecureNoTLS: true}
	if loose.RequireTransportSecurity() {
		t.Error("RequireTransportSecurity() with InsecureNoTLS = true, want false")
	}
	zero := new(clientauth.Transport)
	if _, err := zero.RoundTrip(httptest.NewRequest(http.MethodGet, "/", nil)); err == nil {
		t.Error("RoundTrip() of the zero Transport error = nil, want one")
	}
	if _, err := plain.TokenContext(t.Context()); errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
