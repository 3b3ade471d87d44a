package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Whatever host a request names, IssuerForHost is asked about a name in lower
// case or an address, or not at all; and nothing passes unless it was asked.
func FuzzIssuerForHost(f *testing.F) {
	for _, host := range []string{"api.example", "API.Example.:80", "[::1]:80", "[::1%25a]", "api.\u212a", "a:80:80", "a@b", "%41", "192.0.2.1"} {
		f.Add(host)
	}
	name := regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	var asked []string
	auth := newAuth(f, middleware.Config{
		Validator: validateFunc(issuers),
		IssuerForHost: func(host string) string {
			asked = append(asked, host)
			return "https://a/"
		},
	})
	f.Fuzz(func(t *testing.T, host string) {
		asked = nil
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		r.Header.Set("Authorization", "Bearer a")
		_, err := do(auth, r)
		switch code := validator.CodeOf(err); code {
		case "":
			if len(asked) != 1 {
				t.Fatalf("Do() on the host %q has asked about %q, want one", host, asked)
			}
			addr, err := netip.ParseAddr(asked[0])
			if !name.MatchString(asked[0]) && (err != nil || addr.Zone() != "") {
				t.Errorf("Do() on the host %q has asked about %q, which is neither a name nor an address", host, asked)
			}
		case validator.CodeIssuer, validator.CodeRequest:
			if len(asked) != 0 {
				t.Errorf("Do() on the host %q has asked about %q, and error %v", host, asked, err)
			}
		default:
			t.Errorf("Do() on the host %q error = %v, want code %q or %q", host, err, validator.CodeIssuer, validator.CodeRequest)
		}
	})
}
