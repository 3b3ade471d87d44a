package introspection_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func ExampleNew() {
	endpoint := &http.Client{Transport: &server{answer: says(good)}} // in place of a server's
	tokens, err := introspection.New(introspection.Config{
		Issuer:    "https://sso.example.com",
		Endpoint:  "https://sso.example.com/introspect", // or nothing, to discover it
		Audiences: []string{"https://api.example.com"},
		ClientID:  "orders-api",
		Auth:      introspection.ClientSecretBasic("s3cret"),
		Client:    endpoint,
	})
	if err != nil {
		panic(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: tokens})
	if err != nil {
		panic(err)
	}
	_ = auth.Require(validator.Scopes("orders:read")) // as with any other Validator

	claims, err := tokens.Validate(context.Background(), "2YotnFZFEjr1zCsicMWpAA")
	fmt.Println(claims.Subject, claims.Scopes, err)
	// Output: anna [orders:read orders:write] <nil>
}

// An API that takes tokens in JWT form and opaque ones.
func ExampleByForm() {
	jwts, err := validator.New(validator.Config{
		Issuers: []string{"https://sso.example.com"}, Audiences: []string{"https://api.example.com"},
	})
	if err != nil {
		panic(err)
	}
	opaque, err := introspection.New(introspection.Config{
		Issuer: "https://sso.example.com", Endpoint: "https://sso.example.com/introspect",
		Audiences: []string{"https://api.example.com"}, ClientID: "orders-api", Auth: introspection.ClientSecretPost("s3cret"),
		Client: &http.Client{Transport: &server{answer: says(good)}},
	})
	if err != nil {
		panic(err)
	}
	both := introspection.ByForm(jwts, opaque)
	_, err = both.Validate(context.Background(), "2YotnFZFEjr1zCsicMWpAA")
	fmt.Println(err)
	_, err = both.Validate(context.Background(), "eyJhbGciOiJub25lIn0.e30.")
	fmt.Println(validator.CodeOf(err))
	// Output:
	// <nil>
	// token_malformed
}
