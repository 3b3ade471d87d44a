package validator

import (
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
)

// A mark is a claim that says that the token is not an access token.
type mark struct {
	claim string

	// values are those of the claim, compared without regard to case, hyphens
	// and underscores. If there are none, the claim itself is the mark. A value
	// that is not listed is no mark, because an unknown issuer may use it for
	// access tokens.
	values []string

	kind   string // what the token is, as in "this is KIND"
	by     string // the issuer or library that writes it, or the standard
	source string // where that says so
}

// marks are all marks. docs/checked.md has the same table, and a test compares
// the two.
var marks = []mark{
	{"events", nil, "a security event or logout token", "RFC 8417, Section 2.2", ietf + "rfc8417"},
	{"token_introspection", nil, "a token introspection response", "RFC 9701, Section 5", ietf + "rfc9701"},
	{"response_type", nil, "an authorization request", "RFC 9101, Section 4", ietf + "rfc9101"},
	{"at_hash", nil, idToken, "OpenID Connect Core 1.0, Section 3.1.3.6", openID},
	{"c_hash", nil, idToken, "OpenID Connect Core 1.0, Section 3.3.2.11", openID},
	{"typ", []string{"ID", "Serialized-ID", "id_token"}, idToken, "Keycloak", keycloakTypes},
	{"typ", []string{"Refresh", "Offline", "refresh_token"}, "a refresh token", "Keycloak", keycloakTypes},
	{"typ", []string{"Logout"}, "a logout token", "Keycloak", keycloakTypes},
	{"typ", []string{"InitialAccessToken", "RegistrationAccessToken"}, "a client registration token", "Keycloak", github +
		"keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/services/clientregistration/ClientRegistrationTokenUtils.java"},
	{"token_use", []string{"id", "id_token"}, idToken, "Amazon Cognito",
		"https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html"},
	{"token_use", []string{"refresh", "refresh_token"}, "a refresh token", "FastMCP", github + "PrefectHQ/fastmcp/pull/3524"},
	{"tokenType", []string{"refresh-token", "refresh"}, "a refresh token", "Casdoor", github + "casdoor/casdoor/blob/master/object/token_jwt.go"},
	{"token_type", []string{"refresh", "refresh_token"}, "a refresh token", "Simple JWT for Django", github +
		"jazzband/djangorestframework-simplejwt/blob/master/rest_framework_simplejwt/tokens.py"},
	{"type", []string{"refresh", "refresh_token"}, "a refresh token", "Flask-JWT-Extended, Apache OFBiz", github +
		"vimalloc/flask-jwt-extended/blob/main/flask_jwt_extended/tokens.py"},
	{"tokenName", []string{"id_token"}, idToken, "PingAM", pingAM},
	{"tokenName", []string{"refresh_token"}, "a refresh token", "PingAM", pingAM},
	{"tok_type", []string{"IT"}, idToken, "Oracle identity domains",
		"https://docs.oracle.com/en/cloud/paas/identity-cloud/idcsa/IdentityToken.html"},
	{"drn", []string{"DSR"}, "a refresh token", "Descope", github + "descope/go-sdk/blob/main/descope/internal/auth/dpop_client_test.go"},
	{"token_usage", []string{"id_token"}, idToken, "OpenIddict", openIddict},
	{"token_usage", []string{"refresh_token"}, "a refresh token", "OpenIddict", openIddict},
	{"token_usage", []string{"authorization_code", "device_code", "user_code"}, "a code for which a client gets tokens", "OpenIddict", openIddict},
	{"purpose", []string{"id", "id_token"}, idToken, "Curity", curity},
	{"purpose", []string{"refresh_token"}, "a refresh token", "Curity", curity},
	{"ati", nil, "a refresh token", "Spring Security OAuth", github + "spring-attic/spring-security-oauth/blob/main/" +
		"spring-security-oauth2/src/main/java/org/springframework/security/oauth2/provider/token/store/JwtAccessTokenConverter.java"},
}

const (
	ietf          = "https://www.rfc-editor.org/rfc/"
	openID        = "https://openid.net/specs/openid-connect-core-1_0.html"
	github        = "https://github.com/"
	keycloakTypes = github + "keycloak/keycloak/blob/main/core/src/main/java/org/keycloak/util/TokenUtil.java"
	openIddict    = github + "openiddict/openiddict-core/blob/dev/src/OpenIddict.Server/OpenIddictServerHandlers.Introspection.cs"
	curity        = "https://curity.io/docs/identity-server/profiles/token-profile/scopes-and-claims/claims-mappers"
	pingAM        = "https://docs.pingidentity.com/pingam/8/oidc1-guide/rest-api-oidc-idtoken-validation.html"
)

// idToken is a kind that some issuers' clients use as an access token.
const idToken = "an ID token"

// accessMarks are the values of these claims that say that a token is an access
// token. Where tokens of another kind are wanted, they are marks too. All names
// are among those of marks.
var accessMarks = []mark{
	{"typ", []string{"Bearer", "DPoP"}, accessToken, "Keycloak", keycloakTypes},
	{"token_use", []string{"access", "access_token"}, accessToken, "Amazon Cognito",
		"https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html"},
	{"tokenType", []string{"access-token", "access"}, accessToken, "Casdoor", github + "casdoor/casdoor/blob/master/object/token_jwt.go"},
	{"token_type", []string{"access", "access_token", "Bearer"}, accessToken, "Simple JWT for Django", github +
		"jazzband/djangorestframework-simplejwt/blob/master/rest_framework_simplejwt/tokens.py"},
	{"type", []string{"access"}, accessToken, "Flask-JWT-Extended", github +
		"vimalloc/flask-jwt-extended/blob/main/flask_jwt_extended/tokens.py"},
	{"tokenName", []string{"access_token"}, accessToken, "PingAM", pingAM},
	{"tok_type", []string{"AT"}, accessToken, "Oracle identity domains",
		"https://docs.oracle.com/en/cloud/paas/identity-cloud/rest-api/AccessToken.html"},
	{"token_usage", []string{"access_token"}, accessToken, "OpenIddict", openIddict},
	{"purpose", []string{"access_token"}, accessToken, "Curity", curity},
}

const accessToken = "an access token"

// otherMarks are the marks of a token that should be an ID token.
type otherMarks struct {
	against *mark // the first one of another kind, or nil
	isID    bool
}

func (o *otherMarks) note(name string, v jose.Value) {
	if o == nil {
		return
	}
	m := findMark(marks, name, v)
	if m == nil {
		m = findMark(accessMarks, name, v)
	}
	switch {
	case m == nil:
	case m.kind == idToken:
		o.isID = true
	case o.against == nil:
		o.against = m
	}
}

// findMark returns the mark that a claim is, or nil.
func findMark(marks []mark, name string, v jose.Value) *mark {
	for i := range marks {
		if m := &marks[i]; m.claim == name && m.matches(v) {
			return m
		}
	}
	return nil
}

func (m *mark) matches(v jose.Value) bool {
	if len(m.values) == 0 {
		return true
	}
	text, _ := v.Text()
	for _, value := range m.values {
		if sameWord(text, value) {
			return true
		}
	}
	return false
}

// sameWord compares words so that refresh-token, refresh_token and RefreshToken
// are equal.
func sameWord(s, t string) bool {
	const separators = "-_"
	for {
		s, t = strings.TrimLeft(s, separators), strings.TrimLeft(t, separators)
		if s == "" || t == "" {
			return s == t
		}
		if lower(s[0]) != lower(t[0]) {
			return false
		}
		s, t = s[1:], t[1:]
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
