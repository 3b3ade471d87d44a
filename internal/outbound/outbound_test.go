package outbound_test

import (
	"errors"
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
