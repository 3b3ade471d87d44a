package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/rsguard/rsguard/examples/internal/serve"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// tour sends nine requests to the API, and prints each with its response and
// with how often the issuer was asked for it.
func tour(ctx context.Context, out io.Writer, issuer *mockissuer.Issuer) error {
	var logged bytes.Buffer
	api, err := startAPI(ctx, issuer.URL, &logged)
	if err != nil {
		return err
	}
	stranger, err := mockissuer.Start(mockissuer.Demo())
	if err != nil {
		return err
	}
	defer stranger.Close()

	// token has an issuer make an opaque token. It has more claims than these.
	token := func(by *mockissuer.Issuer, claims map[string]any) string {
		all := map[string]any{"sub": "auth0|alice", "aud": mockissuer.DefaultAudience, "scope": "orders:read"}
		for name, value := range claims {
			all[name] = value
		}
		made, tokenErr := by.Opaque(mockissuer.Token{Claims: all})
		if tokenErr != nil {
			err = tokenErr
		}
		return made
	}
	good := token(issuer, nil)
	revoked := token(issuer, nil)
	issuer.Revoke(revoked)
	requests := []struct{ what, token string }{
		{"a good token", good},
		{"the same token again", good},
		{"no token", ""},
		{"a token that was revoked", revoked},
		{"an expired token", token(issuer, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})},
		{"a token for another audience", token(issuer, map[string]any{"aud": "https://other.example.com"})},
		{"another issuer's token", token(stranger, nil)},
		{"a new token, in the issuer's outage", token(issuer, nil)},
		{"the first token, in the issuer's outage", good},
	}
	if err != nil {
		return err
	}

	var claims string
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GET /orders with\tstatus\tasked\tWWW-Authenticate")
	fmt.Fprintln(table, "----------------\t------\t-----\t----------------")
	for i, request := range requests {
		issuer.SetDown(i >= len(requests)-2)
		before := issuer.Introspections()
		status, challenge, body, err := serve.Get(ctx, api+"/orders", request.token)
		if err != nil {
			return err
		}
		if i == 0 {
			claims = body
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", request.what, status, issuer.Introspections()-before, challenge)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe handler of the first knew:\n%s\nThe client learns the standard's error, the log the rest:\n%s", claims, &logged)
	return err
}
