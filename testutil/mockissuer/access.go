package mockissuer

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Access describes an access token: its client, its user and its API. The token
// has the profile of the API.
type Access struct {
	// Issuer is one of the issuer's URLs. Empty means the first.
	Issuer string
	// Client is the id of the client that has the token.
	Client string
	// User is the id of the user on whose behalf the client acts. If empty, the
	// client acts on its own behalf.
	User string
	// Audience is the identifier of an API.
	Audience string
	// Organization is the id or name of an organization, or empty.
	Organization string
	Scopes       []string
	// UserInfo adds the issuer's /userinfo to the audience.
	UserInfo bool
	// Key is the thumbprint of the DPoP key that the token is bound to (RFC
	// 9449, Section 6.1). Empty means none.
	Key string
	// Lifetime of the token. If zero, it is the API's. If negative, the token
	// has already expired.
	Lifetime time.Duration
	// Algorithm signs the token. If empty, it is the API's.
	Algorithm string
	// Claims are added last, by the rules of [Token].
	Claims map[string]any
}

// Issue makes the access token that the token endpoint would issue for a. It
// doesn't check whether the client may have it. It returns an error if the
// client, user, API or organization does not exist, or if [Issuer.Sign] fails.
func (iss *Issuer) Issue(a Access) (string, error) {
	api, ok := iss.cfg.api(a.Audience)
	if !ok {
		return "", fmt.Errorf("mockissuer: there is no API %q", a.Audience)
	}
	client, ok := iss.cfg.client(a.Client)
	if !ok {
		return "", fmt.Errorf("mockissuer: there is no client %q", a.Client)
	}
	claims, header, err := iss.accessClaims(a, api, client)
	if err != nil {
		return "", err
	}

	t := Token{Claims: claims, Header: header, Algorithm: cmp.Or(a.Algorithm, api.Algorithm)}
	if shape := api.Profile.shape(); shape != nil && t.Algorithm == "" {
		t.Algorithm = shape.Algorithm
	}
	if strings.HasPrefix(t.Algorithm, "HS") {
		if api.Secret == "" {
			return "", fmt.Errorf("mockissuer: the API %q has no secret to sign with by %s", api.Identifier, t.Algorithm)
		}
		t.Secret = []byte(api.Secret)
	}
	return iss.Sign(t)
}

func (iss *Issuer) accessClaims(a Access, api API, client Client) (claims, header map[string]any, err error) {
	now := iss.Now()
	lifetime := a.Lifetime
	if lifetime == 0 {
		lifetime = api.lifetime()
	}
	issuer := a.Issuer
	if issuer == "" {
		issuer = iss.URL
	}

	claims = map[string]any{
		"iss": issuer,
		"sub": client.ID + "@clients",
		"aud": api.Identifier,
		"iat": now,
		"exp": now.Add(lifetime),
	}
	var user User
	if a.User != "" {
		var ok bool
		if user, ok = iss.cfg.user(a.User); !ok {
			return nil, nil, fmt.Errorf("mockissuer: there is no user %q", a.User)
		}
		claims["sub"] = user.ID
	}
	if a.UserInfo {
		claims["aud"] = []string{api.Identifier, userInfoAudience(issuer)}
	}
	if len(a.Scopes) > 0 {
		claims["scope"] = strings.Join(a.Scopes, " ")
	}
	if a.Organization != "" {
		org, ok := iss.cfg.organization(a.Organization)
		if !ok {
			return nil, nil, fmt.Errorf("mockissuer: there is no organization %q", a.Organization)
		}
		org.claim(claims)
	}
	if api.RBAC {
		claims["permissions"] = permissions(api, user, a)
	}

	if a.Key != "" {
		claims["cnf"] = map[string]any{"jkt": a.Key}
	}

	if shape := api.Profile.shape(); shape != nil {
		claims, header = shape.access(a, claims, client, now)
		maps.Copy(claims, a.Claims)
		return claims, header, nil
	}
	switch api.Profile {
	case ProfileRFC9068:
		header = map[string]any{"typ": "at+jwt"}
		claims["client_id"] = client.ID
		claims["jti"] = rand.Text()
	default:
		claims["azp"] = client.ID
		if a.User == "" {
			claims["gty"] = "client-credentials"
		}
	}
	maps.Copy(claims, a.Claims)
	return claims, header, nil
}

// access returns an access token in the form of s. Of own, the claims by the
// mock issuer's own rules, it has what s can't know.
func (s Shape) access(a Access, own map[string]any, client Client, now time.Time) (claims, header map[string]any) {
	if s.Claims["iss"] != nil { // otherwise it is in the subject
		s.Issuer, _ = own["iss"].(string)
	}
	s.Audience, s.Client, s.Scope = a.Audience, client.ID, strings.Join(a.Scopes, " ")
	if a.User != "" {
		s.Subject = a.User
	}
	t := s.AccessToken(now)
	for _, name := range []string{"iat", "exp", "cnf", "org_id", "org_name", "permissions"} {
		if value, ok := own[name]; ok {
			t.Claims[name] = value
		}
	}
	return t.Claims, t.Header
}

// permissions returns a user's own permissions, or those granted to the client.
func permissions(api API, user User, a Access) []string {
	if a.User == "" {
		return append([]string{}, a.Scopes...) // an empty list is not null
	}
	return append([]string{}, scopesFor(user.Permissions, api.Identifier)...)
}

func (a API) lifetime() time.Duration {
	if a.Lifetime == 0 {
		return DefaultLifetime
	}
	return a.Lifetime
}

// claim adds the claims of the organization.
func (o Organization) claim(claims map[string]any) {
	claims["org_id"] = o.ID
	if o.Name != "" {
		claims["org_name"] = o.Name
	}
}

func scopesFor(grants []Grant, api string) []string {
	n := slices.IndexFunc(grants, func(g Grant) bool { return g.API == api })
	if n < 0 {
		return nil
	}
	return grants[n].Scopes
}

// userInfoAudience is the audience of tokens for /userinfo.
func userInfoAudience(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + string(EndpointUserInfo)
}
