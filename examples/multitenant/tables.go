package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// claims are added to the usual ones.
type claims = map[string]any

// whereTable requests the orders with a token of every issuer on every host.
func whereTable(ctx context.Context, out io.Writer, api http.Handler, i *issuers) error {
	hosts := []string{"acme.api.example.com", "api.acme.example", "bank.api.example.com"}
	t := newTable(out, append([]string{"GET /orders with a token"}, hosts...))
	acmesKeys, err := i.acme.KeyIDs()
	if err != nil {
		return err
	}
	read := func(iss string) mockissuer.Token {
		return mockissuer.Token{Claims: claims{"iss": iss, "scope": "orders:read"}}
	}
	forged := read(i.acme.URL)
	forged.Algorithm, forged.Header = "RS256", claims{"kid": acmesKeys[0]}
	for _, row := range []struct {
		what   string
		signer *mockissuer.Issuer
		token  mockissuer.Token
	}{
		{"of acme", i.acme, read(i.acme.URL)},
		{"of acme, by its custom domain", i.acme, read(i.custom)},
		{"of the bank", i.bank, read(i.bank.URL)},
		{"of a stranger", i.stranger, read(i.stranger.URL)},
		{"by the bank in the name of acme", i.bank, read(i.acme.URL)},
		{"by the bank, as if acme's key were its own", i.bank, forged},
	} {
		cells := []string{row.what}
		for _, host := range hosts {
			answer, err := ask(ctx, api, row.signer, row.token, "GET", host, "/orders")
			if err != nil {
				return err
			}
			cells = append(cells, answer)
		}
		t.row(cells)
	}
	return t.Flush()
}

// whatTable sends all requests with tokens of the bank.
func whatTable(ctx context.Context, out io.Writer, api http.Handler, i *issuers) error {
	requests := []string{"GET /orders", "POST /orders", "GET /organizations/blue", "DELETE /orders"}
	t := newTable(out, append([]string{"A token of the bank with"}, requests...))
	now := time.Now()
	for _, row := range []struct {
		what   string
		claims claims
	}{
		{"nothing", nil},
		{"the scope orders:read", claims{"scope": "orders:read"}},
		{"the permission orders:write", claims{"permissions": []string{"orders:write"}}},
		{"the scope orders:write", claims{"scope": "orders:write"}},
		{"the organization blue", claims{"org_id": "org_1", "org_name": "blue"}},
		{"the organization red", claims{"org_id": "org_2", "org_name": "red"}},
		{"a sign-in just now", claims{"auth_time": now}},
		{"a sign-in an hour ago", claims{"auth_time": now.Add(-time.Hour)}},
		{"everything, but of yesterday", claims{
			"scope": "orders:read", "permissions": []string{"orders:write"}, "org_name": "blue", "auth_time": now,
			"iat": now.Add(-24 * time.Hour),
		}},
	} {
		cells := []string{row.what}
		for _, request := range requests {
			method, path, _ := strings.Cut(request, " ")
			answer, err := ask(ctx, api, i.bank, mockissuer.Token{Claims: row.claims}, method, "bank.api.example.com", path)
			if err != nil {
				return err
			}
			cells = append(cells, answer)
		}
		t.row(cells)
	}
	return t.Flush()
}

// ask returns the status of the response, and the error that its challenge
// names.
func ask(ctx context.Context, api http.Handler, signer *mockissuer.Issuer, token mockissuer.Token, method, host, path string) (string, error) {
	signed, err := signer.Sign(token)
	if err != nil {
		return "", err
	}
	r := httptest.NewRequestWithContext(ctx, method, "https://"+host+path, nil)
	r.Header.Set("Authorization", "Bearer "+signed)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	answer := fmt.Sprint(w.Code)
	if named := challengeError.FindStringSubmatch(w.Header().Get("WWW-Authenticate")); named != nil {
		answer += " " + named[1]
	}
	return answer, nil
}

var challengeError = regexp.MustCompile(`error="([^"]+)"`)

// A table is aligned when it is flushed.
type table struct{ *tabwriter.Writer }

func newTable(out io.Writer, head []string) table {
	t := table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row(head)
	return t
}

func (t table) row(cells []string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }
