// Command mcp protects an MCP server, and shows how a client finds out where to
// get a token for it. It needs no arguments and no network. A mock issuer, the
// server and the client run on loopback.
//
//	cd examples/mcp && go run .
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

func main() {
	slog.SetLogLoggerLevel(slog.LevelWarn)
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	resource := "http://" + listener.Addr().String() + "/mcp"
	issuer, err := mockissuer.Start(issuerFor(resource))
	if err != nil {
		return err
	}
	defer issuer.Close()
	handler, err := newServer(resource, issuer.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(listener) }() // ends with Close

	names := strings.NewReplacer(strings.TrimSuffix(resource, "/mcp"), "SERVER", strings.TrimSuffix(issuer.URL, "/"), "ISSUER")
	subject, err := askWhoIAm(ctx, resource, &http.Client{Transport: &watch{out: out, names: names}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe tool has been called by %s.\n", subject)
	return err
}

// issuerFor returns an issuer that knows the server, a public client and a
// user.
func issuerFor(resource string) mockissuer.Config {
	return mockissuer.Config{
		APIs:    []mockissuer.API{{Identifier: resource, Scopes: []string{"notes:read", "notes:write"}}},
		Clients: []mockissuer.Client{{ID: "mcp-client", Callbacks: []string{callback}}},
		Users:   []mockissuer.User{{ID: "auth0|alice"}},
	}
}

// watch prints the client's requests and the responses.
type watch struct {
	names *strings.Replacer

	mu  sync.Mutex
	out io.Writer
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	line := fmt.Sprintf("%-6s http://%s%s  %d", r.Method, r.URL.Host, r.URL.Path, res.StatusCode)
	if challenge := res.Header.Get("WWW-Authenticate"); challenge != "" {
		line += "  " + challenge
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = fmt.Fprintln(w.out, w.names.Replace(line))
	return res, err
}
