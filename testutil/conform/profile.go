package conform

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"strings"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A Profile is a form of access token, with the rules that come with it.
type Profile string

// The profiles.
const (
	// ProfileJWT has the type JWT and the registered claims.
	ProfileJWT Profile = "jwt"
	// ProfileRFC9068 has the type at+jwt and the claims of RFC 9068, and
	// requires that tokens of other types are rejected.
	ProfileRFC9068 Profile = "rfc9068"
	// ProfileAuth0 has tokens as Auth0 writes them.
	ProfileAuth0 Profile = "auth0"
	// ProfileKeycloak has tokens as Keycloak writes them.
	ProfileKeycloak Profile = "keycloak"
	// ProfileFAPI2 is ProfileRFC9068 with tokens that are bound to a key by
	// DPoP. A bearer token must be rejected (FAPI 2.0 Security Profile).
	ProfileFAPI2 Profile = "fapi2"
	// ProfileMCP is ProfileJWT with protected resource metadata, as the
	// authorization of the Model Context Protocol requires it.
	ProfileMCP Profile = "mcp"
)

// Profiles returns all profiles.
func Profiles() []Profile {
	return []Profile{ProfileJWT, ProfileRFC9068, ProfileAuth0, ProfileKeycloak, ProfileFAPI2, ProfileMCP}
}

func profileNames() string {
	var names []string
	for _, p := range Profiles() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// A form is what a good token of a profile has beside the registered claims.
type form struct {
	typ    string
	claims map[string]any
	others []string // further members of aud
}

func (p Profile) form() (form, bool) {
	switch p {
	case ProfileJWT, ProfileMCP, "":
		return form{typ: "JWT"}, true
	case ProfileRFC9068, ProfileFAPI2:
		return form{typ: "at+jwt", claims: map[string]any{"client_id": "demo-client"}}, true
	case ProfileAuth0:
		return form{typ: "JWT", claims: map[string]any{"azp": "demo-client"}, others: []string{"userinfo"}}, true
	case ProfileKeycloak:
		return form{typ: "JWT", claims: map[string]any{
			"typ": "Bearer", "azp": "demo-client", "acr": "1", "sid": "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71",
			"preferred_username": "ada", "realm_access": map[string]any{"roles": []string{"offline_access", "uma_authorization"}},
		}, others: []string{"account"}}, true
	}
	return form{}, false
}

// strict reports whether the type at+jwt is required.
func (p Profile) strict() bool { return p == ProfileRFC9068 || p == ProfileFAPI2 }

// good returns the description of a good token. The changes replace its claims.
func (s *session) good(changes ...map[string]any) mockissuer.Token {
	form, _ := s.target.Profile.form()
	t := mockissuer.Token{
		Header: map[string]any{"typ": form.typ},
		Claims: map[string]any{"aud": s.target.Audience, "sub": "auth0|conform", "jti": rand.Text()},
	}
	maps.Copy(t.Claims, form.claims)
	if len(form.others) > 0 {
		aud := []string{s.target.Audience}
		for _, other := range form.others {
			if other == "userinfo" {
				other = s.iss.URL + other
			}
			aud = append(aud, other)
		}
		t.Claims["aud"] = aud
	}
	if s.target.Scope != "" {
		t.Claims["scope"] = s.target.Scope
	}
	if s.key != nil && s.target.Profile == ProfileFAPI2 {
		t.Claims["cnf"] = s.key.Confirmation()
	}
	for _, change := range changes {
		maps.Copy(t.Claims, change)
	}
	return t
}

// header returns t with changes to its header.
func header(t mockissuer.Token, changes map[string]any) mockissuer.Token {
	t.Header = maps.Clone(t.Header)
	maps.Copy(t.Header, changes)
	return t
}

// raw is JSON text that is written as it is.
func raw(text string) json.RawMessage { return json.RawMessage(text) }
