// Command dpop shows an API that accepts tokens bound to their client's key,
// and how it responds to a thief of one (RFC 9449). All of it runs on loopback.
//
//	go run ./examples/dpop
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const audience = mockissuer.DefaultAudience

func main() {
	slog.SetLogLoggerLevel(slog.LevelError) // the table has everything
	if err := run(context.Background(), nil, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, _ []string, out io.Writer) error {
	issuer, err := mockissuer.Start(mockissuer.Demo())
	if err != nil {
		return err
	}
	defer issuer.Close()
	handler, err := newAPI(issuer.URL)
	if err != nil {
		return err
	}
	api := httptest.NewServer(handler)
	defer api.Close()
	return tour(ctx, out, issuer.URL, api.URL)
}

func newAPI(issuer string) (http.Handler, error) {
	tokens, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}})
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32) // several servers behind one name have the same, from their configuration
	_, _ = rand.Read(secret)
	nonces, err := dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{secret}})
	if err != nil {
		return nil, err
	}
	// They also share a store of the proofs that were used, such as
	// contrib/redisreplay, in Replays.
	proofs, err := dpop.New(dpop.Config{Nonces: nonces})
	if err != nil {
		return nil, err
	}
	// Behind a proxy, Origin returns the scheme and host that clients use.
	auth, err := middleware.New(middleware.Config{Validator: tokens, DPoP: proofs, RequireBinding: true})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(orders)))
	return mux, nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	claims, _ := middleware.ClaimsFromContext(r.Context())
	fmt.Fprintf(w, "orders for %s, who has the key %s\n", claims.ClientID, claims.Confirmation.JKT)
}
