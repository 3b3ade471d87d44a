package outbound_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/secureurl"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	const issuer = "https://sso.example.com"
	parse := func(s string) (*url.URL, error) { return secureurl.Parse(s) }
	for _, tt := range []struct {
		name, document      string
		endpoint, alias     string
		read, named, secure bool
	}{
		{"whole", `{"issuer":"https://sso.example.com","token_endpoint":"https://a/t","mtls_endpoint_aliases":{"token_endpoint":"https://b/t"}}`,
			"https://a/t", "https://b/t", true, true, true},
		{"of another issuer", `{"issuer":"https://sso.example.com/","token_endpoint":"https://a/t"}`, "", "", false, false, false},
		{"issuer twice", `{"issuer":"https://sso.example.com","issuer":"https://sso.example.com","token_endpoint":"https://a/t"}`, "", "", false, false, false},
		{"no endpoint", `{"issuer":"https://sso.example.com"}`, "", "", true, false, false},
		{"an endpoint that is a number", `{"issuer":"https://sso.example.com","token_endpoint":1}`, "", "", true, false, false},
		{"an endpoint in clear text", `{"issuer":"https://sso.example.com","token_endpoint":"http://127.0.0.1/t"}`, "", "", true, true, false},
	} {
		m, err := outbound.ReadMetadata(tt.document, issuer, "Config.TokenURL")
		if (err == nil) != tt.read {
			t.Errorf("%s: ReadMetadata() error = %v, want none: %t", tt.name, err, tt.read)
		}
		if err != nil {
			continue
		}
		got, err := m.Endpoint("token_endpoint", parse)
		if got != tt.endpoint || errors.Is(err, outbound.ErrNotNamed) == tt.named || (err == nil) != tt.secure {
			t.Errorf("%s: Endpoint() = %q, %v, want %q", tt.name, got, err, tt.endpoint)
		}
		if got, _ := m.Alias("token_endpoint", parse); got != tt.alias {
			t.Errorf("%s: Alias() = %q, want %q", tt.name, got, tt.alias)
		}
	}
}

// What of the aliases can't be read is an error, so that no client with a
// certificate goes to the endpoint for the others for the sake of a typing error.
func TestMetadata_EndpointFor(t *testing.T) {
	t.Parallel()
	const issuer, plain = "https://sso.example.com", "https://a/t"
	for aliases, want := range map[string]string{
		"":                                 plain,
		"null":                             plain,
		"{}":                               plain,
		`{"token_endpoint":null}`:          plain,
		`{"other_endpoint":"https://b/t"}`: plain,
		`{"token_endpoint":"https://b/t"}`: "https://b/t",
		`{"token_endpoint":"http://b/t"}`:  "",
		`{"token_endpoint":""}`:            "",
		`{"token_endpoint":["https://b"]}`: "",
		`{"token_endpoint":{}}`:            "",
		`["https://b/t"]`:                  "",
		`"https://b/t"`:                    "",
	} {
		member := ""
		if aliases != "" {
			member = `,"mtls_endpoint_aliases":` + aliases
		}
		m, err := outbound.ReadMetadata(`{"issuer":"`+issuer+`","token_endpoint":"`+plain+`"`+member+`}`, issuer, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.EndpointFor(true, "token_endpoint", secureurl.Parse); got != want || (err == nil) != (want != "") {
			t.Errorf("EndpointFor(true) with %s = %q, %v, want %q", aliases, got, err, want)
		}
		if got, err := m.EndpointFor(false, "token_endpoint", secureurl.Parse); got != plain || err != nil {
			t.Errorf("EndpointFor(false) with %s = %q, %v, want %q", aliases, got, err, plain)
		}
	}
}

func TestHasCertificate(t *testing.T) {
	t.Parallel()
	transport := func(c *tls.Config) http.RoundTripper { return &http.Transport{TLSClientConfig: c} }
	pair := tls.Certificate{Certificate: [][]byte{{1}}}
	for _, tt := range []struct {
		name      string
		transport http.RoundTripper
		want      bool
	}{
		{"the default", nil, false},
		{"without settings", transport(nil), false},
		{"with trusted certificates alone", transport(&tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}), false},
		{"with one", transport(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), true},
		{"with a function", transport(&tls.Config{MinVersion: tls.VersionTLS12, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		}}), true},
		{"of another type", http.NewFileTransport(http.Dir(".")), false},
	} {
		if got := outbound.HasCertificate(&http.Client{Transport: tt.transport}); got != tt.want {
			t.Errorf("%s: HasCertificate() = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestSameFunc(t *testing.T) {
	t.Parallel()
	if !outbound.SameFunc(outbound.Plain, outbound.Plain) || outbound.SameFunc(outbound.Plain, outbound.ForKeys) {
		t.Error("SameFunc() doesn't tell functions apart")
	}
	if none := (func() *http.Transport)(nil); outbound.SameFunc(none, outbound.Plain) {
		t.Error("SameFunc(nil, f) = true, want false")
	}
}
