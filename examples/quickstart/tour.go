package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// tour asks the API six times, and prints each request with its answer.
func tour(ctx context.Context, out io.Writer, logged *bytes.Buffer, issuer *mockissuer.Issuer, api string) error {
	good, err := clientCredentials(ctx, issuer.URL, "orders:read orders:write")
	if err != nil {
		return err
	}
	noScope, err := clientCredentials(ctx, issuer.URL, "orders:write")
	if err != nil {
		return err
	}
	// No token endpoint gives these two away.
	expired, err := issuer.Sign(mockissuer.Token{Claims: map[string]any{"exp": time.Now().Add(-time.Hour)}})
	if err != nil {
		return err
	}
	elsewhere, err := issuer.Sign(mockissuer.Token{Claims: map[string]any{"aud": "https://other.example.com"}})
	if err != nil {
		return err
	}

	var claims string
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GET /orders with\tstatus\tWWW-Authenticate")
	fmt.Fprintln(table, "----------------\t------\t----------------")
	for _, request := range []struct {
		what, token string
		outage      bool
	}{
		{"a good token", good, false},
		{"no token", "", false},
		{"an expired token", expired, false},
		{"a token for another audience", elsewhere, false},
		{"a token without the scope", noScope, false},
		{"a good token, in the issuer's outage", good, true},
	} {
		issuer.SetDown(request.outage)
		status, challenge, body, err := get(ctx, api+"/orders", request.token)
		if err != nil {
			return err
		}
		if claims == "" {
			claims = body
		}
		fmt.Fprintf(table, "%s\t%d\t%s\n", request.what, status, challenge)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe handler of the first knew:\n%s\nThe client learns the code, the log learns the rest:\n%s", claims, logged)
	return err
}

// clientCredentials asks the issuer for a token, as any client would.
func clientCredentials(ctx context.Context, issuer, scope string) (string, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"},
		"audience": {audience}, "scope": {scope},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()

	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer.AccessToken, err
}

func get(ctx context.Context, url, token string) (status int, challenge, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header.Get("WWW-Authenticate"), string(read), err
}

func printCurl(out io.Writer, issuer, api string) {
	fmt.Fprintf(out, `The issuer is on %[1]s and the API on %[2]s/orders. Try them, and end them with Ctrl-C:

  TOKEN=$(curl -s %[1]soauth/token -d grant_type=client_credentials -d client_id=demo-client \
    -d client_secret=demo-secret -d audience=%[3]s | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -i -H "Authorization: Bearer $TOKEN" %[2]s/orders
  curl -i %[2]s/orders

`, issuer, api, audience)
}
