// Command nethttp is an API on net/http alone. It accepts the tokens of the
// mock issuer that "go run ./cmd/rsguard issuer" starts, or of others, with
// spaces between them:
//
//	go run ./examples/nethttp -issuer https://tenant.eu.auth0.com/ -audience https://api.example.com
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/rsguard/rsguard/examples/internal/serve"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	log.Fatal(run(context.Background(), os.Args[1:], os.Stdout))
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("nethttp", flag.ContinueOnError)
	issuers := flags.String("issuer", "http://127.0.0.1:9650/", "accept the tokens of these issuers, with spaces between them")
	audience := flags.String("audience", "https://api.example.com", "the identifier of this API")
	addr := flags.String("addr", "127.0.0.1:8080", "listen on this address")
	if err := flags.Parse(args); err != nil {
		return err
	}

	handler, err := routes(strings.Fields(*issuers), *audience)
	if err != nil {
		return err
	}
	url, ended, err := serve.Start(ctx, *addr, handler)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on", url)
	return <-ended
}

func routes(issuers []string, audience string) (http.Handler, error) {
	var tenants []*validator.Validator
	for _, issuer := range issuers {
		v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}})
		if err != nil {
			return nil, err
		}
		tenants = append(tenants, v)
	}
	anyTenant, err := validator.NewMux(tenants...)
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: anyTenant})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {}) // public, because it is not behind auth
	mux.Handle("GET /orders", auth.Handler(http.HandlerFunc(listOrders)))
	mux.Handle("POST /orders", auth.Require(validator.Scopes("orders:write"))(http.HandlerFunc(createOrder)))
	return mux, nil
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	claims, _ := middleware.ClaimsFromContext(r.Context())
	_ = json.NewEncoder(w).Encode(map[string]any{"customer": claims.Subject, "orders": []string{}})
}

func createOrder(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }
