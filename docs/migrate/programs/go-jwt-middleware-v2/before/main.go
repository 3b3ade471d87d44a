// Command before is an API that is guarded by go-jwt-middleware v2.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/jwks"
	"github.com/auth0/go-jwt-middleware/v2/validator"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

func newAPI() (http.Handler, error) {
	issuer, err := url.Parse("https://tenant.eu.auth0.com/")
	if err != nil {
		return nil, err
	}
	v, err := validator.New(
		jwks.NewCachingProvider(issuer, 5*time.Minute).KeyFunc,
		validator.RS256,
		issuer.String(),
		[]string{"https://api.example.com"},
		validator.WithCustomClaims(func() validator.CustomClaims { return new(orderClaims) }),
		validator.WithAllowedClockSkew(time.Minute),
	)
	if err != nil {
		return nil, err
	}
	guard := jwtmiddleware.New(v.ValidateToken)

	mux := http.NewServeMux()
	mux.Handle("GET /orders", guard.CheckJWT(requireScope("orders:read", http.HandlerFunc(list))))
	return mux, nil
}

type orderClaims struct {
	Scope string `json:"scope"`
}

func (*orderClaims) Validate(context.Context) error { return nil }

func requireScope(scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims)
		claims := token.CustomClaims.(*orderClaims)
		if !slices.Contains(strings.Fields(claims.Scope), scope) {
			http.Error(w, `{"message":"Insufficient scope."}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func list(w http.ResponseWriter, r *http.Request) {
	token := r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims)
	fmt.Fprintln(w, "orders of", token.RegisteredClaims.Subject)
}
