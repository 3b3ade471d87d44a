package clientauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// Every way to authenticate, with a form and as JSON, with and without DPoP and
// its nonces, by discovery and by the URL, gets a token that the API accepts.
func TestSource(t *testing.T) {
	t.Parallel()
	signer, certificate := newKeyAndCertificate(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, nonces := range []bool{false, true} {
		iss := newIssuer(t, func(cfg *mockissuer.Config) {
			cfg.DPoPNonces = nonces
			demo := cfg.Clients[0]
			byKey, byCertificate, odd := demo, demo, demo
			byKey.ID, byKey.Secret, byKey.PublicKey = "key", "", signer.Public()
			byCertificate.ID, byCertificate.Secret, byCertificate.Certificate = "certificate", "", thumbprint(certificate)
			odd.ID, odd.Secret = "odd:client &", "p%:+ ü"
			cfg.Clients = append(cfg.Clients, byKey, byCertificate, odd)
		})
		v := newValidator(t, iss, nil)
		for _, tt := range []struct {
			name, id string
			auth     clientauth.Authentication
			wrong    bool
		}{
			{"post", "demo-client", clientauth.ClientSecretPost(secret), false},
			{"basic", "demo-client", clientauth.ClientSecretBasic(secret), false},
			{"basic, encoded", "odd:client &", clientauth.ClientSecretBasic("p%:+ ü"), false},
			{"post, encoded", "odd:client &", clientauth.ClientSecretPost("p%:+ ü"), false},
			{"private_key_jwt", "key", clientauth.PrivateKeyJWT(signer, "k"), false},
			{"certificate", "certificate", clientauth.ClientCertificate(), false},
			{"a wrong secret", "demo-client", clientauth.ClientSecretPost("x"), true},
			{"another key", "key", clientauth.PrivateKeyJWT(edKey, "k"), true},
		} {
			for _, json := range []bool{false, true} {
				for _, dpop := range []crypto.Signer{nil, edKey, signer} {
					cfg := config(iss)
					cfg.ClientID, cfg.Auth, cfg.JSON, cfg.Validator = tt.id, tt.auth, json, v
					if tt.name == "certificate" {
						cfg.Client = iss.ClientWithCertificate(certificate)
						cfg.Certificate = &tls.Certificate{Certificate: [][]byte{certificate.Raw}}
					}
					want := "Bearer"
					if dpop != nil {
						want, cfg.Key = "DPoP", newKey(t, dpop)
					}
					s := newSource(t, cfg, clientauth.Request{Audience: audience, Organization: "demo", Scopes: []string{"orders:read"}})
					token, err := s.TokenContext(t.Context())
					what := fmt.Sprintf("%s, JSON %t, DPoP %T, nonces %t", tt.name, json, dpop, nonces)
					if tt.wrong {
						var refusal *oauth2.RetrieveError
						if codeOf(t, err) != clientauth.CodeRejected || !errors.As(err, &refusal) || refusal.ErrorCode != "access_denied" {
							t.Errorf("%s: TokenContext() error = %v, want a rejection", what, err)
						}
						continue
					}
					if err != nil || token.TokenType != want || token.Extra("scope") != "orders:read" {
						t.Errorf("%s: TokenContext() = %v, want a token of the type %s", what, err, want)
					}
				}
			}
		}
	}
}

// A token that the API would reject is not handed out, and the error says why.
func TestSource_validates(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	for _, tt := range []struct {
		name    string
		change  func(*validator.Config)
		request clientauth.Request
		want    validator.Code
	}{
		{"good", nil, clientauth.Request{Audience: audience}, ""},
		{"of the organization", nil, clientauth.Request{Audience: audience, Organization: "org_demo"}, ""},
		{"another audience", func(c *validator.Config) { c.Audiences = []string{"https://other.example.com"} }, clientauth.Request{Audience: audience}, validator.CodeAudience},
		{"another issuer", func(c *validator.Config) { c.Issuers = []string{"https://other.example.com/"} }, clientauth.Request{Audience: audience}, validator.CodeIssuer},
		{"too few scopes", func(c *validator.Config) { c.Checks = []validator.Check{validator.Scopes("orders:write")} },
			clientauth.Request{Audience: audience, Scopes: []string{"orders:read"}}, validator.CodeScope},
		{"by resource", nil, clientauth.Request{Resource: audience}, ""},
	} {
		cfg := config(iss)
		cfg.Validator = newValidator(t, iss, tt.change)
		s := newSource(t, cfg, tt.request)
		for range 2 { // a token that failed was not kept
			token, err := s.TokenContext(t.Context())
			var e *clientauth.Error
			if errors.As(err, &e) && validator.CodeOf(e.Err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("%s: TokenContext() = %v, want code %q", tt.name, err, tt.want)
			}
			if err != nil && (token != nil || e.Code != clientauth.CodeToken || validator.CodeOf(err) != validator.CodeInternal) {
				t.Errorf("%s: TokenContext() error = %v of the code %q, want %q and no token", tt.name, err, codeOf(t, err), clientauth.CodeToken)
			}
		}
	}

	// A token of another organization than was asked for.
	cfg := config(iss)
	cfg.Validator = newValidator(t, iss, nil)
	next := cfg.Client.Transport
	cfg.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			r.Form.Del("organization")
			body := strings.NewReader(r.Form.Encode())
			r2, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), body)
			if err != nil {
				return nil, err
			}
			r2.Header = r.Header
			r = r2
		}
		return next.RoundTrip(r)
	})}
	s := newSource(t, cfg, clientauth.Request{Audience: audience, Organization: "org_demo"})
	_, err := s.TokenContext(t.Context())
	var e *clientauth.Error
	if !errors.As(err, &e) || validator.CodeOf(e.Err) != validator.CodeOrganization {
		t.Errorf("TokenContext() without the organization = %v, want code %q", err, validator.CodeOrganization)
	}

	// A bound token, which is bound to nothing in truth.
	cfg = config(iss)
	cfg.Key, cfg.Validator = newKey(t, nil), newValidator(t, iss, nil)
	plain := mustToken(t, newSource(t, config(iss), clientauth.Request{Audience: audience})).AccessToken
	l := &liar{answer: func(int, *http.Request) (int, string, string) {
		return 200, "application/json", `{"access_token":"` + plain + `","token_type":"DPoP","expires_in":60}`
	}}
	cfg.TokenURL, cfg.Client = issuerURL+"oauth/token", &http.Client{Transport: l}
	_, err = newSource(t, cfg, clientauth.Request{Audience: audience}).TokenContext(t.Context())
	if !errors.As(err, &e) || validator.CodeOf(e.Err) != validator.CodeBinding {
		t.Errorf("TokenContext() with a token that is not bound = %v, want code %q", err, validator.CodeBinding)
	}
}

// 1,000 goroutines at a start make one token request, and one of the metadata.
func TestSource_start(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Endpoint: mockissuer.EndpointToken, Delay: time.Second})
		s := newSource(t, config(iss), clientauth.Request{Audience: audience})
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				if token, err := s.Token(); err != nil || !token.Valid() {
					t.Errorf("Token() = %v, want a token", err)
				}
			})
		}
		group.Wait()
		if got, meta := iss.Count(mockissuer.EndpointToken), iss.Count(mockissuer.EndpointDiscovery); got != 1 || meta != 1 {
			t.Errorf("the issuer got %d token requests and %d for metadata, want 1 and 1", got, meta)
		}
	})
}

// Callers with other wishes get tokens of their own, and those with the same
// wishes share one.
func TestSource_shares(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	client, err := clientauth.New(config(iss))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, r := range []clientauth.Request{
		{Audience: audience},
		{Audience: audience, Organization: "demo"},
		{Audience: audience, Scopes: []string{"orders:read", "orders:write"}},
		{Audience: audience, Scopes: []string{"orders:write", "orders:read", "orders:read"}},
		{Audience: audience, Scopes: []string{"orders:read"}},
		{Resource: audience},
	} {
		s, err := client.Source(r)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			seen[mustToken(t, s).AccessToken] = fmt.Sprint(r)
		}
	}
	if got := iss.Count(mockissuer.EndpointToken); got != 5 || len(seen) != 5 {
		t.Errorf("the issuer got %d requests for %d tokens, want 5 for 5", got, len(seen))
	}
}

// The cache has a limit, whatever organizations are asked for.
func TestSource_cacheSize(t *testing.T) {
	t.Parallel()
	l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(3600) }}
	cfg := l.config()
	cfg.CacheSize = 3
	client, err := clientauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(n int) {
		s, err := client.Source(clientauth.Request{Organization: fmt.Sprint("org_", n)})
		if err != nil {
			t.Fatal(err)
		}
		mustToken(t, s)
	}
	for n := range 4 { // 0 makes room
		ask(n)
	}
	for _, n := range []int{1, 2, 3} {
		ask(n)
	}
	if got := l.count(); got != 4 {
		t.Errorf("after 4 organizations there were %d requests, want 4", got)
	}
	if ask(0); l.count() != 5 {
		t.Errorf("the token used least recently was still kept: %d requests, want 5", l.count())
	}
}

// A caller that gives up doesn't end the request of the others.
func TestSource_cancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Endpoint: mockissuer.EndpointToken, Delay: 5 * time.Second})
		s := newSource(t, config(iss), clientauth.Request{Audience: audience})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := s.TokenContext(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("TokenContext() after %v = %v, want %v after 1s", time.Since(start), err, context.DeadlineExceeded)
		}
		mustToken(t, s)
		if got := iss.Count(mockissuer.EndpointToken); got != 1 || time.Since(start) != 5*time.Second {
			t.Errorf("%d requests in %v, want 1 in 5s", got, time.Since(start))
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := s.TokenContext(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("TokenContext() with a context that has ended = %v, want %v", err, context.Canceled)
		}
	})
}

// A client that doesn't heed its context keeps no caller longer than Timeout,
// and no more requests than there are slots.
func TestSource_hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var mu sync.Mutex
		hanging := 0
		cfg := (&liar{}).config()
		cfg.Timeout = time.Second
		cfg.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			hanging++
			mu.Unlock()
			<-free
			return nil, errors.New("at last")
		})}
		client, err := clientauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		start := time.Now()
		for n := range 500 {
			s, err := client.Source(clientauth.Request{Organization: fmt.Sprint(n)})
			if err != nil {
				t.Fatal(err)
			}
			group.Go(func() {
				if _, err := s.Token(); codeOf(t, err) != clientauth.CodeUnavailable {
					t.Errorf("Token() = %v, want code %q", err, clientauth.CodeUnavailable)
				}
			})
		}
		group.Wait()
		mu.Lock()
		got := hanging
		mu.Unlock()
		if got != 32 || time.Since(start) != time.Second {
			t.Errorf("%d requests hang and callers waited for %v, want 32 and 1s", got, time.Since(start))
		}
		close(free)
		synctest.Wait() // and all goroutines end, or the bubble fails
	})
}

// A panic of the HTTP client, of the Authentication or of the Validator is an
// error, and not the end of the program.
func TestSource_panics(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*clientauth.Config){
		"a client": func(c *clientauth.Config) {
			c.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic(secret) })}
		},
		"an Authentication": func(c *clientauth.Config) {
			c.Auth = func(context.Context, *clientauth.AuthRequest) error { panic(secret) }
		},
		"a Validator": func(c *clientauth.Config) { c.Validator = panicking{} },
	} {
		cfg := (&liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(60) }}).config()
		change(&cfg)
		s := newSource(t, cfg, clientauth.Request{})
		for range 2 { // the first call leaves nothing locked
			_, err := s.Token()
			if codeOf(t, err) != clientauth.CodeConfig || strings.Contains(err.Error(), secret) {
				t.Errorf("Token() with %s that panics = %v, want code %q without what it says", name, err, clientauth.CodeConfig)
			}
		}
	}
}

type panicking struct{}

func (panicking) Validate(context.Context, string) (*validator.Claims, error) { panic(secret) }

func TestSource_Run(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: time.Hour}))
		s := newSource(t, config(iss), clientauth.Request{Audience: audience})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(24 * time.Hour)
		got := iss.Count(mockissuer.EndpointToken)
		if got < 24 || got > 36 { // a token is renewed after 42 to 48 minutes
			t.Errorf("a day of Run made %d requests, want 30 to 35", got)
		}
		mustToken(t, s)
		if again := iss.Count(mockissuer.EndpointToken); again > got+1 {
			t.Errorf("a call after a day waited for a request")
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want %v", err, context.Canceled)
		}
	})
}

func newKey(tb testing.TB, private crypto.Signer) *clientauth.Key {
	tb.Helper()
	k, err := clientauth.NewKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestNewKey(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []crypto.Signer{small, wide} {
		if _, err := clientauth.NewKey(private); err == nil {
			t.Errorf("NewKey(%T) error = nil, want one", private)
		}
	}
	// A key that was kept is the same key.
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	again, err := x509.ParsePKCS8PrivateKey(kept)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := newKey(t, private).Thumbprint(), newKey(t, again.(crypto.Signer)).Thumbprint(); a != b || a == newKey(t, nil).Thumbprint() {
		t.Errorf("Thumbprint() = %q, and %q when the key was kept", a, b)
	}
}

func newKeyAndCertificate(tb testing.TB) (crypto.Signer, *x509.Certificate) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return key, certificate
}

func thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
