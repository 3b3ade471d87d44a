package issuers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// WSO2 returns the Config for an API of WSO2 Identity Server, of API Manager or
// of Asgardeo. Issuer is such as "https://is.example.com:9443/oauth2/token" or
// "https://api.asgardeo.io/t/acme/oauth2/token", and audience is what is in
// "aud": the client's ID, or one that was added to the application.
//
// At WSO2, choose JWT as the application's access token type, and add the API's
// name as an audience. Otherwise the log says that the token is no JWT, or
// names the client.
//
// Sources: https://is.docs.wso2.com and tokens in public repositories
func WSO2(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{says("WSO2", "aut", "APPLICATION", "APPLICATION_USER", "AGENT")},
	}
}

// Oracle returns the Config for an API of an identity domain of Oracle Cloud,
// or of Oracle Identity Cloud Service. Domain is the host of the domain's URL,
// such as "idcs-1234.identity.oraclecloud.com", and audience the primary
// audience of the resource application.
//
// All domains have one issuer, and each has keys of its own. At Oracle, turn on
// Access signing certificate in the domain's settings. Without it, requests are
// rejected with 503, and the log says that the key set can't be had. If a
// client asks for no scope of the API, the log names the domain's address as
// "aud".
//
// An ID token is rejected by its claim tok_type. Scopes are without the
// audience that comes before them in requests. Groups are in "group" if the
// application has that claim.
//
// Source: https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/AccessToken.htm
func Oracle(domain, audience string) (validator.Config, error) {
	a := args{function: "Oracle"}
	host := strings.TrimSuffix(a.host("domain", domain), ":443")
	return a.with(validator.Config{
		Issuers:   []string{"https://identity.oraclecloud.com/", "https://" + host, "https://" + host + ":443"},
		Audiences: []string{audience},
		Checks:    []validator.Check{says("Oracle", "tok_type", "AT")},
	}, "https://"+host+"/admin/v1/SigningCert/jwk")
}

// UAA returns the Config for an API of Cloud Foundry UAA. Host is UAA's, or
// that of an identity zone, and audience the part of the API's scopes before
// the last dot, which UAA writes into "aud": "orders" for "orders.read".
//
// At UAA, give the client such a scope, or such an authority. Without it, the
// log names what "aud" has. If the client's tokens are opaque, the log says
// that the token is no JWT.
//
// A token without a scope of the API is rejected, because UAA writes the
// client's own name into "aud" too.
//
// A refresh token has the same audience, and is rejected because its "jti" ends
// in "-r" and because it has no scope. Users' authorities are scopes here.
//
// Source: https://github.com/cloudfoundry/uaa, RefreshTokenCreator.java and
// https://docs.cloudfoundry.org/api/uaa
func UAA(host, audience string) (validator.Config, error) {
	a := args{function: "UAA"}
	host = a.host("host", host)
	return a.with(validator.Config{
		Issuers:   []string{"https://" + host + "/oauth/token"},
		Audiences: []string{audience},
		Checks:    []validator.Check{notRefreshOfUAA, scopeOf(audience)},
	}, "https://"+host+"/token_keys")
}

func notRefreshOfUAA(_ context.Context, c *validator.Claims) error {
	switch {
	case strings.HasSuffix(c.ID, "-r"):
		return &validator.Error{Code: validator.CodeType, Err: errRefreshOfUAA}
	case c.ID == "" || len(c.Scopes) == 0:
		return typeError("UAA", "scope")
	}
	return nil
}

// scopeOf requires a scope of the API. UAA writes the client's own name into
// "aud" too, so a client that has the API's name gets its ID tokens, and its
// tokens for others, with the API's audience.
func scopeOf(audience string) validator.Check {
	err := fmt.Errorf("no scope begins with %q, as in access tokens of UAA for this API: have the client send one, and give it a scope of this API", audience+".")
	return func(_ context.Context, c *validator.Claims) error {
		if !slices.ContainsFunc(c.Scopes, func(scope string) bool { return strings.HasPrefix(scope, audience+".") }) {
			return &validator.Error{Code: validator.CodeType, Err: err}
		}
		return nil
	}
}

var errRefreshOfUAA = errors.New("this is a refresh token by its jti, and only access tokens are accepted: " +
	"have the client send its access token")
