package issuers

import "github.com/rsguard/rsguard/validator"

// Auth0 returns the Config for an API of an Auth0 tenant. Domain is the
// tenant's, such as "tenant.eu.auth0.com", and audience the API's identifier.
// CustomDomains are further domains of the same tenant, whose tokens name them
// in "iss".
//
// At Auth0, create an API (Applications > APIs) with this identifier, and have
// clients ask for it by audience=. If they don't, the access token is opaque or
// encrypted, and the log says so, or it is for another API, and the log names
// its audience.
//
// If the API's signing algorithm is PS256, add it to Algorithms. The tenant
// must leave "alg" out of its key set then, or the log says that the key is for
// RS256.
//
// Source: https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
func Auth0(domain, audience string, customDomains ...string) validator.Config {
	cfg := validator.Auth0(domain, audience)
	for _, custom := range customDomains {
		cfg.Issuers = append(cfg.Issuers, validator.Auth0(custom, audience).Issuers...)
	}
	return cfg
}
