// Command before is an API that is guarded by golang-jwt and keyfunc.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	apiID  = "66666666-7777-8888-9999-000000000000"
)

func newAPI() (http.Handler, error) {
	keys, err := keyfunc.NewDefault([]string{"https://login.microsoftonline.com/" + tenant + "/discovery/v2.0/keys"})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}),
		jwt.WithIssuer("https://login.microsoftonline.com/"+tenant+"/v2.0"),
		jwt.WithAudience(apiID),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(30*time.Second),
	)

	mux := http.NewServeMux()
	mux.Handle("GET /orders", authenticate(parser, keys, requireScope("Orders.Read", http.HandlerFunc(list))))
	return mux, nil
}

type orderClaims struct {
	jwt.RegisteredClaims
	Scope string `json:"scp"`
}

type claimsKey struct{}

func authenticate(parser *jwt.Parser, keys keyfunc.Keyfunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "missing token", http.StatusUnauthorized)
			return
		}
		claims := new(orderClaims)
		if _, err := parser.ParseWithClaims(token, claims, keys.KeyfuncCtx(r.Context())); err != nil {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	})
}

func requireScope(scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims := r.Context().Value(claimsKey{}).(*orderClaims)
		if !slices.Contains(strings.Fields(claims.Scope), scope) {
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func list(w http.ResponseWriter, r *http.Request) {
	claims := r.Context().Value(claimsKey{}).(*orderClaims)
	fmt.Fprintln(w, "orders of", claims.Subject)
}
