package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/scopetoken"
)

// Metadata describes an API to its clients (RFC 9728, Section 2). A client
// without an accepted token learns where to get one, and with which scopes.
// Metadata is public. Resource is required. The values that the [Config] has
// are filled in:
//
//	auth, err := middleware.New(middleware.Config{
//		Validator: v,
//		Metadata:  &middleware.Metadata{Resource: "https://api.example.com/orders"},
//	})
//	mux.Handle(auth.Metadata())
type Metadata struct {
	// Resource is the API's URL. It is an https URL, or http on a loopback
	// host, without a query or a fragment. Its path has only letters, digits,
	// slashes and -._~!$&'()+,;=@, all of which routers take literally. Clients
	// request tokens for it, and most issuers use it as the audience. It must
	// then be one of the Validator's audiences.
	Resource string `json:"resource"`

	// AuthorizationServers are the issuers of the tokens, as URLs without a
	// query. If nil, they are those of the Validator, if that is a
	// [*validator.Validator] or has a method Issuers() []string. The tenants of
	// a Mux are not published, since they may be confidential.
	AuthorizationServers []string `json:"authorization_servers,omitempty"`

	// ScopesSupported are the scopes that clients may request for this API.
	ScopesSupported []string `json:"scopes_supported,omitempty"`

	// BearerMethodsSupported are the ways to send a bearer token (RFC 6750,
	// Section 2), out of "header" and "body". If nil, it is "header". It is
	// left out if the list is empty, and if it is nil with a Config.Token or
	// with DPoPBoundAccessTokensRequired.
	BearerMethodsSupported []string `json:"bearer_methods_supported,omitempty"`

	ResourceName          string `json:"resource_name,omitempty"` // shown to people
	ResourceDocumentation string `json:"resource_documentation,omitempty"`
	ResourcePolicyURI     string `json:"resource_policy_uri,omitempty"`
	ResourceTOSURI        string `json:"resource_tos_uri,omitempty"`

	// TLSClientCertificateBoundAccessTokens says that tokens bound to a client
	// certificate are supported. It is true if Config.ClientCertificate is set.
	TLSClientCertificateBoundAccessTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`

	AuthorizationDetailsTypesSupported []string `json:"authorization_details_types_supported,omitempty"`

	// DPoPSigningAlgValuesSupported are the algorithms of DPoP proofs. If nil,
	// they are those of Config.DPoP. They must be among those. Without
	// Config.DPoP they must be asymmetric.
	DPoPSigningAlgValuesSupported []string `json:"dpop_signing_alg_values_supported,omitempty"`

	// DPoPBoundAccessTokensRequired says that tokens must be bound to a key. It
	// is true if Config.RequireBinding and Config.DPoP are set and
	// Config.ClientCertificate is not.
	DPoPBoundAccessTokensRequired bool `json:"dpop_bound_access_tokens_required,omitempty"`

	// Extra are further members, such as "jwks_uri" or "resource_name#it".
	// Their values are written as [json.Marshal] does. Their names must not be
	// those of the fields above.
	Extra map[string]any `json:"-"`
}

// document fills in the values of cfg, and joins all faults of m.
func (m Metadata) document(cfg Config) (*metadataDocument, error) {
	if m.AuthorizationServers == nil {
		if v, ok := cfg.Validator.(interface{ Issuers() []string }); ok && !isnil.Value(cfg.Validator) {
			m.AuthorizationServers = v.Issuers()
		}
	}
	m.DPoPBoundAccessTokensRequired = m.DPoPBoundAccessTokensRequired || cfg.dpopOnly()
	if m.BearerMethodsSupported == nil && cfg.Token == nil && !m.DPoPBoundAccessTokensRequired {
		m.BearerMethodsSupported = []string{"header"}
	}
	m.TLSClientCertificateBoundAccessTokens = m.TLSClientCertificateBoundAccessTokens || cfg.ClientCertificate != nil
	proofAlgorithms := strings.Fields(algorithmList(cfg.DPoP))
	if m.DPoPSigningAlgValuesSupported == nil {
		m.DPoPSigningAlgValuesSupported = proofAlgorithms
	}

	where, err := metadataURL(m.Resource)
	errs := []error{err}
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, server := range m.AuthorizationServers {
		if err := checkURL(server); err != nil {
			wrong("AuthorizationServers: %q %w", server, err)
		} else if strings.Contains(server, "?") { // RFC 8414, Section 2
			wrong("AuthorizationServers: %q has a query", server)
		}
	}
	for _, scope := range m.ScopesSupported {
		if !scopetoken.Valid(scope) {
			wrong("ScopesSupported: %q is not a scope-token (RFC 6749, Section 3.3)", scope)
		}
	}
	for _, method := range m.BearerMethodsSupported {
		if method != "header" && method != "body" {
			wrong("BearerMethodsSupported: %q is neither header nor body", method)
		}
	}
	for _, alg := range m.DPoPSigningAlgValuesSupported {
		switch {
		case cfg.DPoP != nil && !slices.Contains(proofAlgorithms, alg):
			wrong("DPoPSigningAlgValuesSupported: Config.DPoP doesn't accept %q", alg)
		case !scopetoken.Valid(alg) || strings.EqualFold(alg, "none") || strings.HasPrefix(strings.ToUpper(alg), "HS"):
			wrong("DPoPSigningAlgValuesSupported: %q is no algorithm with a public key (RFC 9449, Section 4.2)", alg)
		}
	}
	for _, link := range []struct{ name, url string }{
		{"ResourceDocumentation", m.ResourceDocumentation},
		{"ResourcePolicyURI", m.ResourcePolicyURI},
		{"ResourceTOSURI", m.ResourceTOSURI},
	} {
		if u, err := url.Parse(link.url); link.url != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			wrong("%s: %q is not a URL of a page", link.name, link.url)
		}
	}
	if cfg.ResourceMetadata != "" && where != nil && cfg.ResourceMetadata != where.String() {
		wrong("is at %s, not where Config.ResourceMetadata says: leave that empty", where)
	}
	body, err := m.json()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}

	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`
	return &metadataDocument{where.String(), where.EscapedPath(), body, etag}, nil
}

// json returns the members of m, including those of Extra.
func (m Metadata) json() ([]byte, error) {
	typed, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(typed, &members); err != nil {
		return nil, err
	}
	var errs []error
	for name, value := range m.Extra {
		// This includes the fields without a value. An Extra must not replace
		// any field.
		if name == "" || slices.ContainsFunc(metadataNames, func(n string) bool { return strings.EqualFold(n, name) }) {
			errs = append(errs, fmt.Errorf("Extra: %q is empty or has a field of its own", name))
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			errs = append(errs, fmt.Errorf("Extra: %q: %w", name, err))
		}
		members[name] = text
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

var metadataNames = []string{
	"resource", "authorization_servers", "scopes_supported", "bearer_methods_supported", "resource_name",
	"resource_documentation", "resource_policy_uri", "resource_tos_uri", "tls_client_certificate_bound_access_tokens",
	"authorization_details_types_supported", "dpop_signing_alg_values_supported", "dpop_bound_access_tokens_required",
}

// metadataPath is inserted between the host and the path of a resource (RFC
// 9728, Section 3.1).
const metadataPath = "/.well-known/oauth-protected-resource"

// metadataURL returns the URL of a resource's metadata (RFC 9728, Section 3.1).
func metadataURL(resource string) (*url.URL, error) {
	if err := checkURL(resource); err != nil {
		return nil, fmt.Errorf("Resource %q %w", resource, err)
	}
	u, err := url.Parse(resource)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, fmt.Errorf("Resource %q has a query", resource)
	}
	rest := u.EscapedPath()
	if rest == "/" {
		rest = ""
	}
	if i := strings.IndexFunc(rest, func(c rune) bool {
		return c > '~' || !isAlphanumeric(byte(c)) && !strings.ContainsRune("/-._~!$&'()+,;=@", c)
	}); i >= 0 {
		return nil, fmt.Errorf("Resource %q has %q in its path, which routers read in different ways", resource, rest[i])
	}
	if clean := strings.TrimSuffix(rest, "/"); clean != "" && path.Clean(clean) != clean {
		return nil, fmt.Errorf("Resource %q has a path that routers would change", resource)
	}
	return url.Parse(u.Scheme + "://" + u.Host + metadataPath + rest)
}
