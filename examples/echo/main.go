// Command echo is an API on Echo. It accepts the tokens of the mock issuer that
// "go run ./cmd/rsguard issuer" starts, or of others, with spaces between them:
//
//	go run ./examples/echo -issuer https://tenant.eu.auth0.com/ -audience https://api.example.com
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/examples/internal/serve"
	rsguard "github.com/rsguard/rsguard/middleware"
	rsvalidator "github.com/rsguard/rsguard/validator"
)

func main() {
	log.Fatal(run(context.Background(), os.Args[1:], os.Stdout))
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
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
	var tenants []*rsvalidator.Validator
	for _, issuer := range issuers {
		v, err := rsvalidator.New(rsvalidator.Config{Issuers: []string{issuer}, Audiences: []string{audience}})
		if err != nil {
			return nil, err
		}
		tenants = append(tenants, v)
	}
	anyTenant, err := rsvalidator.NewMux(tenants...)
	if err != nil {
		return nil, err
	}
	auth, err := rsguard.New(rsguard.Config{Validator: anyTenant})
	if err != nil {
		return nil, err
	}

	e := echo.New()
	e.GET("/health", func(c echo.Context) error { return c.NoContent(http.StatusOK) }) // public
	e.GET("/orders", listOrders, echoauth.New(auth))
	e.POST("/orders", createOrder, echoauth.New(auth, rsvalidator.Scopes("orders:write")))
	return e, nil
}

func listOrders(c echo.Context) error {
	claims, _ := echoauth.Claims(c)
	return c.JSON(http.StatusOK, map[string]any{"customer": claims.Subject, "orders": []string{}})
}

func createOrder(c echo.Context) error { return c.NoContent(http.StatusCreated) }
