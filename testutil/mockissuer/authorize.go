package mockissuer

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// serveAuthorize is the authorization endpoint (RFC 6749, Section 4.1.1). It
// asks for no password. The user is the one whose id or email address is in
// login_hint, or the first user otherwise.
func (iss *Issuer) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	// Until the callback is known to be the client's, nothing may be sent there
	// (RFC 9700, Section 4.11).
	params, err := single(r.URL.Query())
	if err != nil {
		iss.showError(w, r, err)
		return
	}
	client, ok := iss.cfg.client(params["client_id"])
	if !ok {
		iss.showError(w, r, invalidRequest("Unknown client: "+params["client_id"]))
		return
	}
	callback := params["redirect_uri"]
	if !slices.ContainsFunc(client.Callbacks, func(allowed string) bool { return callbackMatches(allowed, callback) }) {
		iss.showError(w, r, invalidRequest("Callback URL mismatch: "+callback+" is not in the list of allowed callback URLs"))
		return
	}

	back := url.Values{}
	// RFC 9207: the client can tell which issuer has answered.
	back.Set("iss", iss.issuerOf(r))
	if state, ok := params["state"]; ok {
		back.Set("state", state)
	}
	name, err := iss.logIn(client, callback, iss.issuerOf(r), params)
	if err != nil {
		refusal, ok := err.(*oauthError)
		if !ok {
			refusal = refuse(http.StatusInternalServerError, "server_error", err.Error())
		}
		back.Set("error", refusal.Code)
		back.Set("error_description", refusal.Description)
		noteFor(r).Note = refusal.Error()
	} else {
		back.Set("code", name)
		noteFor(r).Note = "code for " + client.ID
	}

	separator := "?"
	switch {
	case params["response_mode"] == "fragment":
		separator = "#"
	case strings.Contains(callback, "?"):
		separator = "&"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", callback+separator+back.Encode())
	w.WriteHeader(http.StatusFound)
}

// showError shows err to the person at the browser.
func (iss *Issuer) showError(w http.ResponseWriter, r *http.Request, err error) {
	noteFor(r).Note = err.Error()
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, err.Error(), http.StatusBadRequest) // as text/plain with nosniff
}

// logIn checks what the client asks for and returns a code.
func (iss *Issuer) logIn(client Client, callback, issuer string, params map[string]string) (string, error) {
	if params["response_type"] != "code" {
		return "", refuse(0, "unsupported_response_type", "Unsupported response type: "+params["response_type"])
	}
	if mode := params["response_mode"]; mode != "" && mode != "query" && mode != "fragment" {
		return "", invalidRequest("Unsupported response mode: " + mode)
	}
	challenge, err := challengeOf(client, params)
	if err != nil {
		return "", err
	}
	user, ok := iss.userFor(params["login_hint"])
	if !ok {
		return "", refuse(0, "login_required", "There is no such user: "+params["login_hint"])
	}

	now := iss.Now()
	l := &login{
		issuer: issuer, client: client.ID, user: user.ID, audience: iss.audience(params),
		nonce: params["nonce"], sessionID: rand.Text(), at: now, acr: iss.acrFor(params["acr_values"]),
	}
	var api API
	if l.audience != "" {
		if api, ok = iss.cfg.api(l.audience); !ok {
			return "", denied("Service not found: " + l.audience)
		}
	}
	if wanted := params["organization"]; wanted != "" {
		org, ok := iss.cfg.organization(wanted)
		if !ok || !org.among(user.Organizations) {
			return "", denied("The user is not part of the organization: " + wanted)
		}
		l.org = org.ID
	}
	l.scopes = userScopes(strings.Fields(params["scope"]), api, user)

	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.grants.codes.add(&code{
		login: l, redirectURI: callback, challenge: challenge, key: params["dpop_jkt"],
		expires: now.Add(codeLifetime),
	}), nil
}

// challengeOf reads the PKCE challenge. Only S256 is accepted. With plain, an
// attacker that sees the request has the verifier.
func challengeOf(client Client, params map[string]string) (string, error) {
	challenge, ok := params["code_challenge"]
	if !ok {
		if client.public() || params["code_challenge_method"] != "" {
			return "", invalidRequest("Missing required parameter: code_challenge")
		}
		return "", nil
	}
	if params["code_challenge_method"] != "S256" {
		return "", invalidRequest("The code challenge method must be S256")
	}
	if len(challenge) != 43 || strings.Trim(challenge, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return "", invalidRequest("The code challenge is no SHA-256 hash in base64url")
	}
	return challenge, nil
}

func (iss *Issuer) userFor(hint string) (User, bool) {
	if hint == "" && len(iss.cfg.Users) > 0 {
		return iss.cfg.Users[0], true
	}
	n := slices.IndexFunc(iss.cfg.Users, func(u User) bool {
		return hint != "" && (u.ID == hint || strings.EqualFold(u.Email, hint))
	})
	if n < 0 {
		return User{}, false
	}
	return iss.cfg.Users[n], true
}

// acrFor returns the first of the values, which are in the order of preference,
// in which the user can sign in. To ask for others is no error.
func (iss *Issuer) acrFor(values string) string {
	for acr := range strings.FieldsSeq(values) {
		if slices.Contains(iss.cfg.ACRs, acr) {
			return acr
		}
	}
	return ""
}

// userScopes keeps the scopes that the API has and the user may have. It drops
// the others silently, as Auth0 does.
func userScopes(asked []string, api API, user User) []string {
	var scopes []string
	for _, s := range asked {
		allowed := false
		switch s {
		case "openid", "profile", "email":
			allowed = true
		case "offline_access":
			allowed = api.Identifier == "" || api.OfflineAccess
		default:
			allowed = slices.Contains(api.Scopes, s) &&
				(!api.RBAC || slices.Contains(scopesFor(user.Permissions, api.Identifier), s))
		}
		if allowed && !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

func (cfg *Config) user(id string) (User, bool) {
	n := slices.IndexFunc(cfg.Users, func(u User) bool { return u.ID == id })
	if n < 0 {
		return User{}, false
	}
	return cfg.Users[n], true
}
