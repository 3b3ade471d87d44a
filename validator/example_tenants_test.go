package validator_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/validator"
)

func ExampleNewMuxFunc() {
	tenants := map[string]string{"https://tenant.eu.auth0.com/": "tenant.eu.auth0.com"} // a database, in a service
	mux := validator.NewMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		domain, ok := tenants[issuer] // found among known ones: issuer is not verified
		if !ok {
			return nil, nil
		}
		return validator.New(validator.Auth0(domain, "https://api.example.com"))
	})
	_, err := mux.Validate(context.Background(), exampleToken(object{"iss": "https://stranger.eu.auth0.com/"}))
	fmt.Println(err)
	// Output: wrong_issuer: iss is "https://stranger.eu.auth0.com/": no tenant has this issuer
}

// A service that deletes a tenant says so, for the tenant's tokens to be
// rejected from then on.
func ExampleMux_Forget() {
	tenants := map[string]*validator.Validator{issuer: exampleValidator()}
	mux := validator.NewMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		return tenants[issuer], nil
	})
	_, err := mux.Validate(context.Background(), exampleToken(nil))
	fmt.Println(err)

	delete(tenants, issuer)
	mux.Forget(issuer)
	_, err = mux.Validate(context.Background(), exampleToken(nil))
	fmt.Println(validator.CodeOf(err))
	// Output:
	// <nil>
	// wrong_issuer
}

// The issuer of a token may be made up until its signature is checked. If it is
// used as an address, an attacker can name the server that vouches for its own
// token.
func ExampleNewMuxFunc_incorrect() {
	mux := validator.NewMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		fmt.Println("tokens are now accepted of", issuer)
		return validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{"https://api.example.com"}})
	})
	// This token has expired. Otherwise evil.example would be asked for its keys
	// next.
	_, _ = mux.Validate(context.Background(), exampleToken(object{"iss": "https://evil.example/"}))
	// Output: tokens are now accepted of https://evil.example/
}

func ExampleOrganizationFunc() {
	type key struct{} // under which a handler has put the part of the path, or of the host, that names it
	check := validator.OrganizationFunc(func(ctx context.Context) (string, error) {
		name, ok := ctx.Value(key{}).(string)
		if !ok {
			return "", errors.New("the request names no organization")
		}
		return name, nil
	})
	v := exampleValidator(check)
	token := exampleToken(object{"org_name": "acme"})
	for _, name := range []string{"acme", "umbrella"} {
		_, err := v.Validate(context.WithValue(context.Background(), key{}, name), token)
		fmt.Println(name, err)
	}
	_, err := v.Validate(context.Background(), token)
	fmt.Println("none", err)
	// Output:
	// acme <nil>
	// umbrella wrong_organization: the token is not for an organization of ["umbrella"]
	// none refused: OrganizationFunc: the request names no organization
}

func ExampleAnyOf() {
	v := exampleValidator(validator.AnyOf(
		validator.Clients("the-night-job"),
		validator.AllOf(validator.Scopes("reports:read"), validator.Permissions("reports:read")),
	))
	_, err := v.Validate(context.Background(), exampleToken(object{"azp": "another", "scope": "reports:read"}))
	var refusal *validator.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Code, refusal.Scopes)
	}
	// Output: insufficient_scope [reports:read]
}

func ExampleAuthenticatedWithin() {
	v := exampleValidator(validator.AuthenticatedWithin(5*time.Minute), validator.ACR("http://schemas.openid.net/pape/policies/2007/06/multi-factor"))
	_, err := v.Validate(context.Background(), exampleToken(object{"auth_time": 1_600_000_000}))
	var refusal *validator.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Code, refusal.MaxAge)
	}
	// Output: insufficient_user_authentication 5m0s
}
