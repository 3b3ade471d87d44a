package meanwhile

import (
	"net/http"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Watch logs what Require of auth would reject, and always calls next. Use it
// behind the old middleware, which still decides.
func Watch(auth *middleware.Authenticator, next http.Handler, checks ...validator.Check) http.Handler {
	guard := auth.Guard(checks...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = guard.Do(http.Header{}, r) // its log line says what would be rejected, and why
		next.ServeHTTP(w, r)
	})
}
