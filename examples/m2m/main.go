// Command m2m shows one service that calls another. Orders gets tokens for an
// organization, bound to a key of its own, and calls stock with them. Meanwhile
// the issuer's key changes, the token ends, and the issuer is down for ten
// seconds. All of it runs on loopback, by a clock that the example puts forward.
//
//	cd examples/m2m && go run .
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	audience = mockissuer.DefaultAudience
	lifetime = 10 * time.Minute // of a token
)

func main() {
	slog.SetLogLoggerLevel(slog.LevelWarn) // the table has the rest
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// newStock is the service that is called. It serves one organization, and
// tokens that are bound to a key.
func newStock(issuer *mockissuer.Issuer) (http.Handler, error) {
	tokens, err := validator.New(validator.Config{Issuers: []string{issuer.URL}, Audiences: []string{audience}, Now: issuer.Now})
	if err != nil {
		return nil, err
	}
	proofs, err := dpop.New(dpop.Config{Now: issuer.Now})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{
		Validator: tokens, DPoP: proofs, RequireBinding: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	guard := auth.Require(validator.Scopes("orders:read"), validator.Organization("org_demo"))
	return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Fprintf(w, "stock for %s of %s", c.ClientID, c.OrgID)
	})), nil
}

// newOrders is the HTTP client with which orders calls stock.
func newOrders(issuer *mockissuer.Issuer, stock string, logTo io.Writer) (*clientauth.Source, *http.Client, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	key, err := clientauth.NewKey(private)
	if err != nil {
		return nil, nil, err
	}
	client, err := clientauth.New(clientauth.Config{
		Issuer: issuer.URL, ClientID: "demo-client", Auth: clientauth.ClientSecretPost("demo-secret"), Key: key,
		Now: issuer.Now, Logger: slog.New(slog.NewTextHandler(logTo, nil)),
	})
	if err != nil {
		return nil, nil, err
	}
	tokens, err := client.Source(clientauth.Request{Audience: audience, Organization: "org_demo", Scopes: []string{"orders:read"}})
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(stock)
	if err != nil {
		return nil, nil, err
	}
	transport, err := clientauth.NewTransport(tokens, clientauth.TransportConfig{Hosts: []string{u.Host}})
	return tokens, &http.Client{Transport: transport}, err
}

func run(ctx context.Context, out io.Writer) error {
	cfg := mockissuer.Demo()
	cfg.APIs[0].Lifetime = lifetime
	issuer, err := mockissuer.Start(cfg)
	if err != nil {
		return err
	}
	defer issuer.Close()
	handler, err := newStock(issuer)
	if err != nil {
		return err
	}
	stock := httptest.NewServer(handler)
	defer stock.Close()
	return tour(ctx, out, issuer, stock.URL+"/stock")
}
