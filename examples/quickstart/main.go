// Command quickstart shows an API with rsguard at work, and needs no arguments and no network: a mock issuer and the
// API run on loopback, and the API is asked six times.
//
//	go run ./examples/quickstart          # prints what was asked and answered
//	go run ./examples/quickstart -serve   # keeps both running, to be tried with curl
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const audience = mockissuer.DefaultAudience

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
	serve := flags.Bool("serve", false, "keep the issuer and the API running")
	if err := flags.Parse(args); err != nil {
		return err
	}

	issuer, err := mockissuer.Start(mockissuer.Demo())
	if err != nil {
		return err
	}
	defer issuer.Close()

	logged := new(bytes.Buffer)
	logTo := io.Writer(logged)
	if *serve {
		logTo = out
	}
	api, err := newAPI(issuer.URL, slog.New(slog.NewTextHandler(logTo, nil)))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(listener) }() // ends with Close

	url := "http://" + listener.Addr().String()
	if *serve {
		printCurl(out, issuer.URL, url)
		<-ctx.Done()
		return nil
	}
	return tour(ctx, out, logged, issuer, url)
}

// newAPI is all that an API has to do.
func newAPI(issuer string, logger *slog.Logger) (http.Handler, error) {
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: logger})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(orders)))
	return mux, nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	c, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintf(w, "subject %s, client %s, scopes %q, until %s\n", c.Subject, c.ClientID, c.Scopes, c.ExpiresAt.UTC())
}
