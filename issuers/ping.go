package issuers

import "github.com/rsguard/rsguard/validator"

// PingOne returns the Config for an API of a PingOne environment. Host is that
// of the region or a custom domain, such as "auth.pingone.eu", environment the
// environment's ID, and audience what the custom resource has for its audience.
//
// At PingOne, add a custom resource with a scope, and give the application that
// scope. If a client asks for no scope of it, the token is for PingOne's own
// API, and the log says that "aud" is https://api.pingone.eu.
//
// Source: https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html
func PingOne(host, environment, audience string) (validator.Config, error) {
	a := args{function: "PingOne"}
	host = a.host("host", host)
	a.word("environment", environment)
	return a.discovered(validator.Config{
		Issuers:   []string{"https://" + host + "/" + environment + "/as"},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("PingOne", "client_id", clientID)},
	})
}

// PingFederate returns the Config for an API of PingFederate. Issuer and
// audience are the claims that the access token manager has for "iss" and
// "aud", which it writes only if they are set.
//
// At PingFederate, use an access token manager of the type JSON Web Tokens, and
// set its Issuer Claim Value, its Audience Claim Value and a signing key that
// is published. Without them, the log says that "iss" or "aud" is missing. If
// the manager is of the type Internally Managed Reference Tokens, the log says
// that the token is no JWT. Where the manager has a key set of its own, set
// Keys to a [jwks.Cache] with its URL.
//
// Source: https://docs.pingidentity.com/r/en-us/pingfederate-113/help_beareraccesstokenmgmtplugintasklet_atmcontractstate
func PingFederate(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("PingFederate", "client_id", clientID)},
	}
}

// ForgeRock returns the Config for an API of PingAM or PingOne Advanced
// Identity Cloud, which were ForgeRock AM and Identity Cloud. Issuer is the
// realm's, such as "https://am.example.com:443/am/oauth2/realms/root/realms/alpha",
// and audience is what is in "aud", which is the client's ID unless a script
// changes it.
//
// At AM, turn on Use Client-Based Access & Refresh Tokens in the OAuth 2.0
// provider, choose an RS256 signing algorithm and turn encryption off.
// Otherwise the log says that the token is no JWT, or is encrypted. Have an
// access token modification script write the API's name into "aud". Without it,
// the log names the client.
//
// A refresh token is rejected by its claim tokenName.
//
// Sources: https://docs.pingidentity.com/pinggateway/2026/gateway-guide/oauth2-rs-stateless.html
// and tokens in public repositories
func ForgeRock(issuer, audience string) validator.Config {
	return validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{says("PingAM", "tokenName", "access_token")},
	}
}
