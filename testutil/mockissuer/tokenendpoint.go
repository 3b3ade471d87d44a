package mockissuer

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A tokenRequest is a request that was read, from a client that was
// authenticated.
type tokenRequest struct {
	issuer string // the URL of the issuer to which it was sent
	client Client
	params map[string]string
	key    string // thumbprint of the DPoP key that the client has proven to hold, or empty
}

// tokenAnswer is the response of RFC 6749, Section 5.1.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`
	TokenType    string `json:"token_type"`

	IssuedTokenType string `json:"issued_token_type,omitempty"` // of an exchange (RFC 8693, Section 2.2.1)

	note string
}

// serveToken is the token endpoint.
func (iss *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r)
	if err != nil {
		iss.refuseToken(w, r, "", err)
		return
	}
	grants := map[string]func(tokenRequest) (tokenAnswer, error){
		"client_credentials": iss.clientCredentials,
		"authorization_code": iss.authorizationCode,
		"refresh_token":      iss.refreshToken,
		grantExchange:        iss.tokenExchange,
		grantAssertion:       iss.assertion,
	}
	grantType := params["grant_type"]
	if grantType == "" {
		iss.refuseToken(w, r, "", invalidRequest("Missing required parameter: grant_type"))
		return
	}
	grant, ok := grants[grantType]
	if !ok {
		iss.refuseToken(w, r, "", refuse(http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: "+grantType))
		return
	}

	client, err := iss.authenticate(r, params)
	if err != nil {
		iss.refuseToken(w, r, claimedClient(r, params), err)
		return
	}
	key, err := iss.boundTo(w, r, "")
	if err != nil {
		iss.refuseToken(w, r, client.ID, err)
		return
	}
	result, err := grant(tokenRequest{issuer: iss.issuerOf(r), client: client, params: params, key: key})
	if err != nil {
		iss.refuseToken(w, r, client.ID, err)
		return
	}
	if note := noteFor(r); note != nil {
		note.Note = result.note
	}
	iss.cfg.Logger.LogAttrs(r.Context(), slog.LevelInfo, "token issued",
		slog.String("grant", grantType), slog.String("client", client.ID), slog.String("for", result.note))
	answer(w, http.StatusOK, result)
}

func (iss *Issuer) refuseToken(w http.ResponseWriter, r *http.Request, client string, err error) {
	iss.cfg.Logger.LogAttrs(r.Context(), slog.LevelInfo, "token request rejected",
		slog.String("client", client), slog.String("error", redact(err.Error())))
	answerError(w, r, err)
}

// claimedClient returns the client that a request claims to be from, for the
// log.
func claimedClient(r *http.Request, params map[string]string) string {
	id := params["client_id"]
	if basicID, _, err := basic(r); err == nil {
		id = basicID
	}
	const most = 256
	return redact(id[:min(len(id), most)])
}

func denied(description string) *oauthError {
	return refuse(http.StatusForbidden, "access_denied", description)
}

// clientCredentials implements RFC 6749, Section 4.4.
func (iss *Issuer) clientCredentials(req tokenRequest) (tokenAnswer, error) {
	if req.client.public() {
		return tokenAnswer{}, refuse(http.StatusForbidden, "unauthorized_client",
			"Grant type 'client_credentials' not allowed for the client.")
	}
	audience := iss.audience(req.params)
	if audience == "" {
		return tokenAnswer{}, denied("No audience was asked for, and the tenant has no default one")
	}
	api, ok := iss.cfg.api(audience)
	if !ok {
		return tokenAnswer{}, denied("Service not found: " + audience)
	}
	if !slices.ContainsFunc(req.client.Grants, func(g Grant) bool { return g.API == audience }) {
		return tokenAnswer{}, denied(`Client is not authorized to access "` + audience +
			`". You need to create a "client-grant" associated to this API.`)
	}

	scopes := scopesFor(req.client.Grants, audience)
	if asked := strings.Fields(req.params["scope"]); len(asked) > 0 {
		missing := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return slices.Contains(scopes, s) })
		if len(missing) > 0 {
			return tokenAnswer{}, denied("Client has not been granted scopes: " + strings.Join(missing, ", "))
		}
		scopes = asked
	}
	access := Access{Issuer: req.issuer, Client: req.client.ID, Audience: audience, Scopes: scopes, Key: req.key}
	if wanted := req.params["organization"]; wanted != "" {
		org, ok := iss.cfg.organization(wanted)
		if !ok || !org.among(req.client.Organizations) {
			return tokenAnswer{}, denied("Client is not allowed to use the organization: " + wanted)
		}
		access.Organization = org.ID
	}
	return iss.issue(access, api)
}

// issue returns the response with an access token.
func (iss *Issuer) issue(access Access, api API) (tokenAnswer, error) {
	token, err := iss.Issue(access)
	if err != nil {
		return tokenAnswer{}, err
	}
	note := access.Audience
	if access.User != "" {
		note += " as " + access.User
	}
	if access.Organization != "" {
		note += " in " + access.Organization
	}
	lifetime := access.Lifetime
	if lifetime == 0 {
		lifetime = api.lifetime()
	}
	return tokenAnswer{
		AccessToken: token,
		Scope:       strings.Join(access.Scopes, " "),
		ExpiresIn:   int64(lifetime / time.Second),
		TokenType:   tokenType(access.Key),
		note:        note,
	}, nil
}

// tokenType returns the token_type (RFC 9449, Section 5).
func tokenType(key string) string {
	if key != "" {
		return "DPoP"
	}
	return "Bearer"
}

// audience returns the API of a request: its audience, its resource, or the
// default, in this order.
func (iss *Issuer) audience(params map[string]string) string {
	if a := params["audience"]; a != "" {
		return a
	}
	if resource := params["resource"]; resource != "" && !iss.cfg.IgnoreResource {
		return resource
	}
	return iss.cfg.DefaultAudience
}
