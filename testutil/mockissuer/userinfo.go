package mockissuer

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// serveUserInfo implements OpenID Connect Core 1.0, Section 5.3. It takes
// opaque tokens, and JWTs with its URL in their audience. A token that is bound
// to a DPoP key needs a proof (RFC 9449, Section 7).
func (iss *Issuer) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	bound := strings.EqualFold(scheme, "DPoP")
	if !bound && !strings.EqualFold(scheme, "Bearer") || token == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		answer(w, http.StatusUnauthorized, refuse(0, "unauthorized", "There is no access token"))
		return
	}
	scheme = "Bearer"
	key := ""
	if bound {
		scheme = "DPoP"
		var err error
		if key, err = iss.boundTo(w, r, token); err != nil {
			var refusal *oauthError
			errors.As(err, &refusal)
			w.Header().Set("WWW-Authenticate", scheme+` error="`+refusal.Code+`"`)
			answer(w, http.StatusUnauthorized, refusal)
			return
		}
	}
	h, ok := iss.holder(token, iss.issuerOf(r))
	if !ok || h.key != key || bound && key == "" {
		w.Header().Set("WWW-Authenticate", scheme+` error="invalid_token"`)
		answer(w, http.StatusUnauthorized, refuse(0, "invalid_token", "The token is not one for this endpoint"))
		return
	}
	if note := noteFor(r); note != nil {
		note.Note = h.user.ID
	}
	answer(w, http.StatusOK, h.user.profile(h.scopes))
}

// A holder is the subject of a token at /userinfo.
type holder struct {
	user   User
	scopes []string
	key    string // thumbprint that the token is bound to, or empty
}

func (iss *Issuer) holder(token, issuer string) (holder, bool) {
	if b, ok := iss.opaque(token); ok {
		user, ok := iss.cfg.user(b.user)
		return holder{user, b.scopes, b.key}, ok && b.issuer == issuer && slices.Contains(b.scopes, "openid")
	}
	claims, ok := iss.ownClaims(token)
	if !ok {
		return holder{}, false
	}
	audience, _ := claims["aud"].([]any)
	if !slices.Contains(audience, any(userInfoAudience(issuer))) {
		return holder{}, false
	}
	key := ""
	if cnf, bound := claims["cnf"]; bound {
		members, _ := cnf.(map[string]any)
		if key, _ = members["jkt"].(string); key == "" {
			return holder{}, false // bound in a way that cannot be proven here
		}
	}
	subject, _ := claims["sub"].(string)
	scope, _ := claims["scope"].(string)
	user, ok := iss.cfg.user(subject)
	return holder{user, strings.Fields(scope), key}, ok
}

func (iss *Issuer) opaque(token string) (*bearing, bool) {
	now := iss.Now()
	iss.mu.Lock()
	defer iss.mu.Unlock()

	b, ok := iss.grants.opaque.find(token)
	if !ok || b.revoked || !now.Before(b.expires) {
		return nil, false
	}
	return b, true
}

// serveIntrospection implements RFC 7662. The caller must be a client with a
// secret.
func (iss *Issuer) serveIntrospection(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r)
	if err != nil {
		answerError(w, r, err)
		return
	}
	client, err := iss.authenticate(r, params)
	if err != nil || client.Secret == "" {
		// RFC 7662, Section 2.3, requires the error of RFC 6749.
		answerError(w, r, refuse(http.StatusUnauthorized, "invalid_client", "Unauthorized"))
		return
	}
	token, ok := params["token"]
	if !ok {
		answerError(w, r, invalidRequest("Missing required parameter: token"))
		return
	}
	answer(w, http.StatusOK, iss.introspect(token))
}

func (iss *Issuer) introspect(token string) map[string]any {
	if b, ok := iss.opaque(token); ok {
		out := map[string]any{
			"active": true, "token_type": tokenType(b.key), "iss": b.issuer, "sub": b.user, "client_id": b.client,
			"aud": userInfoAudience(b.issuer), "scope": strings.Join(b.scopes, " "),
			"iat": b.at.Unix(), "exp": b.expires.Truncate(time.Second).Unix(),
		}
		if b.key != "" {
			out["cnf"] = map[string]any{"jkt": b.key}
		}
		return out
	}
	claims, ok := iss.ownClaims(token)
	if client, isString := claims["aud"].(string); ok && isString {
		_, isClient := iss.cfg.client(client)
		ok = !isClient // an ID token is for a client, and is no token to act with
	}
	if !ok {
		// RFC 7662, Section 2.2: the response says nothing more about a token
		// that is not active.
		return map[string]any{"active": false}
	}

	out := maps.Clone(claims)
	out["active"] = true
	out["token_type"] = "Bearer"
	if _, bound := out["cnf"]; bound {
		out["token_type"] = "DPoP"
	}
	if _, ok := out["client_id"]; !ok && out["azp"] != nil {
		out["client_id"] = out["azp"]
	}
	return out
}
