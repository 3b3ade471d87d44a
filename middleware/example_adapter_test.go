package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// An exchange is what some framework passes to its handlers.
type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

// guarded is an adapter for that framework.
func guarded(auth *middleware.Authenticator, next func(*exchange), checks ...validator.Check) func(*exchange) {
	guard := auth.Guard(checks...) // when the route is made, not for each request
	return func(x *exchange) {
		r, refusal := guard.Do(x.w.Header(), x.r)
		if refusal != nil {
			refusal.ServeHTTP(x.w, x.r)
			return // and call nothing else
		}
		x.r = r // with the claims in its context
		next(x)
		guard.Done(r.Context()) // for Config.CancelWithToken
	}
}

// An adapter for a web framework is a few lines, in the framework's own words.
// testutil.TestAdapter tests it.
func ExampleGuard_Do() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: quiet})
	if err != nil {
		panic(err)
	}
	hello := func(x *exchange) {
		claims, _ := middleware.ClaimsFromContext(x.r.Context())
		fmt.Fprint(x.w, "hello ", claims.Subject)
	}
	serve := func(route func(*exchange), authorization string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", authorization)
		route(&exchange{w, r})
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
	}

	anna := "Bearer " + token(map[string]any{"sub": "anna"})
	serve(guarded(auth, hello), anna)
	serve(guarded(auth, hello, validator.Scopes("admin")), anna)
	// Output:
	// 200  hello anna
	// 403 Bearer error="insufficient_scope", scope="admin" Forbidden
}
