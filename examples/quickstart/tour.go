package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/rsguard/rsguard/examples/internal/serve"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// tour sends six requests to the API, and prints each with its response.
func tour(ctx context.Context, out io.Writer, issuer *mockissuer.Issuer) error {
	var logged bytes.Buffer
	api, _, err := startAPI(ctx, issuer.URL, &logged)
	if err != nil {
		return err
	}

	var claims string
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GET /orders with\tstatus\tWWW-Authenticate")
	fmt.Fprintln(table, "----------------\t------\t----------------")
	for _, request := range []struct {
		what   string
		scope  string             // of a token by client credentials, or
		bad    *mockissuer.Access // of one that the issuer would never give
		outage bool
	}{
		{"a good token", "orders:read orders:write", nil, false},
		{"no token", "", nil, false},
		{"an expired token", "", &mockissuer.Access{Lifetime: -time.Hour}, false},
		{"a token for another audience", "", &mockissuer.Access{Claims: map[string]any{"aud": "https://other.example.com"}}, false},
		{"a token without the scope", "orders:write", nil, false},
		{"a good token, in the issuer's outage", "orders:read orders:write", nil, true},
	} {
		token := ""
		switch {
		case request.scope != "":
			token, err = serve.Token(ctx, issuer.URL+"oauth/token", url.Values{"client_id": {"demo-client"},
				"client_secret": {"demo-secret"}, "audience": {mockissuer.DefaultAudience}, "scope": {request.scope}})
		case request.bad != nil:
			request.bad.Client, request.bad.Audience = "demo-client", mockissuer.DefaultAudience
			token, err = issuer.Issue(*request.bad)
		}
		if err != nil {
			return err
		}
		issuer.SetDown(request.outage)
		status, challenge, body, err := serve.Get(ctx, api+"/orders", token)
		if err != nil {
			return err
		}
		claims = cmp.Or(claims, body) // the first answer's
		fmt.Fprintf(table, "%s\t%d\t%s\n", request.what, status, challenge)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe handler of the first knew:\n%s\nThe client learns the standard's error, the log the rest:\n%s", claims, &logged)
	return err
}

func printCurl(out io.Writer, issuer, api string) {
	fmt.Fprintf(out, `The issuer is on %[1]s and the API on %[2]s/orders. Try them, and end them with Ctrl-C:

  TOKEN=$(curl -s %[1]soauth/token -d grant_type=client_credentials -d client_id=demo-client \
    -d client_secret=demo-secret -d audience=%[3]s | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -i -H "Authorization: Bearer $TOKEN" %[2]s/orders
  curl -i %[2]s/orders

`, issuer, api, mockissuer.DefaultAudience)
}
