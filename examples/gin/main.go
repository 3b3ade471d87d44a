// Command gin is an API on Gin. It accepts the tokens of the mock issuer that
// "go run ./cmd/rsguard issuer" starts, or of others, with spaces between them:
//
//	go run ./examples/gin -issuer https://tenant.eu.auth0.com/ -audience https://api.example.com
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

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/examples/internal/serve"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	log.Fatal(run(context.Background(), os.Args[1:], os.Stdout))
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("gin", flag.ContinueOnError)
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

	e := gin.New()
	e.GET("/health", func(c *gin.Context) { c.Status(http.StatusOK) }) // for everybody
	e.GET("/orders", ginauth.New(auth), listOrders)
	e.POST("/orders", ginauth.New(auth, validator.Scopes("orders:write")), createOrder)
	return e, nil
}

func listOrders(c *gin.Context) {
	claims, _ := ginauth.Claims(c)
	c.JSON(http.StatusOK, gin.H{"customer": claims.Subject, "orders": []string{}})
}

func createOrder(c *gin.Context) { c.Status(http.StatusCreated) }
