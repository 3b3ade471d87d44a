package mockissuer

import (
	"errors"
	"net/http"
	"slices"
	"strings"
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
	if iss.isRevoked(token) {
		return holder{}, false
	}
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
