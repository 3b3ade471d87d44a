// Command multitenant is an API of two tenants. One has a custom domain in
// addition to its own, the other has its own algorithms and checks. It needs no
// arguments and no network. Mock issuers run on loopback, and it prints which
// token may do what.
//
//	go run ./examples/multitenant
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	slog.SetLogLoggerLevel(slog.LevelWarn)
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	issuers, err := startIssuers()
	if err != nil {
		return err
	}
	defer issuers.close()
	api, err := newAPI(issuers.tenants())
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "A token is good on the domain that it was issued for:")
	if err := whereTable(ctx, out, api, issuers); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nAnd for what its tenant, its scopes, permissions, organization and sign-in allow:")
	return whatTable(ctx, out, api, issuers)
}

// A tenant is a row of a database.
type tenant struct {
	config validator.Config
	hosts  map[string]string // the hosts of its API, and the issuer of each
}

const audience = "https://api.example.com"

// newAPI is all of the code that an API of several tenants needs.
func newAPI(tenants []tenant) (http.Handler, error) {
	// In a service, both would be queries.
	byIssuer, issuerFor := map[string]validator.Config{}, map[string]string{}
	for _, t := range tenants {
		for _, issuer := range t.config.Issuers {
			byIssuer[issuer] = t.config
		}
		maps.Copy(issuerFor, t.hosts)
	}

	mux := validator.NewMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		cfg, ok := byIssuer[issuer]
		if !ok {
			return nil, nil // no such tenant
		}
		return validator.New(cfg)
	})
	auth, err := middleware.New(middleware.Config{
		Validator:     mux,
		IssuerForHost: func(host string) string { return issuerFor[host] },
		Logger:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}

	done := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	routes := http.NewServeMux()
	routes.Handle("GET /orders", auth.Require(validator.Scopes("orders:read"))(done))
	routes.Handle("POST /orders", auth.Require(validator.Permissions("orders:write"))(done))
	routes.Handle("GET /organizations/{name}", withOrganization(auth.Require(validator.OrganizationFunc(organization))(done)))
	routes.Handle("DELETE /orders", auth.Require(validator.AuthenticatedWithin(5*time.Minute))(done))
	return routes, nil
}

type organizationKey struct{}

// withOrganization stores in the context which organization a request is about,
// for [organization] to find.
func withOrganization(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), organizationKey{}, r.PathValue("name"))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func organization(ctx context.Context) (string, error) {
	name, _ := ctx.Value(organizationKey{}).(string)
	return name, nil // if there is none, every token is rejected
}
