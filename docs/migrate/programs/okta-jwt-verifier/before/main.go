// Command before is an API that is guarded by okta-jwt-verifier.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"

	jwtverifier "github.com/okta/okta-jwt-verifier-golang/v2"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

func newAPI() (http.Handler, error) {
	setup := jwtverifier.JwtVerifier{
		Issuer:           "https://acme.okta.com/oauth2/default",
		ClaimsToValidate: map[string]string{"aud": "api://orders"},
	}
	verifier, err := setup.New()
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", authenticate(verifier, "orders:read", http.HandlerFunc(list)))
	return mux, nil
}

type tokenKey struct{}

func authenticate(verifier *jwtverifier.JwtVerifier, scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "missing token", http.StatusUnauthorized)
			return
		}
		token, err := verifier.VerifyAccessToken(raw)
		if err != nil {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		scopes, _ := token.Claims["scp"].([]any)
		if !slices.Contains(scopes, any(scope)) {
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

func list(w http.ResponseWriter, r *http.Request) {
	token := r.Context().Value(tokenKey{}).(*jwtverifier.Jwt)
	fmt.Fprintln(w, "orders of", token.Claims["sub"])
}
