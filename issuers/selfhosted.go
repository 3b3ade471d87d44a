package issuers

import (
	"context"

	"github.com/rsguard/rsguard/validator"
)

// Zitadel returns the Config for an API of a ZITADEL project. Host is the
// instance's, such as "acme-x1.zitadel.cloud", and project the project's ID.
//
// At ZITADEL, choose JWT as the application's Auth Token Type. Without it, the
// log says that the token is no JWT. An application of another project has to
// ask for the scope urn:zitadel:iam:org:project:id:PROJECT:aud. Without it, the
// log names what "aud" has.
//
// An ID token names the project as well, and is rejected by at_hash or because
// it has no "jti". Roles are the names of members of an object:
//
//	validator.CheckAs(func(_ context.Context, c struct {
//		Roles map[string]any `json:"urn:zitadel:iam:org:project:200190000000000001:roles"`
//	}) error {
//		if c.Roles["clerk"] == nil {
//			return errors.New("the user has no role clerk")
//		}
//		return nil
//	})
//
// Source: https://zitadel.com/docs/apis/openidoauth/claims
func Zitadel(host, project string) (validator.Config, error) {
	a := args{function: "Zitadel"}
	host = a.host("host", host)
	return a.discovered(validator.Config{
		Issuers:   []string{"https://" + host},
		Audiences: []string{project},
		Checks:    []validator.Check{has("ZITADEL", "jti", func(m marks) string { return m.ID })},
	})
}

// Authentik returns the Config for an API that is a client of authentik. Issuer
// is the provider's, such as "https://auth.example.com/application/o/shop/",
// and client its client ID, which is the one audience that authentik writes.
//
// At authentik, choose a signing key for the provider. Without one, the log
// says that "alg" is HS256. Leave its encryption key empty. For the client ID
// of another provider, the log names it.
//
// ID tokens have the same audience and almost the same claims. They are
// rejected by at_hash, or because they have no "uid". Groups are in "groups" if
// the provider has the scope profile.
//
// Source: https://github.com/goauthentik/authentik/blob/main/authentik/providers/oauth2/id_token.py
func Authentik(issuer, client string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{client},
		Checks: []validator.Check{validator.CheckAs(func(_ context.Context, c struct {
			UID string `json:"uid"`
		}) error {
			if c.UID == "" {
				return typeError("authentik", "uid")
			}
			return nil
		})},
	}
}

// Authelia returns the Config for an API of Authelia. Issuer is Authelia's URL,
// and audience one of those that the client may ask for.
//
// At Authelia, set access_token_signed_response_alg of the client to RS256, and
// list the API in its audience. Without the first, the log says that the token
// is no JWT. Unless the client asks for the audience, the log says that "aud"
// is missing, or empty with older versions.
//
// Scopes are in "scp". An ID token is rejected by at_hash, or because it has
// none. A token that a client asked for in its own name has no "sub", so that
// RequireRFC9068 would reject it.
//
// Sources: https://github.com/authelia/authelia/blob/master/internal/oidc/session.go
// and https://github.com/authelia/oauth2-provider/blob/master/token/jwt/claims_jwt.go
func Authelia(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{ofAuthelia, has("Authelia", "client_id", clientID)},
	}
}

// Logto returns the Config for an API resource of Logto. Host is Logto's, such
// as "acme.logto.app", and resource the API's identifier.
//
// At Logto, add an API resource, and have clients ask for it by resource=. If
// they don't, the access token is opaque, and the log says that it is no JWT.
// Logto signs with ES384, unless the key was changed to RSA.
//
// Permissions are in "scope". Roles are not in the token, unless a script adds
// them.
//
// Source: https://docs.logto.io/authorization/validate-access-tokens
func Logto(host, resource string) (validator.Config, error) {
	a := args{function: "Logto"}
	host = a.host("host", host)
	return a.discovered(validator.Config{
		Issuers:    []string{"https://" + host + "/oidc"},
		Audiences:  []string{resource},
		Algorithms: []validator.Algorithm{validator.ES384},
		Checks:     []validator.Check{has("Logto", "client_id", clientID)},
	})
}

// Dex returns the Config for an API that is a client of Dex. Issuer is Dex's
// URL, and client the ID of the client that the tokens were issued to, or of
// one that names it as a trusted peer.
//
// Dex's access tokens are ID tokens, at_hash included. So the type check is
// off, and an ID token for the client is accepted too. Users who may sign in to
// the client may call the API. Register a client for the API, and have the
// others ask for the scope audience:server:client_id:CLIENT. Without it, the
// log names the client in "aud".
//
// Groups are in "groups" if the client asks for that scope.
//
// Source: https://github.com/dexidp/dex/blob/master/server/tokens/issuer.go
func Dex(issuer, client string) validator.Config {
	return validator.Config{
		Issuers:               []string{issuer},
		Audiences:             []string{client},
		InsecureSkipTypeCheck: true,
	}
}

// Casdoor returns the Config for an API that is an application of Casdoor.
// Issuer is Casdoor's URL, and client the application's client ID.
//
// At Casdoor, choose JWT-Standard as the application's token format to have
// less in tokens. A refresh token is rejected by its claim tokenType. For
// another application of the same Casdoor, the log names its client ID.
//
// Permissions and roles are arrays of objects, which checks don't read, except
// with [validator.Claims.Decode].
//
// Source: https://github.com/casdoor/casdoor/blob/master/object/token_jwt.go
func Casdoor(issuer, client string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{client},
		Checks:    []validator.Check{says("Casdoor", "tokenType", "access-token")},
	}
}

// Hydra returns the Config for an API of Ory Hydra or Ory Network. Issuer is
// Hydra's URL, with its slash if tokens have one, and audience one of those
// that the client may ask for.
//
// At Hydra, set strategies.access_token to jwt, list the API in the client's
// audience, and have clients ask for it by audience=. Without the first, the
// log says that the token is no JWT. Without the last, "aud" is an empty array,
// and the log says so. Where clients can't ask for an audience, set
// AudienceClaim to "client_id", and Audiences to the IDs of the clients.
//
// Scopes are in "scp". What the consent application adds is in "ext".
//
// Source: https://github.com/ory/hydra/issues/3441
func Hydra(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("Hydra", "client_id", clientID)},
	}
}

// Duende returns the Config for an API resource of Duende IdentityServer, or of
// IdentityServer4. Issuer is its URL, and audience the name of the ApiResource.
//
// At IdentityServer, define an ApiResource that has the API's scopes. With
// scopes alone, the log says that "aud" is missing, or that it is the issuer's
// URL with /resources, if EmitStaticAudienceClaim is on. A client with
// AccessTokenType.Reference gets tokens that are no JWTs, and the log says so.
//
// Roles are in "role" if the resource has that user claim.
//
// Sources: https://docs.duendesoftware.com/identityserver/fundamentals/resources/api-resources
// and https://github.com/DuendeSoftware/products (DefaultTokenService.cs and
// TokenExtensions.cs)
func Duende(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("IdentityServer", "client_id", clientID)},
	}
}

// OpenIddict returns the Config for an API of a server with OpenIddict. Issuer
// is its URL, with the slash that tokens have, and audience a resource of the
// token.
//
// In the server, call DisableAccessTokenEncryption, and SetResources with the
// API's name. Without the first, the log says that the token is encrypted.
// Without the second, it says that "aud" is missing.
//
// Roles are in "role", if the server gives that claim the access token as its
// destination.
//
// Source: https://github.com/openiddict/openiddict-core/pull/895
func OpenIddict(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("OpenIddict", "client_id", clientID)},
	}
}
