package mockissuer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A client asks for a token as it would ask a tenant.
func ExampleNew() {
	cfg := mockissuer.Demo()
	cfg.URL = "https://tenant.example.com/" // by this name, and without a socket
	iss, err := mockissuer.New(cfg)
	if err != nil {
		panic(err)
	}
	defer iss.Close()

	res, err := iss.Client().PostForm("https://tenant.example.com/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"},
		"audience": {"https://api.example.com"}, "organization": {"demo"},
	})
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	var answer struct {
		TokenType string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
		Scope     string
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		panic(err)
	}
	fmt.Println(res.StatusCode, answer.TokenType, answer.ExpiresIn, answer.Scope)
	// Output: 200 Bearer 86400 orders:read orders:write
}

// The issuer's key set fails once, and then works.
func ExampleIssuer_Fail() {
	iss, err := mockissuer.Start(mockissuer.Config{})
	if err != nil {
		panic(err)
	}
	defer iss.Close()

	iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: http.StatusServiceUnavailable, Times: 1})
	for range 2 {
		res, err := http.Get(iss.URL + ".well-known/jwks.json")
		if err != nil {
			panic(err)
		}
		_ = res.Body.Close()
		fmt.Println(res.Status)
	}
	fmt.Println(iss.KeyFetches(), "fetches")
	// Output:
	// 503 Service Unavailable
	// 200 OK
	// 2 fetches
}

// Any verifier can be tried with the catalogue.
func ExampleIssuer_BadTokens() {
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://tenant.example.com/"})
	if err != nil {
		panic(err)
	}
	defer iss.Close()

	bad, err := iss.BadTokens("https://api.example.com")
	if err != nil {
		panic(err)
	}
	accepts := func(token string) bool { return strings.Count(token, ".") == 2 } // a poor verifier
	for _, b := range bad {
		if accepts(b.Token) && b.Name == "expired" {
			fmt.Println("accepts", b.Name, "-", b.Reason)
		}
	}
	// Output: accepts expired - It expired an hour ago (RFC 7519, Section 4.1.4).
}
