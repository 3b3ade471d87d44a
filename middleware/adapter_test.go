package middleware_test

import (
	"net/http"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// The adapter of the documentation is one that passes, as it stands there.
func TestExampleGuard_Do(t *testing.T) {
	t.Parallel()

	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		route := guarded(auth, func(x *exchange) { next.ServeHTTP(x.w, x.r) }, checks...)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route(&exchange{w, r}) })
	})
}
