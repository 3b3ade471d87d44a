package mockissuer

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const introspectionJWT = "application/token-introspection+jwt"

// Opaque returns a token without content. [EndpointIntrospection] answers for
// it with t's claims and the defaults of [Issuer.Sign], and with "active",
// "token_type" and "client_id", which t's claims may replace too. A claim that
// is nil is left out. By default the token is not active before nbf, from exp
// on, and after [Issuer.Revoke]. If t's claims have "active", it is sent as it
// is until the token is revoked.
//
// The other fields of t are ignored. The issuer remembers the last 10,000
// opaque tokens. Opaque returns an error if a claim has no JSON form.
func (iss *Issuer) Opaque(t Token) (string, error) {
	claims := iss.defaultClaims()
	overlay(claims, t.Claims)
	raw, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("mockissuer: claims: %w", err)
	}
	held := make(map[string]any) // a copy that the caller cannot change
	if err := json.Unmarshal(raw, &held); err != nil {
		return "", fmt.Errorf("mockissuer: claims: %w", err)
	}
	out := make(map[string]any)
	introspected(out, held)
	for name, value := range t.Claims {
		if value == nil {
			delete(out, name)
		}
	}

	iss.mu.Lock()
	defer iss.mu.Unlock()
	_, asWritten := t.Claims["active"]
	return iss.grants.made.add(handmade{out, asWritten}), nil
}

// Introspections returns the number of requests for introspection.
func (iss *Issuer) Introspections() int { return iss.Count(EndpointIntrospection) }

// Revoke ends a token. [EndpointIntrospection] answers from then on that it is
// not active, and [EndpointUserInfo] rejects it. A refresh token ends together
// with all opaque tokens of its login (RFC 7009, Section 2.1). The signature of
// a JWT stays valid, so a service that doesn't introspect it accepts it until
// it expires. The issuer remembers the last 10,000 revocations.
func (iss *Issuer) Revoke(token string) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	if b, ok := iss.grants.refresh.find(token); ok {
		b.revoked = true
	}
	hash := sha256.Sum256([]byte(token))
	if slices.Contains(iss.revoked, hash) {
		return
	}
	if len(iss.revoked) == keptGrants {
		iss.revoked = slices.Delete(iss.revoked, 0, 1)
	}
	iss.revoked = append(iss.revoked, hash)
}

func (iss *Issuer) isRevoked(token string) bool {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return slices.Contains(iss.revoked, sha256.Sum256([]byte(token)))
}

// serveIntrospection implements RFC 7662, and RFC 9701 for a caller that
// accepts a signed answer. The caller must be a client that can prove its
// identity.
func (iss *Issuer) serveIntrospection(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r)
	if err != nil {
		answerError(w, r, err)
		return
	}
	client, err := iss.authenticate(r, params)
	if err != nil || client.public() {
		// RFC 7662, Section 2.3, requires the error of RFC 6749.
		answerError(w, r, refuse(http.StatusUnauthorized, "invalid_client", "Unauthorized"))
		return
	}
	token, ok := params["token"]
	if !ok {
		answerError(w, r, invalidRequest("Missing required parameter: token"))
		return
	}

	about := iss.introspect(token)
	fault, _ := r.Context().Value(faultKey{}).(FaultKind)
	switch fault {
	case FaultActiveString:
		about["active"] = fmt.Sprint(about["active"])
	case FaultWrongIssuer:
		about["iss"] = "https://somebody-else.example.com/"
	case FaultOtherToken:
		about = map[string]any{
			"active": true, "sub": "auth0|somebody-else", "iss": iss.issuerOf(r), "aud": DefaultAudience,
			"exp": iss.Now().Add(time.Hour).Unix(),
		}
	}
	body, err := json.Marshal(about)
	if err != nil {
		answerError(w, r, err)
		return
	}
	if fault == FaultDuplicateMember {
		body = append([]byte(`{"active":false,`), body[1:]...)
	}

	w.Header().Set("Vary", "Accept")
	if !strings.Contains(r.Header.Get("Accept"), introspectionJWT) {
		answer(w, http.StatusOK, json.RawMessage(body))
		return
	}
	// RFC 9701, Section 5.
	signed, err := iss.Sign(Token{
		Header: map[string]any{"typ": "token-introspection+jwt"},
		Claims: map[string]any{
			"iss": iss.issuerOf(r), "aud": client.ID, "sub": nil, "exp": nil, "token_introspection": json.RawMessage(body),
		},
	})
	if err != nil {
		answerError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	respond(w, introspectionJWT, signed)
}

// inactive is the answer of RFC 7662, Section 2.2. It says nothing more about a
// token that is not active.
func inactive() map[string]any { return map[string]any{"active": false} }

// introspect returns a new map that the caller may change.
func (iss *Issuer) introspect(token string) map[string]any {
	if iss.isRevoked(token) {
		return inactive()
	}
	if out, ok := iss.handmade(token); ok {
		return out
	}
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
		return inactive()
	}
	out := make(map[string]any)
	introspected(out, claims)
	return out
}

// introspected adds to out the answer for a token with these claims.
func introspected(out, claims map[string]any) {
	out["active"] = true
	out["token_type"] = "Bearer"
	if cnf, _ := claims["cnf"].(map[string]any); cnf["jkt"] != nil {
		out["token_type"] = "DPoP"
	}
	if azp := claims["azp"]; azp != nil {
		out["client_id"] = azp
	}
	maps.Copy(out, claims)
}

// A handmade token is one of [Issuer.Opaque].
type handmade struct {
	answer    map[string]any
	asWritten bool // the test says whether it is active
}

func (iss *Issuer) handmade(token string) (map[string]any, bool) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	held, ok := iss.grants.made.find(token)
	if !ok {
		return nil, false
	}
	now := float64(iss.now().UnixNano()) / float64(time.Second)
	exp, expires := held.answer["exp"].(float64)
	nbf, _ := held.answer["nbf"].(float64)
	if !held.asWritten && (expires && now >= exp || now < nbf) {
		return inactive(), true
	}
	return maps.Clone(held.answer), true
}

// serveRevocation implements RFC 7009. A client may revoke its own tokens.
func (iss *Issuer) serveRevocation(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r)
	if err != nil {
		answerError(w, r, err)
		return
	}
	client, err := iss.authenticate(r, params)
	if err != nil {
		answerError(w, r, refuse(http.StatusUnauthorized, "invalid_client", "Unauthorized"))
		return
	}
	token, ok := params["token"]
	if !ok {
		answerError(w, r, invalidRequest("Missing required parameter: token"))
		return
	}
	holder := iss.clientOf(token)
	if holder != "" && holder != client.ID {
		answerError(w, r, invalidRequest("The token is another client's"))
		return
	}
	if holder != "" {
		iss.Revoke(token)
	}
	// RFC 7009, Section 2.2: also if there is no such token.
	answer(w, http.StatusOK, struct{}{})
}

// clientOf returns the client to which a token was issued, or "".
func (iss *Issuer) clientOf(token string) string {
	iss.mu.Lock()
	b, ok := iss.grants.refresh.find(token)
	iss.mu.Unlock()
	if ok {
		return b.client
	}
	client, _ := iss.introspect(token)["client_id"].(string)
	return client
}
