package issuers

import (
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// Okta returns the Config for an API of a custom authorization server of Okta.
// Issuer is the server's, such as "https://acme.okta.com/oauth2/default", and
// audience is what the server has for its audience.
//
// It is an error if issuer is the org authorization server's, such as
// "https://acme.okta.com": its access tokens are for Okta's own APIs, and
// nothing but Okta may read or verify them. At Okta, use or add a server at
// Security > API. If a client asks the org server, the log says that "iss" is
// the address without /oauth2/.
//
// Scopes are in "scp". Okta has no claim for roles: add one that holds groups.
//
// Sources: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
// and https://github.com/okta/okta-jwt-verifier-golang/issues/86
func Okta(issuer, audience string) (validator.Config, error) {
	a := args{function: "Okta"}
	issuer = strings.TrimRight(strings.TrimSpace(issuer), "/")
	if !strings.Contains(issuer, "/oauth2/") {
		a.wrong("%q is an org authorization server, whose access tokens only Okta can verify: "+
			"use a custom one, such as https://acme.okta.com/oauth2/default", issuer)
	}
	return a.discovered(validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("Okta", "cid", func(m marks) string { return m.CID })},
	})
}
