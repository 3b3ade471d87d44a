// Command before is an API that is guarded by jwx.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

const issuer = "https://login.example.com"

func newAPI() (http.Handler, error) {
	cache, err := jwk.NewCache(context.Background(), httprc.NewClient())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := cache.Register(ctx, issuer+"/keys"); err != nil {
		return nil, err
	}
	keys, err := cache.CachedSet(issuer + "/keys")
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", authenticate(keys, "orders:read", http.HandlerFunc(list)))
	return mux, nil
}

type tokenKey struct{}

func authenticate(keys jwk.Set, scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := jwt.ParseRequest(r,
			jwt.WithKeySet(keys),
			jwt.WithIssuer(issuer),
			jwt.WithAudience("https://api.example.com"),
			jwt.WithRequiredClaim(jwt.ExpirationKey),
			jwt.WithAcceptableSkew(30*time.Second),
		)
		if err != nil {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		var scopes string
		if err := token.Get("scope", &scopes); err != nil || !slices.Contains(strings.Fields(scopes), scope) {
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

func list(w http.ResponseWriter, r *http.Request) {
	token := r.Context().Value(tokenKey{}).(jwt.Token)
	subject, _ := token.Subject()
	fmt.Fprintln(w, "orders of", subject)
}
