package issuers

import "github.com/rsguard/rsguard/validator"

// Keycloak returns the Config for an API of a Keycloak realm. Realm is the
// realm's URL, "https://sso.example.com/realms/shop", exactly as tokens have it
// in "iss", and audience what an audience mapper writes.
//
// At Keycloak, add a mapper of the type Audience to a client scope that the
// clients have. Without one, the log says that "aud" is missing, or is
// "account" alone. Where the realm can't be changed, set AudienceClaim to
// "azp", and Audiences to the IDs of the clients.
//
// In a cluster or a compose file, with a realm such as
// "http://keycloak:8080/realms/shop", set InsecureHTTP. If tokens name the
// realm by a public URL that the API can't reach, set Keys to a [jwks.Cache]
// with that Issuer and the reachable MetadataURL.
//
// Scopes are in "scope", realm roles at realm_access, roles, and the roles of a
// client at resource_access, the client's ID, roles:
//
//	validator.Roles([]string{"resource_access", "orders-api", "roles"}, "writer")
//
// Sources: https://www.keycloak.org/docs/latest/server_admin/#audience-support
// and https://github.com/keycloak/keycloak/blob/main/core/src/main/java/org/keycloak/util/TokenUtil.java
func Keycloak(realm, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{realm},
		Audiences: []string{audience},
		Checks:    []validator.Check{says("Keycloak", "typ", "Bearer", "DPoP")},
	}
}
