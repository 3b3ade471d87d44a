package mockissuer

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	grantExchange  = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantAssertion = "urn:ietf:params:oauth:grant-type:jwt-bearer"

	typeAccess = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT    = "urn:ietf:params:oauth:token-type:jwt"
)

// tokenExchange implements RFC 8693, Section 2, for an access token of this
// issuer that an API has received. The new token is for another API, on behalf
// of the same subject, and names the client as its actor.
func (iss *Issuer) tokenExchange(req tokenRequest) (tokenAnswer, error) {
	switch {
	case req.params["actor_token"] != "" || req.params["actor_token_type"] != "":
		return tokenAnswer{}, invalidRequest("Actor tokens are not supported")
	case req.params["subject_token_type"] != typeAccess && req.params["subject_token_type"] != typeJWT:
		return tokenAnswer{}, invalidRequest("subject_token_type must be " + typeAccess)
	case req.params["requested_token_type"] != "" && req.params["requested_token_type"] != typeAccess:
		return tokenAnswer{}, invalidRequest("requested_token_type must be " + typeAccess)
	}
	result, err := iss.onBehalf(req, req.params["subject_token"])
	result.IssuedTokenType = typeAccess
	return result, err
}

// assertion implements RFC 7523, Section 2.1, with an access token of this
// issuer as the assertion, as issuers have it that call it "on behalf of".
func (iss *Issuer) assertion(req tokenRequest) (tokenAnswer, error) {
	return iss.onBehalf(req, req.params["assertion"])
}

// onBehalf issues a token for the subject of another, which it does not outlive.
func (iss *Issuer) onBehalf(req tokenRequest, token string) (tokenAnswer, error) {
	if req.client.public() {
		return tokenAnswer{}, refuse(http.StatusForbidden, "unauthorized_client", "A client without a secret acts on nobody's behalf")
	}
	claims, ok := iss.ownClaims(token)
	subject, _ := claims["sub"].(string)
	if aud, _ := claims["aud"].(string); ok {
		_, isClient := iss.cfg.client(aud)
		ok = !isClient // an ID token is no token to act with
	}
	if !ok || subject == "" || iss.isRevoked(token) {
		return tokenAnswer{}, refuse(http.StatusBadRequest, "invalid_grant", "The token is not an access token that is valid here")
	}
	audience := iss.audience(req.params)
	api, ok := iss.cfg.api(audience)
	scopes := scopesFor(req.client.Grants, audience)
	if !ok || !slices.ContainsFunc(req.client.Grants, func(g Grant) bool { return g.API == audience }) {
		return tokenAnswer{}, refuse(http.StatusBadRequest, "invalid_target", "The client may not get tokens for "+audience) // RFC 8693, Section 2.2.2
	}
	if asked := strings.Fields(req.params["scope"]); len(asked) > 0 {
		scopes = slices.DeleteFunc(asked, func(s string) bool { return !slices.Contains(scopes, s) })
	}
	access := Access{
		Issuer: req.issuer, Client: req.client.ID, Audience: audience, Scopes: scopes, Key: req.key,
		Claims: map[string]any{"sub": subject, "gty": nil, "act": actor(req.client, claims)},
	}
	if org, _ := claims["org_id"].(string); org != "" {
		access.Organization = org
	}
	if exp, isNumber := claims["exp"].(float64); isNumber {
		left := time.Unix(int64(exp), 0).Sub(iss.Now())
		access.Lifetime = max(min(api.lifetime(), left), time.Second)
	}
	return iss.issue(access, api)
}

// actor is the claim act of RFC 8693, Section 4.1, with those who acted before.
func actor(client Client, claims map[string]any) map[string]any {
	act := map[string]any{"sub": client.ID}
	if before, ok := claims["act"].(map[string]any); ok {
		act["act"] = before
	}
	return act
}
