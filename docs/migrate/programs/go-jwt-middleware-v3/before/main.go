// Command before is an API that is guarded by go-jwt-middleware v3.
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

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
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
	provider, err := jwks.NewCachingProvider(jwks.WithIssuerURL(issuer), jwks.WithCacheTTL(5*time.Minute))
	if err != nil {
		return nil, err
	}
	v, err := validator.New(
		validator.WithKeyFunc(provider.KeyFunc),
		validator.WithAlgorithm(validator.RS256),
		validator.WithIssuer(issuer.String()),
		validator.WithAudience("https://api.example.com"),
		validator.WithCustomClaims(func() *orderClaims { return new(orderClaims) }),
		validator.WithAllowedClockSkew(time.Minute),
	)
	if err != nil {
		return nil, err
	}
	guard, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return nil, err
	}

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
		token := jwtmiddleware.MustGetClaims[*validator.ValidatedClaims](r.Context())
		claims := token.CustomClaims.(*orderClaims)
		if !slices.Contains(strings.Fields(claims.Scope), scope) {
			http.Error(w, `{"error":"insufficient_scope"}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func list(w http.ResponseWriter, r *http.Request) {
	token := jwtmiddleware.MustGetClaims[*validator.ValidatedClaims](r.Context())
	fmt.Fprintln(w, "orders of", token.RegisteredClaims.Subject)
}
