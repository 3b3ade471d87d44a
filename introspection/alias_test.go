package introspection_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A client that authenticates by a certificate uses the endpoint that the
// metadata has for those (RFC 8705, Section 5), by the same rules as the other.
func TestIntrospector_alias(t *testing.T) {
	t.Parallel()
	const (
		plain   = `"introspection_endpoint":"https://sso.example.com/i"`
		aliases = `,"mtls_endpoint_aliases":`
		alias   = `{"introspection_endpoint":"https://mtls.sso.example.com/i"}`
	)
	certificate, secret := introspection.ClientCertificate(), introspection.ClientSecretBasic("s3cret")
	for _, tt := range []struct {
		name, members string
		auth          introspection.Authentication
		want          string // the URL, or a part of the error
	}{
		{"an alias", plain + aliases + alias, certificate, "https://mtls.sso.example.com/i"},
		{"an alias alone", `"x":1` + aliases + alias, certificate, "https://mtls.sso.example.com/i"},
		{"no aliases", plain, certificate, "https://sso.example.com/i"},
		{"aliases that are null", plain + aliases + "null", certificate, "https://sso.example.com/i"},
		{"an alias of another endpoint", plain + aliases + `{"token_endpoint":"https://mtls.sso.example.com/t"}`, certificate, "https://sso.example.com/i"},
		{"an alias in clear text", plain + aliases + `{"introspection_endpoint":"http://mtls.sso.example.com/i"}`, certificate, "mtls_endpoint_aliases.introspection_endpoint"},
		{"an alias in clear text, on loopback", plain + aliases + `{"introspection_endpoint":"http://127.0.0.1/i"}`, certificate, "is http"},
		{"an alias that is no URL", plain + aliases + `{"introspection_endpoint":"mtls"}`, certificate, "mtls_endpoint_aliases.introspection_endpoint"},
		{"an alias that is a number", plain + aliases + `{"introspection_endpoint":1}`, certificate, "want a string"},
		{"an alias twice", plain + aliases + `{"introspection_endpoint":"https://a.example.com/","introspection_endpoint":"https://mtls.sso.example.com/i"}`, certificate, "has two members"},
		{"aliases that are an array", plain + aliases + "[]", certificate, "want an object"},
		{"a secret", plain + aliases + alias, secret, "https://sso.example.com/i"},
		{"a secret, and an alias in clear text", plain + aliases + `{"introspection_endpoint":"http://mtls.sso.example.com/i"}`, secret, "https://sso.example.com/i"},
		{"a secret, and an alias alone", `"x":1` + aliases + alias, secret, "names no introspection_endpoint"},
	} {
		s := &server{}
		s.set(func(r *http.Request, _ url.Values) (int, string) {
			if r.Method == http.MethodGet {
				return 200, `{"issuer":"https://sso.example.com",` + tt.members + `}`
			}
			return 200, good
		})
		cfg := config(s)
		cfg.Endpoint, cfg.Auth = "", tt.auth
		_, err := newIntrospector(t, cfg).Validate(t.Context(), "token")
		if strings.HasPrefix(tt.want, "https:") {
			if got := s.paths[len(s.paths)-1]; err != nil || got != "POST "+tt.want {
				t.Errorf("%s: Validate() sent %s, error = %v, want POST %s", tt.name, got, err, tt.want)
			}
			continue
		}
		if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, jwks.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Validate() error = %v, want %q with %q", tt.name, err, validator.CodeUnavailable, tt.want)
		}
	}

	// An endpoint that is configured is used as it is.
	s := &server{answer: says(good)}
	cfg := config(s)
	cfg.Auth = certificate
	if _, err := newIntrospector(t, cfg).Validate(t.Context(), "token"); err != nil || len(s.paths) != 1 || s.paths[0] != "POST "+endpoint {
		t.Errorf("Validate() with Config.Endpoint sent %v, error = %v, want POST %s", s.paths, err, endpoint)
	}
}

// A transport that has a certificate is for mutual TLS, however the client
// authenticates.
func TestIntrospector_aliasByTransport(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked string
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + server.URL + `","introspection_endpoint":"` + server.URL + `/i","userinfo_endpoint":"` + server.URL +
			`/u","mtls_endpoint_aliases":{"introspection_endpoint":"` + server.URL + `/mtls/i","userinfo_endpoint":"` + server.URL + `/mtls/u"}}`))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = r.URL.Path
		mu.Unlock()
		_, _ = w.Write([]byte(map[bool]string{true: `{"sub":"anna"}`, false: good}[strings.HasSuffix(r.URL.Path, "/u")]))
	})
	own := func(context.Context, *introspection.AuthRequest) error { return nil }
	for _, tt := range []struct {
		name     string
		change   func(*tls.Config)
		userInfo bool
		want     string
	}{
		{"none", func(*tls.Config) {}, false, "/i"},
		{"a certificate", func(c *tls.Config) { c.Certificates = server.TLS.Certificates }, false, "/mtls/i"},
		{"a certificate by a function", func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &server.TLS.Certificates[0], nil
			}
		}, false, "/mtls/i"},
		{"none, userinfo", func(*tls.Config) {}, true, "/u"},
		{"a certificate, userinfo", func(c *tls.Config) { c.Certificates = server.TLS.Certificates }, true, "/mtls/u"},
	} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		tt.change(transport.TLSClientConfig)
		cfg := config(nil)
		cfg.Issuer, cfg.Endpoint, cfg.Client, cfg.Auth = server.URL, "", &http.Client{Transport: transport}, own
		cfg.Issuers = []string{issuer}
		if cfg.InsecureUserInfo = tt.userInfo; tt.userInfo {
			cfg.ClientID, cfg.Auth, cfg.Audiences = "", nil, nil
		}
		_, err := newIntrospector(t, cfg).Validate(t.Context(), "token")
		mu.Lock()
		if err != nil || asked != tt.want {
			t.Errorf("%s: Validate() asked %s, error = %v, want %s", tt.name, asked, err, tt.want)
		}
		mu.Unlock()
		transport.CloseIdleConnections()
	}
}
