package mockissuer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Defaults of what a [Config] leaves out.
const (
	// DefaultAudience is the API of [Demo], and the audience of a token whose
	// claims name none.
	DefaultAudience = "https://api.example.com"
	// DefaultSubject is the subject of a token whose claims name none.
	DefaultSubject = "auth0|user"
	// DefaultLifetime is how long an access token of the token endpoint lives,
	// unless its API says otherwise.
	DefaultLifetime = 24 * time.Hour
)

// Config is an issuer as plain data. The zero Config is an issuer that knows no
// client and no API: its tokens come from [Issuer.Sign] alone. [Demo] is one
// with a little of everything.
type Config struct {
	// URL is the issuer as tokens name it, "https://tenant.example.com/". [New]
	// needs it; [Start] takes the address that it listens on if it is empty.
	URL string `yaml:"url"`
	// Domains are further URLs by which the issuer is reached. They have the
	// same keys; "iss" is the one that a token was requested from.
	Domains []string `yaml:"domains"`
	// Algorithms are those that there is a key for from the start, and the
	// first is what tokens are signed with unless they say otherwise. Empty
	// means RS256. A token with another algorithm adds a key for it.
	Algorithms []string `yaml:"algorithms"`
	// Certificates adds to each RSA key an x5c, and an x5t in the form that
	// Auth0 gives it: the thumbprint's hexadecimal digits in base64url, which
	// is not what RFC 7517 says and which strict readers stumble over.
	Certificates bool `yaml:"certificates"`

	Clients       []Client       `yaml:"clients"`
	APIs          []API          `yaml:"apis"`
	Organizations []Organization `yaml:"organizations"`
	Users         []User         `yaml:"users"`

	// DefaultAudience is the audience of a token request that names none. Empty
	// means that there is none: then client credentials are refused, and a
	// user's token is opaque.
	DefaultAudience string `yaml:"default_audience"`
	// IgnoreResource makes the token and authorization endpoints ignore the
	// "resource" parameter. By default it stands in for a missing "audience".
	IgnoreResource bool `yaml:"ignore_resource"`

	// DPoPNonces makes every DPoP proof need a nonce of the issuer's (RFC 9449,
	// Section 8).
	DPoPNonces bool `yaml:"dpop_nonces"`

	// Keys are the key pairs to begin with, as an earlier issuer gave them to
	// KeysChanged. They are secret.
	Keys []byte `yaml:"-" json:"-"`
	// KeysChanged, if it is not nil, is called with all key pairs whenever
	// there are others than before. It must not call the issuer. Its error
	// becomes that of whatever needed the new key.
	KeysChanged func(keys []byte) error `yaml:"-"`

	// Now is the issuer's clock. Nil means [time.Now]. [Issuer.Advance] moves
	// it.
	Now func() time.Time `yaml:"-"`
	// Logger gets a line for each token that the token endpoint issues or
	// refuses, without the token. Nil means none.
	Logger *slog.Logger `yaml:"-"`
}

// A Client is an application that may ask for tokens.
type Client struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	// Secret is empty for a public client, one that runs in a browser or on a
	// phone. It cannot use client credentials, and it must use PKCE.
	Secret string `yaml:"secret" json:"-"`
	// Callbacks are the redirect URIs that the client may use, compared
	// exactly. One with a loopback host and no port stands for all ports (RFC
	// 8252, Section 7.3).
	Callbacks []string `yaml:"callbacks"`
	// Grants say what the client may ask for on its own behalf.
	Grants []Grant `yaml:"grants"`
	// Organizations are the ids or names of those that client credentials may
	// be used with.
	Organizations []string `yaml:"organizations"`
	// RotateRefreshTokens gives a new refresh token for each one used; one that
	// is used twice ends them all.
	RotateRefreshTokens bool `yaml:"rotate_refresh_tokens"`
}

// A Grant lets a client have tokens for an API.
type Grant struct {
	// API is the identifier of the [API].
	API string `yaml:"api"`
	// Scopes are those it may have. A request that names none gets them all.
	Scopes []string `yaml:"scopes"`
}

// An API is a resource server: what access tokens are for.
type API struct {
	// Identifier is its audience.
	Identifier string `yaml:"identifier"`
	Name       string `yaml:"name"`
	// Scopes are what users may be asked to allow.
	Scopes []string `yaml:"scopes"`
	// Profile is the form of its tokens. Empty means [ProfileAuth0].
	Profile Profile `yaml:"profile"`
	// Lifetime of its access tokens. Zero means [DefaultLifetime].
	Lifetime time.Duration `yaml:"lifetime"`
	// Algorithm signs its tokens. Empty means the issuer's first. HS256 needs
	// Secret.
	Algorithm string `yaml:"algorithm"`
	// Secret is what HS256 tokens are signed with, of 32 bytes or more.
	Secret string `yaml:"secret" json:"-"`
	// RBAC puts permissions into its tokens, and limits a user's scopes to
	// them.
	RBAC bool `yaml:"rbac"`
	// OfflineAccess lets users' tokens for it come with a refresh token, if
	// offline_access is asked for.
	OfflineAccess bool `yaml:"offline_access"`
}

// A Profile is a form of access token.
type Profile string

// The profiles of access tokens.
const (
	// ProfileAuth0 has the type JWT, and tells the client and the grant in
	// "azp" and "gty".
	ProfileAuth0 Profile = "auth0"
	// ProfileRFC9068 has the type at+jwt, and tells the client in "client_id"
	// and the token's id in "jti".
	ProfileRFC9068 Profile = "rfc9068"
)

// An Organization is a customer of the tenant.
type Organization struct {
	// ID begins with org_.
	ID string `yaml:"id"`
	// Name is in lower case.
	Name string `yaml:"name"`
}

// A User is somebody whom the authorization endpoint logs in without asking.
type User struct {
	// ID is the subject, "auth0|alice".
	ID    string `yaml:"id"`
	Email string `yaml:"email"`
	Name  string `yaml:"name"`
	// Permissions at APIs, for those with RBAC.
	Permissions []Grant `yaml:"permissions"`
	// Organizations are the ids or names of those that the user belongs to.
	Organizations []string `yaml:"organizations"`
	// Claims are further claims of the ID token and of /userinfo.
	Claims map[string]any `yaml:"claims"`
}

// Demo returns a tenant with a little of everything: the confidential client
// demo-client with the secret demo-secret, the public client demo-app, the API
// [DefaultAudience] with scopes and permissions, the organization org_demo
// named demo, and the user auth0|alice.
func Demo() Config {
	scopes := []string{"orders:read", "orders:write", "orders:delete"}
	return Config{
		Clients: []Client{
			{
				ID: "demo-client", Name: "Demo machine", Secret: "demo-secret",
				Callbacks:     []string{"http://localhost/callback", "http://127.0.0.1/callback"},
				Grants:        []Grant{{API: DefaultAudience, Scopes: []string{"orders:read", "orders:write"}}},
				Organizations: []string{"org_demo"},
			},
			{
				ID: "demo-app", Name: "Demo single-page application",
				Callbacks: []string{
					"http://localhost", "http://127.0.0.1",
					"http://localhost/callback", "http://127.0.0.1/callback",
				},
				RotateRefreshTokens: true,
			},
		},
		APIs: []API{{
			Identifier: DefaultAudience, Name: "Demo API", Scopes: scopes, RBAC: true, OfflineAccess: true,
		}},
		Organizations: []Organization{{ID: "org_demo", Name: "demo"}},
		Users: []User{{
			ID: "auth0|alice", Email: "alice@example.com", Name: "Alice",
			Permissions:   []Grant{{API: DefaultAudience, Scopes: []string{"orders:read", "orders:write"}}},
			Organizations: []string{"org_demo"},
		}},
	}
}

// check joins all that is wrong with cfg.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("mockissuer: "+format, args...)) }

	for _, u := range append([]string{cfg.URL}, cfg.Domains...) {
		if _, err := hostOf(u); err != nil {
			wrong("%w", err)
		}
	}
	for _, alg := range cfg.Algorithms {
		if !Asymmetric(alg) {
			wrong("no algorithm %q that a key set could hold a key for", alg)
		}
	}

	apis, clients, orgs, users := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	once := func(seen map[string]bool, what, id string) {
		switch {
		case id == "":
			wrong("%s %d is empty", what, len(seen)+1)
		case seen[id]:
			wrong("%s %q is there twice", what, id)
		}
		seen[id] = true
	}

	for _, a := range cfg.APIs {
		once(apis, "API identifier", a.Identifier)
		if size := len(a.Secret); a.Algorithm == "HS256" && size < sha256.Size {
			// RFC 7518, Section 3.2.
			wrong("API %q signs with HS256 and has a secret of %d bytes, want %d or more", a.Identifier, size, sha256.Size)
		}
		if a.Algorithm != "" && a.Algorithm != "HS256" && !Asymmetric(a.Algorithm) {
			wrong("API %q has the unknown algorithm %q", a.Identifier, a.Algorithm)
		}
		if a.Profile != "" && a.Profile != ProfileAuth0 && a.Profile != ProfileRFC9068 {
			wrong("API %q has the unknown profile %q", a.Identifier, a.Profile)
		}
		if a.Lifetime < 0 {
			wrong("API %q has a negative lifetime", a.Identifier)
		}
	}
	for _, o := range cfg.Organizations {
		once(orgs, "organization", o.ID)
		if !strings.HasPrefix(o.ID, "org_") || o.Name != strings.ToLower(o.Name) {
			wrong("organization %q named %q: an id begins with org_ and a name is in lower case", o.ID, o.Name)
		}
	}

	organizations := func(who string, list []string) {
		for _, idOrName := range list {
			if _, ok := cfg.organization(idOrName); !ok {
				wrong("%s: there is no organization %q", who, idOrName)
			}
		}
	}
	grants := func(who string, list []Grant) {
		for _, g := range list {
			if !apis[g.API] {
				wrong("%s: there is no API %q", who, g.API)
			}
		}
	}
	for _, c := range cfg.Clients {
		once(clients, "client", c.ID)
		grants("client "+c.ID, c.Grants)
		organizations("client "+c.ID, c.Organizations)
		for _, cb := range c.Callbacks {
			if u, err := url.Parse(cb); err != nil || u.Scheme == "" || u.Fragment != "" || u.Scheme == "javascript" || u.Scheme == "data" {
				wrong("client %q: %q cannot be a callback", c.ID, cb)
			}
		}
	}
	for _, u := range cfg.Users {
		once(users, "user", u.ID)
		grants("user "+u.ID, u.Permissions)
		organizations("user "+u.ID, u.Organizations)
	}
	if cfg.DefaultAudience != "" && !apis[cfg.DefaultAudience] {
		wrong("the default audience %q is no API", cfg.DefaultAudience)
	}
	return errors.Join(errs...)
}

// hostOf returns the Host header by which the issuer at rawURL is reached.
func hostOf(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not the URL of an issuer, as in https://tenant.example.com/", rawURL)
	}
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; strings.HasSuffix(host, port) {
		host = strings.TrimSuffix(host, port)
	}
	return host, nil
}

func (cfg *Config) api(id string) (API, bool) {
	n := slices.IndexFunc(cfg.APIs, func(a API) bool { return a.Identifier == id })
	if n < 0 {
		return API{}, false
	}
	return cfg.APIs[n], true
}

func (cfg *Config) client(id string) (Client, bool) {
	n := slices.IndexFunc(cfg.Clients, func(c Client) bool { return c.ID == id })
	if n < 0 {
		return Client{}, false
	}
	return cfg.Clients[n], true
}

// organization finds one by its id, or by its name in any case.
func (cfg *Config) organization(idOrName string) (Organization, bool) {
	n := slices.IndexFunc(cfg.Organizations, func(o Organization) bool {
		return o.ID == idOrName || o.Name != "" && o.Name == strings.ToLower(idOrName)
	})
	if n < 0 {
		return Organization{}, false
	}
	return cfg.Organizations[n], true
}

// among tells whether org is in a list of ids and names.
func (o Organization) among(list []string) bool {
	return slices.Contains(list, o.ID) || o.Name != "" && slices.Contains(list, o.Name)
}
