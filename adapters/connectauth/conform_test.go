package connectauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// The adapter on a port, as clients of the Connect protocol see it. Its codes
// for gRPC have no conformance case. In the Connect protocol, the code
// unauthenticated is the status 401, also for credentials in a form for which
// RFC 6750 has the status 400.
func TestConformance(t *testing.T) {
	t.Parallel()

	for _, p := range []struct {
		name, contentType string
		known             []string
	}{
		{"Connect", "application/json", []string{"challenge/malformed-400"}},
		{"Connect, binary", "application/proto", []string{"challenge/malformed-400"}},
		{"plain HTTP", "text/plain", nil},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			start := conforming.Handler(t, route)
			conforming.Run(t, conform.Target{Method: http.MethodPost, Body: "{}", Header: http.Header{"Content-Type": {p.contentType}}},
				func(auth *middleware.Authenticator, checks ...validator.Check) string {
					return strings.TrimSuffix(start(auth, checks...), "/orders") + list
				}, p.known...)
		})
	}
}
