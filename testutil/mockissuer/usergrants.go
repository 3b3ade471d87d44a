package mockissuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

const idTokenLifetime = 10 * time.Hour

func invalidGrant(description string) *oauthError {
	return refuse(http.StatusForbidden, "invalid_grant", description)
}

// authorizationCode implements RFC 6749, Section 4.1.3, with RFC 7636.
func (iss *Issuer) authorizationCode(req tokenRequest) (tokenAnswer, error) {
	l, err := iss.redeem(req)
	if err != nil {
		return tokenAnswer{}, err
	}
	return iss.userTokens(req, l, slices.Contains(l.scopes, "offline_access"), l.scopes)
}

// redeem checks a code and marks it as used.
func (iss *Issuer) redeem(req tokenRequest) (*login, error) {
	now := iss.Now()
	iss.mu.Lock()
	defer iss.mu.Unlock()

	c, ok := iss.grants.codes.find(req.params["code"])
	if !ok || c.client != req.client.ID || c.issuer != req.issuer || !now.Before(c.expires) {
		return nil, invalidGrant("Invalid authorization code")
	}
	if c.used {
		// RFC 6749, Section 4.1.2: if a code is used twice, the tokens issued
		// for it are revoked.
		c.revoked = true
		return nil, invalidGrant("Invalid authorization code")
	}
	c.used = true
	if c.redirectURI != req.params["redirect_uri"] {
		return nil, invalidGrant("The redirect URI is wrong. You sent " + req.params["redirect_uri"] + ", and we expected " + c.redirectURI)
	}

	if c.key != "" && c.key != req.key {
		return nil, invalidGrant("The code is bound to another DPoP key")
	}

	verifier, sent := req.params["code_verifier"]
	if c.challenge == "" {
		if sent {
			// RFC 9700, Section 4.8.2: an attacker removed the challenge from
			// the authorization request.
			return nil, invalidGrant("A code verifier came for a code without a challenge")
		}
		return c.login, nil
	}
	hash := sha256.Sum256([]byte(verifier))
	if len(verifier) < 43 || len(verifier) > 128 || subtle.ConstantTimeCompare([]byte(encode(hash[:])), []byte(c.challenge)) != 1 {
		return nil, invalidGrant("Failed to verify code verifier")
	}
	return c.login, nil
}

// refreshToken implements RFC 6749, Section 6.
func (iss *Issuer) refreshToken(req tokenRequest) (tokenAnswer, error) {
	l, err := iss.refresh(req)
	if err != nil {
		return tokenAnswer{}, err
	}
	scopes := l.scopes
	if asked := strings.Fields(req.params["scope"]); len(asked) > 0 {
		scopes = slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(l.scopes, s) })
	}
	return iss.userTokens(req, l, req.client.RotateRefreshTokens, scopes)
}

func (iss *Issuer) refresh(req tokenRequest) (*login, error) {
	now := iss.Now()
	iss.mu.Lock()
	defer iss.mu.Unlock()

	b, ok := iss.grants.refresh.find(req.params["refresh_token"])
	if !ok || b.client != req.client.ID || b.revoked || !now.Before(b.expires) || b.key != "" && b.key != req.key {
		return nil, invalidGrant("Unknown or invalid refresh token.")
	}
	if b.used {
		// RFC 9700, Section 4.14.2: one of the two uses is a thief's, and it is
		// unknown which.
		b.revoked = true
		return nil, invalidGrant("Unknown or invalid refresh token.")
	}
	b.used = req.client.RotateRefreshTokens
	return b.login, nil
}

// userTokens issues the tokens that a login allows.
func (iss *Issuer) userTokens(req tokenRequest, l *login, withRefresh bool, scopes []string) (tokenAnswer, error) {
	openID := slices.Contains(scopes, "openid")
	var result tokenAnswer
	var err error
	if l.audience == "" {
		result = iss.opaqueToken(req, l, scopes)
	} else {
		api, _ := iss.cfg.api(l.audience)
		result, err = iss.issue(Access{
			Issuer: req.issuer, Client: l.client, User: l.user, Audience: l.audience, Organization: l.org,
			Scopes: scopes, UserInfo: openID, Key: req.key, Claims: l.authentication(),
		}, api)
	}
	if err != nil {
		return tokenAnswer{}, err
	}

	if openID {
		if result.IDToken, err = iss.idToken(req.issuer, l, scopes, result.AccessToken); err != nil {
			return tokenAnswer{}, err
		}
	}
	if withRefresh {
		expires := iss.Now().Add(refreshLifetime)
		key := ""
		if req.client.public() {
			key = req.key // RFC 9449, Section 5: a confidential client proves its identity by its secret
		}
		iss.mu.Lock()
		defer iss.mu.Unlock()
		result.RefreshToken = iss.grants.refresh.add(&bearing{login: l, scopes: l.scopes, key: key, expires: expires})
	}
	return result, nil
}

// authentication returns what an access token says of how the user has signed
// in, if that was asked for (RFC 9470, Section 6.1).
func (l *login) authentication() map[string]any {
	if l.acr == "" {
		return nil
	}
	return map[string]any{"acr": l.acr, "auth_time": l.at}
}

// opaqueToken returns a token for /userinfo alone. Only the issuer can read it.
func (iss *Issuer) opaqueToken(req tokenRequest, l *login, scopes []string) tokenAnswer {
	expires := iss.Now().Add(DefaultLifetime)

	iss.mu.Lock()
	defer iss.mu.Unlock()
	return tokenAnswer{
		AccessToken: iss.grants.opaque.add(&bearing{login: l, scopes: scopes, key: req.key, expires: expires}),
		Scope:       strings.Join(scopes, " "),
		ExpiresIn:   int64(DefaultLifetime / time.Second),
		TokenType:   tokenType(req.key),
		note:        "/userinfo as " + l.user,
	}
}

// idToken returns an ID token (OpenID Connect Core 1.0, Section 2).
func (iss *Issuer) idToken(issuer string, l *login, scopes []string, beside string) (string, error) {
	now := iss.Now()
	claims := map[string]any{
		"iss":       issuer,
		"aud":       l.client,
		"iat":       now,
		"exp":       now.Add(idTokenLifetime),
		"auth_time": l.at,
		"sid":       l.sessionID,
		"at_hash":   jose.LeftHash(iss.Algorithms()[0], beside),
	}
	if l.nonce != "" {
		claims["nonce"] = l.nonce
	}
	if l.acr != "" {
		claims["acr"] = l.acr
	}
	if org, ok := iss.cfg.organization(l.org); ok && l.org != "" {
		org.claim(claims)
	}
	user, _ := iss.cfg.user(l.user)
	for name, value := range user.profile(scopes) {
		if _, ok := claims[name]; !ok {
			claims[name] = value
		}
	}
	return iss.Sign(Token{Claims: claims})
}

// profile returns the claims of a user that the scopes allow (OpenID Connect
// Core 1.0, Section 5.4).
func (u User) profile(scopes []string) map[string]any {
	claims := make(map[string]any)
	if slices.Contains(scopes, "profile") {
		maps.Copy(claims, u.Claims)
		claims["name"] = u.Name
	}
	if slices.Contains(scopes, "email") {
		claims["email"], claims["email_verified"] = u.Email, true
	}
	claims["sub"] = u.ID
	return claims
}
