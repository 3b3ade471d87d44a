package secureurl_test

import (
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/secureurl"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ found, want, difference string }{
		{"https://a.example", "https://a.example/", "they differ by the slash at the end"},
		{"https://a.example/", "https://a.example", "they differ by the slash at the end"},
		{"https://A.example", "https://a.example", "they differ by case"},
		{"http://a.example", "https://a.example", "they differ by the scheme"},
		{"https://a.example", "http://a.example", "they differ by the scheme"},
		{"https://a.example", "a.example", "they differ by the scheme"},
		{"a.example", "https://a.example", "they differ by the scheme"},
		{"https://a.example/", "a.example", "they differ by the scheme and the slash at the end"},
		{"http://a.example", "https://a.example/", "they differ by the scheme and the slash at the end"},
		{"ftp://a.example", "a.example", ""},
		{"https://a.example", "https://a.example", ""},
		{"https://a.example//", "https://a.example", ""},
		{"http://a.example", "http://b.example", ""},
		{"", "https://a.example", ""},
	} {
		if got := secureurl.Difference(tt.found, tt.want); got != tt.difference {
			t.Errorf("Difference(%q, %q) = %q, want %q", tt.found, tt.want, got, tt.difference)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ raw, want string }{
		{"https://example.com", ""},
		{"https://example.com/a?b=c", ""},
		{"HTTPS://example.com", ""},
		{"http://127.0.0.1:9650/", ""},
		{"http://127.255.0.1/", ""},
		{"http://[::1]/", ""},
		{"http://localhost/", ""},
		{"http://example.com", "https"},
		{"http://localhost.example.com/", "https"},
		{"http://127.0.0.1.example.com/", "https"},
		{"http://128.0.0.1/", "https"},
		{"http://0.0.0.0/", "https"},
		{"ftp://localhost/", "https"},
		{"", "host"},
		{"example.com", "host"},
		{"https://", "host"},
		{"https://:443/", "host"},
		{"https:example.com", "host"},
		{"https://example.com:x/", "URL"},
		{"https://u:secret@example.com", "credentials"},
		{"https://example.com#", "fragment"},
		{"https://example.com#a", "fragment"},
		{"https://example.com:65535", ""},
		{"https://example.com:65536", "port"},
		{"https://*.example.com/", "pattern"},
		{"https://example.com/{tenant}/", "characters"},
		{"https://example.com/ ", "characters"},
		{"https://exämple.com/", "characters"},
		{" https://example.com", "characters"},
		{"https://exa mple.com", "characters"},
		{"https://example.com/\n", "characters"},
	} {
		u, err := secureurl.Parse(tt.raw)
		if (u == nil) != (err != nil) || (err == nil) != (tt.want == "") {
			t.Errorf("Parse(%q) = %v, %v, want error with %q", tt.raw, u, err, tt.want)
		}
		if err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("Parse(%q) error = %v, want %q in it", tt.raw, err, tt.want)
		}
	}
}

func TestHasCredentials(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://u:secret@example.com/": true, "http://u@example.com": true, "//u@example.com": true,
		"https://example.com/@u": false, "u@example.com": false, "example.com": false, "word": false, "": false,
	} {
		if got := secureurl.HasCredentials(text); got != want {
			t.Errorf("HasCredentials(%q) = %t, want %t", text, got, want)
		}
	}
}

func TestParseInsecure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ raw, want string }{
		{"https://example.com", ""},
		{"http://keycloak:8080/realms/shop", ""},
		{"http://10.0.0.1/", ""},
		{"ftp://keycloak/", "ftp"},
		{"keycloak", "host"},
		{"http://u:secret@keycloak/", "credentials"},
		{"http://keycloak/#a", "fragment"},
		{"http://*/", "pattern"},
		{"http://keycloak:x/", "URL"},
		{"http://key cloak/", "characters"},
	} {
		u, err := secureurl.ParseInsecure(tt.raw)
		if (u == nil) != (err != nil) || (err == nil) != (tt.want == "") {
			t.Errorf("ParseInsecure(%q) = %v, %v, want error with %q", tt.raw, u, err, tt.want)
		}
		if err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("ParseInsecure(%q) error = %v, want %q in it", tt.raw, err, tt.want)
		}
	}
}
