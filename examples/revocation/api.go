package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisrevocation"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// newAPI is all of the code that each replica needs.
func newAPI(ctx context.Context, redisAddr, issuer string) (http.Handler, error) {
	logger := slog.New(slog.DiscardHandler) // the example prints what happens
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{mockissuer.DefaultAudience}})
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true, MaxRetries: -1})
	feed, err := redisrevocation.New(redisrevocation.Config{Client: client, Logger: logger})
	if err != nil {
		return nil, err
	}
	list, err := revocation.New(revocation.Config{Feed: feed})
	if err != nil {
		return nil, err
	}
	go func() { _ = feed.Run(ctx, list) }() // until the process ends
	auth, err := middleware.New(middleware.Config{Validator: v, Revocations: list, CancelWithToken: true, Logger: logger})
	if err != nil {
		return nil, err
	}
	logout, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{
		Sender: validator.Config{Issuers: []string{issuer}, Audiences: []string{"demo-app"}},
		List:   list,
		Logger: logger,
	})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handler(http.HandlerFunc(orders)))
	mux.Handle("GET /news", auth.Handler(http.HandlerFunc(news)))
	mux.Handle("POST /logout", logout)
	return mux, nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	c, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintf(w, "orders of %s\n", c.Subject)
}

// news is a stream that lasts until the client goes away or its token ends.
func news(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "no news yet")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// serveAPI is a process of the API. It prints its URL, and ends with ctx.
func serveAPI(ctx context.Context, redisAddr, issuer string, out io.Writer) error {
	handler, err := newAPI(ctx, redisAddr, issuer)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return server.Serve(listener)
}
