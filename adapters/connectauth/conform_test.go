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
// for gRPC have no conformance case.
func TestConformance(t *testing.T) {
	t.Parallel()

	for _, p := range []struct{ name, contentType string }{{"Connect", "application/json"}, {"Connect, binary", "application/proto"}, {"plain HTTP", "text/plain"}} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			start := conforming.Handler(t, route)
			conforming.Run(t, conform.Target{Method: http.MethodPost, Body: "{}", Header: http.Header{"Content-Type": {p.contentType}}},
				func(auth *middleware.Authenticator, checks ...validator.Check) string {
					return strings.TrimSuffix(start(auth, checks...), "/orders") + list
				})
		})
	}
}
