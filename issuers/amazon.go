package issuers

import "github.com/rsguard/rsguard/validator"

// Cognito returns the Config for an API whose clients are app clients of a user
// pool of Amazon Cognito. Region and userPool are such as "eu-central-1" and
// "eu-central-1_AbC123dEf", and clients are the IDs of the app clients.
//
// Cognito writes no "aud" into access tokens, so that client_id stands in for
// it: the API accepts tokens of its clients, whichever API they were meant for.
// A scope of a resource server, "shop/orders.read", tells APIs apart: require
// it by [validator.Scopes]. Where clients ask for a resource, use
// [CognitoResource].
//
// If a client sends its ID token, the log says so by the claim token_use. If
// the app client is not listed, the log names it. A user pool has one of two
// issuers, which its domain's Issuer setting chooses, and both are accepted.
//
// Scopes are in "scope", groups in "cognito:groups".
//
// Sources: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
// and https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_IssuerConfigurationType.html
// (the issuers)
func Cognito(region, userPool string, clients ...string) (validator.Config, error) {
	a := args{function: "Cognito"}
	a.some("app client", "all clients of the user pool would be accepted", clients)
	cfg := cognito(&a, region, userPool, clients)
	cfg.AudienceClaim = "client_id"
	return a.discovered(cfg)
}

// CognitoResource is [Cognito] for clients that ask for this API by resource=,
// which Cognito writes into "aud" (RFC 8707). If they don't, the log says that
// "aud" is missing.
//
// Source: the same page.
func CognitoResource(region, userPool, resource string) (validator.Config, error) {
	a := args{function: "CognitoResource"}
	return a.discovered(cognito(&a, region, userPool, []string{resource}))
}

func cognito(a *args, region, userPool string, audiences []string) validator.Config {
	a.word("region", region)
	a.word("userPool", userPool)
	pool := "cognito-idp." + region + ".amazonaws.com/" + userPool
	return validator.Config{
		Issuers:   []string{"https://" + pool, "https://issuer-" + pool},
		Audiences: audiences,
		Checks:    []validator.Check{says("Amazon Cognito", "token_use", "access")},
	}
}
