// Command after is the same API, guarded by rsguard.
package main

import (
	"fmt"
	"log"
	"net/http"
	"time"

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

func newAPI() (http.Handler, error) {
	cfg, err := issuers.Okta("https://acme.okta.com/oauth2/default", "api://orders")
	if err != nil {
		return nil, err
	}
	cfg.Leeway = 2 * time.Minute // as before; the default is 30 seconds
	v, err := validator.New(cfg)
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
