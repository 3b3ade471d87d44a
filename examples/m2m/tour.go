package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// tour lets orders call stock while things happen to the issuer, and prints
// each call with its response and with how many tokens were requested for it.
func tour(ctx context.Context, out io.Writer, issuer *mockissuer.Issuer, stock string) error {
	var logs strings.Builder
	tokens, client, err := newOrders(issuer, stock, &logs)
	if err != nil {
		return err
	}
	get := func(client *http.Client, token string) string {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, stock, nil)
		if err != nil {
			return err.Error()
		}
		if token != "" {
			req.Header.Set("Authorization", "DPoP "+token)
		}
		res, err := client.Do(req)
		if refused := (*clientauth.Error)(nil); errors.As(err, &refused) {
			return "not sent: " + string(refused.Code)
		} else if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(body)))
	}
	call := func() string { return get(client, "") }

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "orders calls stock\ttoken requests\tresponse")
	asked := 0
	for _, step := range []struct {
		what string
		do   func() string
	}{
		{"for the first time", call},
		{"a hundred times at once", func() string { return together(100, call) }},
		{"and a thief with its token alone", func() string {
			token, err := tokens.TokenContext(ctx)
			if err != nil {
				return err.Error()
			}
			return get(http.DefaultClient, token.AccessToken)
		}},
		{"after the issuer's key has changed", func() string {
			if _, err := issuer.RotateKey(); err != nil {
				return err.Error()
			}
			return call()
		}},
		{"near the token's end", func() string { issuer.Advance(lifetime - time.Minute); return call() }},
		{"with the token of the new key", call},
		{"while the issuer is down", func() string { issuer.SetDown(true); return call() }},
		{"when the token has ended meanwhile", func() string { issuer.Advance(lifetime + time.Minute); return call() }},
		{"when the issuer is back, ten seconds later", func() string {
			issuer.Advance(10 * time.Second)
			issuer.SetDown(false)
			return call()
		}},
	} {
		response := step.do()
		time.Sleep(100 * time.Millisecond) // a renewal goes on in the background
		n := issuer.Count(mockissuer.EndpointToken)
		fmt.Fprintf(table, "%s\t%d\t%s\n", step.what, n-asked, response)
		asked = n
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe log of orders:\n%s", logs.String())
	return err
}

// together makes n calls at once, and returns their response if all have the
// same.
func together(n int, call func() string) string {
	responses := make([]string, n)
	var all sync.WaitGroup
	for i := range responses {
		all.Go(func() { responses[i] = call() })
	}
	all.Wait()
	for _, response := range responses {
		if response != responses[0] {
			return responses[0] + " and " + response
		}
	}
	return responses[0]
}
