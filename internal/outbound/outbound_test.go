package outbound_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/secureurl"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "301": 5 * time.Minute, "99999999999999999999": 0, "soon": 0,
		now.Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
		now.Add(-9 * time.Second).Format(http.TimeFormat): 0,
	} {
		h := http.Header{"Retry-After": {value}}
		if got := outbound.RetryAfter(h, now, 5*time.Minute); got != want {
			t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

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
