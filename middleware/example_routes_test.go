package middleware_test

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A table says what each route requires. A route that is not in it doesn't
// exist, so none is open by mistake.
func ExampleAuthenticator_Require_table() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text) }
	}

	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern string
		handler http.Handler
		checks  []validator.Check
	}{
		{"/orders", say("orders"), []validator.Check{validator.Scopes("orders:read")}},
		{"/refunds", say("refunds"), []validator.Check{validator.Scopes("orders:read"), validator.Permissions("refunds:read")}},
		{"/me", say("me"), nil}, // any good token
	} {
		mux.Handle(route.pattern, auth.Require(route.checks...)(route.handler))
	}
	mux.Handle("/healthz", say("public")) // without Require

	bearer := "Bearer " + token(map[string]any{"scope": "orders:read"})
	get(mux, "/orders", bearer)
	get(mux, "/refunds", bearer)
	get(mux, "/me", bearer)
	get(mux, "/me", "")
	get(mux, "/healthz", "")
	// Output:
	// 200  orders
	// 403 Bearer error="insufficient_scope", scope="refunds:read" Forbidden
	// 200  me
	// 401 Bearer Unauthorized
	// 200  public
}

// An operation that needs a fresh sign-in has a check on its route. The
// challenge tells the client what to ask the issuer for (RFC 9470). Inside a
// handler, the same check decides as a function.
func ExampleAuthenticator_Require_stepUp() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	today := validator.AuthenticatedWithin(24 * time.Hour)
	transfer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		limit := 1000
		if today(r.Context(), claims) == nil {
			limit = 10_000
		}
		fmt.Fprint(w, "up to ", limit)
	})
	recently := validator.AuthenticatedWithin(30 * 24 * time.Hour)
	h := auth.Require(recently)(transfer)

	ago := func(d time.Duration) string {
		return "Bearer " + token(map[string]any{"auth_time": time.Now().Add(-d).Unix()})
	}
	get(h, "/transfers", ago(time.Minute))
	get(h, "/transfers", ago(7*24*time.Hour))
	get(h, "/transfers", ago(90*24*time.Hour))
	// Output:
	// 200  up to 10000
	// 200  up to 1000
	// 401 Bearer error="insufficient_user_authentication", max_age="2592000" Unauthorized
}

// Two APIs in one program, with audiences and rules of their own, have an
// Authenticator each. They share nothing: a token for the one is none for the
// other.
func ExampleNew_two() {
	orders, ordersToken := exampleIssuer()
	admin, adminToken := exampleIssuer()
	ordersAuth, err := middleware.New(middleware.Config{Validator: orders, Realm: "orders", Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	adminAuth, err := middleware.New(middleware.Config{Validator: admin, Realm: "admin", Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Fprint(w, "hello ", claims.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("/orders", ordersAuth.Handler(hello))
	mux.Handle("/users", adminAuth.Require(validator.Permissions("users:read"))(hello))

	get(mux, "/orders", "Bearer "+ordersToken(map[string]any{"sub": "anna"}))
	get(mux, "/users", "Bearer "+ordersToken(map[string]any{"sub": "anna", "permissions": []string{"users:read"}}))
	get(mux, "/users", "Bearer "+adminToken(map[string]any{"sub": "root", "permissions": []string{"users:read"}}))
	// Output:
	// 200  hello anna
	// 401 Bearer realm="admin", error="invalid_token", scope="users:read" Unauthorized
	// 200  hello root
}
