package clientauth_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/contrib/clientauth"
)

// A client with a certificate uses the token endpoint that the metadata has for
// those (RFC 8705, Section 5), whatever says that it has one.
func TestSource_alias(t *testing.T) {
	t.Parallel()
	_, certificate := newKeyAndCertificate(t)
	const (
		plain = `"token_endpoint":"https://tenant.example.com/token"`
		alias = `,"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.tenant.example.com/token"}`
	)
	config := func(*clientauth.Config) {}
	byAuth := func(c *clientauth.Config) { c.Auth = clientauth.ClientCertificate() }
	bound := func(c *clientauth.Config) {
		c.Certificate = &tls.Certificate{Certificate: [][]byte{certificate.Raw}}
	}
	for _, tt := range []struct {
		name, members string
		change        func(*clientauth.Config)
		want          string // the URL, or a part of the error
	}{
		{"a secret", plain + alias, config, "https://tenant.example.com/token"},
		{"by a certificate", plain + alias, byAuth, "https://mtls.tenant.example.com/token"},
		{"by a secret, bound to a certificate", plain + alias, bound, "https://mtls.tenant.example.com/token"},
		{"by a certificate, without an alias", plain, byAuth, "https://tenant.example.com/token"},
		{"by a certificate, with an alias in clear text", plain + strings.Replace(alias, "https:", "http:", 1), byAuth, "mtls_endpoint_aliases.token_endpoint"},
		{"a secret, beside an alias in clear text", plain + strings.Replace(alias, "https:", "http:", 1), config, "https://tenant.example.com/token"},
		{"by a certificate, with an alias that is no string", plain + `,"mtls_endpoint_aliases":{"token_endpoint":[]}`, byAuth, "want a string"},
	} {
		var asked string
		l := &liar{answer: func(_ int, r *http.Request) (int, string, string) {
			if r.Method == http.MethodGet {
				return 200, "application/json", `{"issuer":"https://tenant.example.com/",` + tt.members + `}`
			}
			asked = r.URL.String()
			return 200, "application/json", good(60)
		}}
		cfg := l.config()
		cfg.Issuer, cfg.TokenURL = issuerURL, ""
		tt.change(&cfg)
		_, err := newSource(t, cfg, clientauth.Request{}).Token()
		switch isURL := strings.HasPrefix(tt.want, "https:"); {
		case isURL && (err != nil || asked != tt.want):
			t.Errorf("%s: Token() asked %s, error = %v, want %s", tt.name, asked, err, tt.want)
		case !isURL && (codeOf(t, err) != clientauth.CodeAnswer || asked != "" || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: Token() asked %q, error = %v, want none, and code %q with %q", tt.name, asked, err, clientauth.CodeAnswer, tt.want)
		}
	}
}

// So does one whose transport has a certificate of its own.
func TestSource_aliasByTransport(t *testing.T) {
	t.Parallel()
	var asked string
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + server.URL + `","token_endpoint":"` + server.URL + `/token","mtls_endpoint_aliases":{"token_endpoint":"` +
			server.URL + `/mtls/token"}}`))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(good(60)))
	})
	for want, certificates := range map[string][]tls.Certificate{"/token": nil, "/mtls/token": server.TLS.Certificates} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = certificates
		cfg := (&liar{}).config()
		cfg.Issuer, cfg.TokenURL, cfg.Client = server.URL, "", &http.Client{Transport: transport}
		if _, err := newSource(t, cfg, clientauth.Request{}).Token(); err != nil || asked != want {
			t.Errorf("Token() with %d certificates asked %s, error = %v, want %s", len(certificates), asked, err, want)
		}
		transport.CloseIdleConnections()
	}
}
