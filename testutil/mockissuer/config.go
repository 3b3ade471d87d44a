package mockissuer

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The defaults of a [Config].
const (
	// DefaultAudience is the API of [Demo], and the default "aud" of a token.
	DefaultAudience = "https://api.example.com"
	// DefaultSubject is the default "sub" of a token.
	DefaultSubject = "auth0|user"
	// DefaultLifetime is the default lifetime of an access token of the token
	// endpoint. An API may set another.
	DefaultLifetime = 24 * time.Hour
)

// A Config describes an issuer as plain data. The issuer of a zero Config has
// no client and no API. Its tokens come from [Issuer.Sign] alone. [Demo]
// returns a Config with one or two of everything.
type Config struct {
	// URL is the issuer as tokens name it, such as
	// "https://tenant.example.com/". [New] requires it. If empty, [Start] uses
	// the address on which it listens.
	URL string `yaml:"url"`
	// Domains are further URLs of the issuer, such as custom domains. They have
	// the same keys. The "iss" of a token is the URL from which it was
	// requested.
	Domains []string `yaml:"domains"`
	// Algorithms are the algorithms that the issuer has a key for from the
	// start. The first one signs by default. If empty, it is RS256. A key for
	// another algorithm is made with the first token that needs it.
	Algorithms []string `yaml:"algorithms"`
	// Certificates adds an "x5c" and an "x5t" to each RSA key. The "x5t" has
	// the form that Auth0 gives it: the thumbprint's hexadecimal digits in
	// base64url. That is not the form of RFC 7517, and strict readers reject
	// it.
	Certificates bool `yaml:"certificates"`

	Clients       []Client       `yaml:"clients"`
	APIs          []API          `yaml:"apis"`
	Organizations []Organization `yaml:"organizations"`
	Users         []User         `yaml:"users"`

	// DefaultAudience is the audience of a token request that names none. If it
	// is empty, such a request for client credentials is rejected, and a user's
	// token is opaque.
	DefaultAudience string `yaml:"default_audience"`
	// IgnoreResource makes the token and authorization endpoints ignore the
	// parameter "resource". By default it is used if there is no "audience".
	IgnoreResource bool `yaml:"ignore_resource"`

	// ACRs are the authentication context classes in which a user can sign in. A
	// login has the first of its request's "acr_values" that is among them, in
	// the "acr" of its tokens, and otherwise none (OpenID Connect Core 1.0,
	// Section 3.1.2.1).
	ACRs []string `yaml:"acrs"`

	// Streams are where Security Event Tokens are sent.
	Streams []Stream `yaml:"streams"`

	// DPoPNonces requires a nonce of the issuer in every DPoP proof (RFC 9449,
	// Section 8).
	DPoPNonces bool `yaml:"dpop_nonces"`

	// Keys are the key pairs to begin with, as an earlier issuer passed them to
	// KeysChanged. They are secret.
	Keys []byte `yaml:"-" json:"-"`
	// KeysChanged is called with all key pairs each time that they have
	// changed. It must not call the issuer. Its error fails the call that
	// needed the new key. If nil, the keys are not stored.
	KeysChanged func(keys []byte) error `yaml:"-"`

	// Sender sends logout tokens and Security Event Tokens. If nil, it is
	// [http.DefaultClient].
	Sender *http.Client `yaml:"-" json:"-"`
	// Now returns the time by the issuer's clock. If nil, [time.Now] is used.
	// [Issuer.Advance] is added to it.
	Now func() time.Time `yaml:"-"`
	// Logger gets a line for each token that the token endpoint issues or
	// rejects, without the token. If nil, nothing is logged.
	Logger *slog.Logger `yaml:"-"`
}

// A Client is an application that may request tokens.
type Client struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	// Secret is empty for a public client, one that runs in a browser or on a
	// phone. A public client can't use client credentials and must use PKCE.
	//
	// A client with a PublicKey or a Certificate is confidential, too.
	Secret string `yaml:"secret" json:"-"`
	// PublicKey verifies the client's assertions, if it authenticates by
	// private_key_jwt. It is an *rsa.PublicKey, an *ecdsa.PublicKey or an
	// ed25519.PublicKey.
	PublicKey crypto.PublicKey `yaml:"-" json:"-"`
	// Certificate is the thumbprint of the client's certificate, in the form of
	// "x5t#S256", if it authenticates by its TLS connection. The issuer itself
	// serves no TLS. It takes the certificate from the TLS state of the
	// request, as a server in front of [Issuer.ServeHTTP] or
	// [Issuer.ClientWithCertificate] sets it.
	Certificate string `yaml:"-" json:"-"`
	// Callbacks are the redirect URIs that the client may use. They are
	// compared exactly, except that one with a loopback host and no port stands
	// for all ports (RFC 8252, Section 7.3).
	Callbacks []string `yaml:"callbacks"`
	// Grants are the scopes that the client may request on its own behalf.
	Grants []Grant `yaml:"grants"`
	// Organizations are the ids or names of the organizations that client
	// credentials may be used with.
	Organizations []string `yaml:"organizations"`
	// RotateRefreshTokens issues a new refresh token at each use. If a refresh
	// token is used twice, all tokens of its login end.
	RotateRefreshTokens bool `yaml:"rotate_refresh_tokens"`
	// BackChannelLogoutURI is where the client receives logout tokens (OpenID
	// Connect Back-Channel Logout 1.0, Section 2.2). If empty, it gets none.
	BackChannelLogoutURI string `yaml:"backchannel_logout_uri"`
}

// A Grant allows a client to have tokens for an API.
type Grant struct {
	// API is the identifier of the [API].
	API string `yaml:"api"`
	// Scopes are the scopes that it may have. A request that names none gets
	// all.
	Scopes []string `yaml:"scopes"`
}

// An API is a resource server, the audience of access tokens.
type API struct {
	// Identifier is its audience.
	Identifier string `yaml:"identifier"`
	Name       string `yaml:"name"`
	// Scopes are the scopes that a user's client may request.
	Scopes []string `yaml:"scopes"`
	// Profile is the form of its tokens. If empty, it is [ProfileAuth0].
	Profile Profile `yaml:"profile"`
	// Lifetime of its access tokens. If zero, it is [DefaultLifetime].
	Lifetime time.Duration `yaml:"lifetime"`
	// Algorithm signs its tokens. If empty, it is the issuer's first. HS256
	// requires Secret.
	Algorithm string `yaml:"algorithm"`
	// Secret signs HS256 tokens. It has at least 32 bytes.
	Secret string `yaml:"secret" json:"-"`
	// RBAC puts permissions into its tokens, and limits the scopes of users to
	// them.
	RBAC bool `yaml:"rbac"`
	// OfflineAccess adds a refresh token to users' tokens for the API if the
	// client requests the scope offline_access.
	OfflineAccess bool `yaml:"offline_access"`
}

// A Profile is a form of access token: one of the constants, or the name of a
// [Shape], such as "keycloak". It doesn't matter whether letters are capitals.
//
// A token in the form of a Shape names the mock issuer in "iss", the [API], the
// client, the user and the scopes, each where the real issuer does. What else
// it has is the example's. The claims of "/userinfo" are not for such tokens,
// and ID tokens are the mock issuer's own.
type Profile string

// The profiles of access tokens.
const (
	// ProfileAuth0 has the type JWT, the client in "azp" and the grant in
	// "gty".
	ProfileAuth0 Profile = "auth0"
	// ProfileRFC9068 has the type at+jwt, the client in "client_id" and the
	// token's id in "jti".
	ProfileRFC9068 Profile = "rfc9068"
)

// Profiles returns all profiles.
func Profiles() []Profile {
	profiles := []Profile{ProfileAuth0, ProfileRFC9068}
	for _, s := range parsedShapes() {
		if p := Profile(strings.ToLower(s.Name)); !slices.Contains(profiles, p) {
			profiles = append(profiles, p)
		}
	}
	return profiles
}

// shape returns the shape of that name, or nil. It must not be changed.
func (p Profile) shape() *Shape {
	if p == ProfileAuth0 {
		return nil
	}
	shapes := parsedShapes()
	n := slices.IndexFunc(shapes, func(s Shape) bool { return strings.EqualFold(s.Name, string(p)) })
	if n < 0 {
		return nil
	}
	return &shapes[n]
}

// An Organization is a customer of the tenant.
type Organization struct {
	// ID begins with org_.
	ID string `yaml:"id"`
	// Name is in lower case.
	Name string `yaml:"name"`
}

// A User is a person that the authorization endpoint logs in without a
// password.
type User struct {
	// ID is the subject, such as "auth0|alice".
	ID    string `yaml:"id"`
	Email string `yaml:"email"`
	Name  string `yaml:"name"`
	// Permissions are the user's permissions at APIs with RBAC.
	Permissions []Grant `yaml:"permissions"`
	// Organizations are the ids or names of the user's organizations.
	Organizations []string `yaml:"organizations"`
	// Claims are further claims of the ID token and of /userinfo.
	Claims map[string]any `yaml:"claims"`
}

// Demo returns an example of everything: the confidential client demo-client
// with the secret demo-secret, the public client demo-app, the API
// [DefaultAudience] with scopes and permissions, the organization org_demo with
// the name demo, the user auth0|alice, who can sign in with several factors (by
// the "acr_values" that Auth0 has for it), and a stream of Security Event Tokens
// that is polled with the authorization "Bearer demo-stream".
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
		ACRs:    []string{"http://schemas.openid.net/pape/policies/2007/06/multi-factor"},
		Streams: []Stream{{Audience: DefaultAudience, Authorization: "Bearer demo-stream"}},
	}
}

// check joins all faults of cfg.
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

	for _, acr := range cfg.ACRs {
		if acr == "" || strings.ContainsAny(acr, " \t\r\n") {
			wrong("%q is no authentication context class that acr_values could have", acr)
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
		if a.Profile != "" && a.Profile != ProfileAuth0 && a.Profile != ProfileRFC9068 && a.Profile.shape() == nil {
			wrong("API %q has the unknown profile %q", a.Identifier, a.Profile)
		}
		if shape := a.Profile.shape(); shape != nil && shape.Secret != "" && (a.Algorithm != shape.Algorithm || a.Secret == "") {
			wrong("API %q has the profile %q, which is of the algorithm %s and needs a secret", a.Identifier, a.Profile, shape.Algorithm)
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
	receiver := func(who, u string) {
		if parsed, err := url.Parse(u); err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" {
			wrong("%s: %q cannot receive signals", who, u)
		}
	}
	for _, c := range cfg.Clients {
		if c.BackChannelLogoutURI != "" {
			receiver("client "+c.ID, c.BackChannelLogoutURI)
		}
	}
	polled := map[string]bool{}
	for n, s := range cfg.Streams {
		switch {
		case s.URL != "":
			receiver(fmt.Sprintf("stream %d", n+1), s.URL)
		case polled[s.Authorization]:
			wrong("stream %d is polled with the authorization of another stream", n+1)
		default:
			polled[s.Authorization] = true
		}
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

// organization finds an organization by its id, or by its name in any case.
func (cfg *Config) organization(idOrName string) (Organization, bool) {
	n := slices.IndexFunc(cfg.Organizations, func(o Organization) bool {
		return o.ID == idOrName || o.Name != "" && o.Name == strings.ToLower(idOrName)
	})
	if n < 0 {
		return Organization{}, false
	}
	return cfg.Organizations[n], true
}

// among reports whether org is in a list of ids and names.
func (o Organization) among(list []string) bool {
	return slices.Contains(list, o.ID) || o.Name != "" && slices.Contains(list, o.Name)
}
