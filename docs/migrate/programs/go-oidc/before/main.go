// Command before is an API that is guarded by go-oidc's verifier.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

func newAPI() (http.Handler, error) {
	provider, err := oidc.NewProvider(context.Background(), "https://login.example.com")
	if err != nil {
		return nil, err
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: "https://api.example.com"})

	mux := http.NewServeMux()
	mux.Handle("GET /orders", authenticate(verifier, "orders:read", http.HandlerFunc(list)))
	return mux, nil
}

type tokenKey struct{}

func authenticate(verifier *oidc.IDTokenVerifier, scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "missing token", http.StatusUnauthorized)
			return
		}
		token, err := verifier.Verify(r.Context(), raw)
		if err != nil {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		var claims struct {
			Scope string `json:"scope"`
		}
		if err := token.Claims(&claims); err != nil || !slices.Contains(strings.Fields(claims.Scope), scope) {
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

func list(w http.ResponseWriter, r *http.Request) {
	token := r.Context().Value(tokenKey{}).(*oidc.IDToken)
	fmt.Fprintln(w, "orders of", token.Subject)
}
