// Command after is the same API, guarded by rsguard.
package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

func newAPI() (http.Handler, error) {
	v, err := validator.New(validator.Config{
		Issuers:    []string{"https://login.example.com"},
		Audiences:  []string{"https://api.example.com"},
		Algorithms: []validator.Algorithm{validator.ES256},
	})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(list)))
	return mux, nil
}

func list(w http.ResponseWriter, r *http.Request) {
	claims, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintln(w, "orders of", claims.Subject)
}
