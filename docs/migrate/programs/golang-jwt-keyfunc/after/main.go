// Command after is the same API, guarded by rsguard.
package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/rsguard/rsguard/issuers"
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

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	apiID  = "66666666-7777-8888-9999-000000000000"
)

func newAPI() (http.Handler, error) {
	cfg, err := issuers.Entra(tenant, apiID)
	if err != nil {
		return nil, err
	}
	v, err := validator.New(cfg)
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Require(validator.Scopes("Orders.Read"))(http.HandlerFunc(list)))
	return mux, nil
}

func list(w http.ResponseWriter, r *http.Request) {
	claims, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintln(w, "orders of", claims.Subject)
}
