package issuers

import (
	"context"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

func hasDot(host string) bool { return strings.Contains(host, ".") }

// Clerk returns the Config for an API that is called with session tokens of
// Clerk. FrontendAPI is the host of Clerk's Frontend API, such as
// "clerk.example.com" or "acme.clerk.accounts.dev", and origins are those of
// the web applications, "https://app.example.com".
//
// Clerk writes no "aud" into session tokens, so that "azp" stands in for it,
// which is the Origin of the page that got the token. If another page of the
// instance sends its token, the log names its origin. A native application has
// no origin, and the log says that azp is missing. For it, add "aud" to the
// claims of the session token (Sessions > Customize session token), and the
// same value to Audiences. The tokens of JWT templates are no session tokens,
// have no "sid" and are rejected.
//
// The session is in "sid". Roles of the active organization are in the object
// "o", as "rol".
//
// Source: https://clerk.com/docs/guides/sessions/session-tokens
func Clerk(frontendAPI string, origins ...string) (validator.Config, error) {
	a := args{function: "Clerk"}
	host := a.host("frontendAPI", frontendAPI)
	a.some("origin", "session tokens of every page of the instance would be accepted", origins)
	return a.with(validator.Config{
		Issuers:       []string{"https://" + host},
		Audiences:     origins,
		AudienceClaim: "azp",
		Checks: []validator.Check{validator.CheckAs(func(_ context.Context, c struct {
			Session string `json:"sid"`
			Status  string `json:"sts"`
		}) error {
			switch {
			case c.Session == "":
				return typeError("Clerk", "sid")
			case c.Status == "pending":
				return &validator.Error{Code: validator.CodeRefused, Err: errPending}
			}
			return nil
		})},
	}, "https://"+host+"/.well-known/jwks.json")
}

// Supabase returns the Config for an API that is called with the access tokens
// of a Supabase project. Project is the project's reference, or the host of its
// API where that has a domain of its own.
//
// At Supabase, use asymmetric JWT signing keys with ES256, which is the default
// of new projects. For RS256, change Algorithms. If the project still signs
// with its legacy JWT secret, the log says that "alg" is HS256: use
// [SupabaseSecret]. While keys are being changed, a [validator.Mux] of both
// accepts tokens of both, each by its own kind of key:
//
//	mux, err := validator.NewMux(byKeys, bySecret)
//
// The API keys anon and service_role are JWTs too, of another issuer, and are
// rejected. Users who signed in anonymously have the claim is_anonymous. The
// role in "role" is the database's, and what an application knows of a user is
// in "app_metadata". Never decide by "user_metadata", which users can change.
//
// Sources: https://supabase.com/docs/guides/auth/jwt-fields and
// https://supabase.com/docs/guides/auth/signing-keys
func Supabase(project string) (validator.Config, error) {
	a := args{function: "Supabase"}
	cfg := supabase(&a, project)
	cfg.Algorithms = []validator.Algorithm{validator.ES256}
	return a.with(cfg, cfg.Issuers[0]+"/.well-known/jwks.json")
}

// SupabaseSecret is [Supabase] for a project that signs with its legacy JWT
// secret, by HS256. Secret is the text that the dashboard shows at Project
// Settings > JWT Keys, as it is. A service that has it can make tokens of every
// user and role. If the project signs with a key pair, the log says that "alg"
// is ES256.
//
// Source: https://supabase.com/docs/guides/auth/signing-keys. That the secret is
// not decoded was not found in the documentation.
func SupabaseSecret(project, secret string) (validator.Config, error) {
	a := args{function: "SupabaseSecret"}
	if secret == "" {
		a.wrong("secret is empty, want the project's JWT secret")
	}
	cfg := supabase(&a, project)
	cfg.Secret = []byte(secret)
	return a.discovered(cfg)
}

func supabase(a *args, project string) validator.Config {
	host := a.host("project", project)
	if !hasDot(host) {
		host += ".supabase.co"
	}
	return validator.Config{
		Issuers:   []string{"https://" + host + "/auth/v1"},
		Audiences: []string{"authenticated"},
		Checks:    []validator.Check{says("Supabase", "role", "authenticated")},
	}
}

// WorkOS returns the Config for an API that is called with the session tokens
// of WorkOS AuthKit. Client is the ID of the environment's client, such as
// "client_01H…".
//
// WorkOS writes no "aud" into session tokens, so that client_id stands in for
// it. If neither is there, the log says so: add
//
//	{"client_id": "client_01H…"}
//
// to the JWT template of the environment. Other environments have other keys.
// Where the environment has a custom domain for authentication, tokens may have
// its URL in "iss", and the log names it: add it to Issuers.
// For tokens of WorkOS Connect, whose "aud" is the resource, use a Config with
// the AuthKit domain as the issuer.
//
// The role of the active organization is in "role" and "roles", permissions are
// in [validator.Claims].Permissions, the organization in OrgID, and an
// administrator who impersonates the user in "act".
//
// Sources: https://workos.com/docs/reference/authkit/session-tokens,
// https://workos.com/docs/authkit/sessions and
// https://github.com/workos/workos-node/pull/1694 (the issuers). That client_id
// is in the token wasn't found in the documentation, and not all examples of
// tokens have it.
func WorkOS(client string) (validator.Config, error) {
	a := args{function: "WorkOS"}
	a.word("client", client)
	return a.with(validator.Config{
		// WorkOS documents the last one in both ways.
		Issuers:       []string{"https://api.workos.com/user_management/" + client, "https://api.workos.com", "https://api.workos.com/"},
		Audiences:     []string{client},
		AudienceClaim: "client_id",
		Checks: []validator.Check{validator.CheckAs(func(_ context.Context, c struct {
			Session string `json:"sid"`
		}) error {
			if c.Session == "" {
				return typeError("WorkOS", "sid")
			}
			return nil
		})},
	}, "https://api.workos.com/sso/jwks/"+client)
}

// Descope returns the Config for an API that is called with session tokens of a
// Descope project. Project is the project's ID, such as "P2abc".
//
// Session tokens name the project in "iss", alone or at the end of a URL of
// Descope's API in the project's region, which is a part of long IDs, and in
// "aud" only if a JWT template says so. At Descope, choose a template that
// writes the project's ID into "aud". Without it, the log says that "aud" is
// missing. For an audience of your own, change Audiences. Where the project has a
// custom domain, add its URL to Issuers.
//
// A refresh token is rejected by its claim "drn". Roles and permissions are in
// "roles" and "permissions", and for tenants at "tenants", the tenant's ID.
//
// Sources: https://docs.descope.com/session-overview,
// https://docs.descope.com/authorization/session-management/session-validation/oidc-jwt-authorizers/dotnet-jwt-validation
// and https://github.com/descope/go-sdk (baseURLForProjectID)
func Descope(project string) (validator.Config, error) {
	a := args{function: "Descope"}
	a.word("project", project)
	api := "https://api.descope.com/"
	if len(project) >= 32 {
		api = "https://api." + project[1:5] + ".descope.com/"
	}
	return a.with(validator.Config{
		Issuers:   []string{api + "v1/apps/" + project, api + project, project},
		Audiences: []string{project},
		Checks:    []validator.Check{says("Descope", "drn", "DS")},
	}, api+project+"/.well-known/jwks.json")
}

// Stytch returns the Config for an API that is called with session JWTs of a
// Stytch project for consumers. Project is the project's ID, such as
// "project-live-…" or "project-test-…". Where the project has a custom domain,
// add it to Issuers.
//
// Nothing has to be set. Stytch's session tokens that are no JWTs can't be
// verified here, and the log says so.
//
// Source: https://stytch.com/docs/api/jwks-get
func Stytch(project string) (validator.Config, error) {
	return stytch("Stytch", project, "sessions", "https://stytch.com/session")
}

// StytchB2B is [Stytch] for a project for businesses. Roles and the
// organization are in the claims https://stytch.com/session and
// https://stytch.com/organization.
//
// Sources: https://github.com/stytchauth/stytch-node/blob/main/lib/b2b/sessions.ts
// and https://stytch.com/docs/b2b/api/connected-app-access-token
func StytchB2B(project string) (validator.Config, error) {
	return stytch("StytchB2B", project, "b2b/sessions", "https://stytch.com/session")
}

func stytch(function, project, path, session string) (validator.Config, error) {
	a := args{function: function}
	a.word("project", project)
	host := "api.stytch.com"
	if strings.HasPrefix(project, "project-test-") {
		host = "test.stytch.com"
	}
	return a.with(validator.Config{
		Issuers:   []string{"stytch.com/" + project},
		Audiences: []string{project},
		Checks: []validator.Check{validator.CheckAs(func(_ context.Context, c map[string]any) error {
			if c[session] == nil {
				return typeError("Stytch", session)
			}
			return nil
		})},
	}, "https://"+host+"/v1/"+path+"/jwks/"+project)
}

// FusionAuth returns the Config for an API that is called with access tokens of
// a FusionAuth application. Host is that of FusionAuth, issuer the tenant's
// Issuer, which is "acme.com" until it is changed, and application the ID of
// the application.
//
// At FusionAuth, choose an RS256 key as the application's access token signing
// key (Applications > JWT). Without it, the log says that "alg" is HS256.
//
// Roles of the application are in "roles", the tenant is in "tid".
//
// Source: https://github.com/FusionAuth/fusionauth-site, the example tokens at
// astro/src/content/docs/lifecycle/authenticate-users/oauth
func FusionAuth(host, issuer, application string) (validator.Config, error) {
	a := args{function: "FusionAuth"}
	host = a.host("host", host)
	return a.with(validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{application},
		Checks: []validator.Check{validator.CheckAs(func(_ context.Context, c struct {
			Type string `json:"tty"`
			JTI  string `json:"jti"`
		}) error {
			// Versions before tty have a jti in access tokens alone.
			if c.Type != "at" && (c.Type != "" || c.JTI == "") {
				return typeError("FusionAuth", "tty")
			}
			return nil
		})},
	}, "https://"+host+"/.well-known/jwks.json")
}
