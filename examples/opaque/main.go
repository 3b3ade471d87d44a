// Command opaque shows an API whose tokens say nothing by themselves, so that
// it asks their issuer about them. It needs no arguments and no network. A mock
// issuer and the API run on loopback, and the API gets nine requests.
//
//	go run ./examples/opaque
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	"github.com/rsguard/rsguard/examples/internal/serve"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	issuer, err := mockissuer.Start(mockissuer.Demo())
	if err != nil {
		return err
	}
	defer issuer.Close()
	return tour(ctx, out, issuer)
}

// startAPI is all of the code that an API needs. It is a client of the issuer,
// which answers to clients alone.
func startAPI(ctx context.Context, issuer string, logTo io.Writer) (url string, err error) {
	tokens, err := introspection.New(introspection.Config{
		Issuer:    issuer, // the endpoint is discovered
		Audiences: []string{mockissuer.DefaultAudience},
		ClientID:  "demo-client",
		Auth:      introspection.ClientSecretBasic("demo-secret"),
	})
	if err != nil {
		return "", err
	}
	auth, err := middleware.New(middleware.Config{Validator: tokens, Logger: slog.New(slog.NewTextHandler(logTo, nil))})
	if err != nil {
		return "", err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(orders)))
	url, _, err = serve.Start(ctx, "127.0.0.1:0", mux)
	return url, err
}

func orders(w http.ResponseWriter, r *http.Request) {
	c, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintf(w, "subject %s, scopes %q\n", c.Subject, c.Scopes)
}
