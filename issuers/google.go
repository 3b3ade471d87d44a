package issuers

import (
	"context"
	"errors"
	"slices"

	"github.com/rsguard/rsguard/validator"
)

// Google returns the Config for a service that is called with ID tokens of
// Google service accounts, as Cloud Run, Cloud Scheduler, Pub/Sub and the
// metadata server have them. Audience is what the caller names, usually the
// service's URL, and serviceAccounts are the email addresses of the callers.
//
// It is an error to name none: everyone with a Google account can have an ID
// token for any audience. If the caller is another one, the log names those
// that were expected. If its email is missing, the caller has to ask for
// includeEmail or format=full.
//
// Google's access tokens are opaque and can't be verified here. The log says
// that such a token is no JWT.
//
// Source: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken
func Google(audience string, serviceAccounts ...string) (validator.Config, error) {
	a := args{function: "Google"}
	a.some("service account", "everyone with a Google account can have a token for this audience", serviceAccounts)
	emails := slices.Clone(serviceAccounts)
	return a.discovered(validator.Config{
		Issuers:   []string{"https://accounts.google.com"},
		Audiences: []string{audience},
		Checks: []validator.Check{
			validator.CheckAs(func(_ context.Context, c struct {
				Email    string `json:"email"`
				Verified bool   `json:"email_verified"`
			}) error {
				switch {
				case c.Email == "":
					return errors.New("the token has no email: the caller must ask for it by includeEmail or format=full")
				case !c.Verified || !slices.Contains(emails, c.Email):
					return errors.New("the token's email is not verified, or is none of " + quoted(emails))
				}
				return nil
			}),
		},
	})
}

// GoogleIAP returns the Config for a service behind Google Cloud's
// Identity-Aware Proxy. Audience is such as
// "/projects/712/global/backendServices/94". The token comes in a header of its
// own, which a Token function of package middleware returns:
//
//	func(r *http.Request) (string, error) { return r.Header.Get("X-Goog-Iap-Jwt-Assertion"), nil }
//
// Without that function there are no credentials. For another audience, the log
// names the token's.
//
// Source: https://cloud.google.com/iap/docs/signed-headers-howto
func GoogleIAP(audience string) (validator.Config, error) {
	a := args{function: "GoogleIAP"}
	return a.with(validator.Config{
		Issuers:    []string{"https://cloud.google.com/iap"},
		Audiences:  []string{audience},
		Algorithms: []validator.Algorithm{validator.ES256},
	}, "https://www.gstatic.com/iap/verify/public_key-jwk")
}

// Firebase returns the Config for a service of a Firebase project, or of Google
// Cloud Identity Platform. Firebase calls the tokens that its clients get and
// send ID tokens, and has no others for APIs.
//
// Nothing has to be set. Session cookies are another kind of token, and the log
// says that their "iss" is https://session.firebase.google.com/. Custom tokens,
// which a server makes for a client to sign in with, have an email address
// there.
//
// Roles are the custom claims that a server has set for the user.
//
// Source: https://firebase.google.com/docs/reference/admin/node/firebase-admin.auth.decodedidtoken
func Firebase(project string) (validator.Config, error) {
	a := args{function: "Firebase"}
	a.word("project", project)
	return a.discovered(validator.Config{
		Issuers:   []string{"https://securetoken.google.com/" + project},
		Audiences: []string{project},
		Checks: []validator.Check{func(_ context.Context, c *validator.Claims) error {
			if c.Subject == "" {
				return &validator.Error{Code: validator.CodeClaim, Err: errors.New("sub is missing or empty, want the user's ID")}
			}
			return nil
		}},
	})
}
