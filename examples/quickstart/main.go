// Command quickstart shows an API with rsguard. It needs no arguments and no
// network. A mock issuer and the API run on loopback, and the API gets six
// requests.
//
//	go run ./examples/quickstart          # prints what was asked and answered
//	go run ./examples/quickstart -serve   # keeps both running, to be tried with curl
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	"github.com/rsguard/rsguard/examples/internal/serve"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	slog.SetLogLoggerLevel(slog.LevelWarn) // the tour shows what it logs
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	keep := flags.Bool("serve", false, "keep the issuer and the API running")
	if err := flags.Parse(args); err != nil {
		return err
	}
	issuer, err := mockissuer.Start(mockissuer.Demo())
	if err != nil {
		return err
	}
	defer issuer.Close()

	if !*keep {
		return tour(ctx, out, issuer)
	}
	url, ended, err := startAPI(ctx, issuer.URL, out)
	if err != nil {
		return err
	}
	printCurl(out, issuer.URL, url)
	return <-ended
}

// startAPI is all of the code that an API needs.
func startAPI(ctx context.Context, issuer string, logTo io.Writer) (url string, ended <-chan error, err error) {
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{mockissuer.DefaultAudience}})
	if err != nil {
		return "", nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.NewTextHandler(logTo, nil))})
	if err != nil {
		return "", nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(orders)))
	return serve.Start(ctx, "127.0.0.1:0", mux)
}

func orders(w http.ResponseWriter, r *http.Request) {
	c, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintf(w, "subject %s, client %s, scopes %q, until %s\n", c.Subject, c.ClientID, c.Scopes, c.ExpiresAt.UTC())
}
