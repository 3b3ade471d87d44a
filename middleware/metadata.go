package middleware

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Metadata describes an API to its clients, so that one that was refused finds out where to get a token and for what
// (RFC 9728, Section 2). It is public. Resource is required, and what else is known from the [Config] is filled in:
//
//	auth, err := middleware.New(middleware.Config{
//		Validator: v,
//		Metadata:  &middleware.Metadata{Resource: "https://api.example.com/orders"},
//	})
//	mux.Handle(auth.Metadata())
type Metadata struct {
	// Resource is the API's URL: https, or http on a loopback host, without a query or a fragment. Clients ask for
	// tokens for it, which most issuers take for the audience: then it has to be one of the Validator's.
	Resource string `json:"resource"`

	// AuthorizationServers are the issuers of the tokens. Nil means those of the Validator, if it is a
	// [*validator.Validator] or anything else with a method Issuers() []string. The tenants of a Mux are not
	// published by themselves: they may be nobody's business.
	AuthorizationServers []string `json:"authorization_servers,omitempty"`

	// ScopesSupported are the scopes that a client may want for this API.
	ScopesSupported []string `json:"scopes_supported,omitempty"`

	// BearerMethodsSupported are the ways to send a token, of "header" and "body". Nil means "header" if Config.Token
	// is nil, and otherwise that nothing is said of it.
	BearerMethodsSupported []string `json:"bearer_methods_supported,omitempty"`

	ResourceName          string `json:"resource_name,omitempty"` // for people
	ResourceDocumentation string `json:"resource_documentation,omitempty"`
	ResourcePolicyURI     string `json:"resource_policy_uri,omitempty"`
	ResourceTOSURI        string `json:"resource_tos_uri,omitempty"`

	// TLSClientCertificateBoundAccessTokens says that tokens bound to a client certificate are supported. It is set if
	// there is a Config.ClientCertificate.
	TLSClientCertificateBoundAccessTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`

	AuthorizationDetailsTypesSupported []string `json:"authorization_details_types_supported,omitempty"`

	// DPoPSigningAlgValuesSupported are the algorithms of DPoP proofs. Nil means those of Config.DPoP.
	DPoPSigningAlgValuesSupported []string `json:"dpop_signing_alg_values_supported,omitempty"`

	// DPoPBoundAccessTokensRequired says that tokens that are bound to nothing are refused. It is set if Config.DPoP
	// requires it.
	DPoPBoundAccessTokensRequired bool `json:"dpop_bound_access_tokens_required,omitempty"`

	// Extra are further members, such as "jwks_uri" or "resource_name#it". Their values are written as
	// [json.Marshal] does, and their names are not those of the fields above.
	Extra map[string]any `json:"-"`
}

// metadataPath is what is inserted between the host and the path of a resource (RFC 9728, Section 3.1).
const metadataPath = "/.well-known/oauth-protected-resource"

// metadataLifetime is how long clients may keep the document without asking whether it has changed.
const metadataLifetime = 5 * time.Minute

// Metadata returns the path at which Config.Metadata has to be served, and the handler that serves it. It goes beside
// the routes that are guarded, not behind a: whoever has no token yet needs it.
//
//	mux.Handle(auth.Metadata())
//	path, h := auth.Metadata()
//	e.Any(path, echo.WrapHandler(h)) // Echo
//	g.Any(path, gin.WrapH(h))        // Gin
//
// The handler answers GET and HEAD with the same document for all, whatever host the request names, to scripts of any origin,
// and with an ETag. It panics if there is no Config.Metadata.
func (a *Authenticator) Metadata() (path string, h http.Handler) {
	if a.metadata == nil {
		panic("middleware: Authenticator.Metadata: Config.Metadata is nil")
	}
	return a.metadata.path, a.metadata
}

// A metadataDocument is Metadata as it is served.
type metadataDocument struct {
	url, path string
	body      []byte
	etag      string
}

func (d *metadataDocument) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// The document is public and the same for all: no origin learns anything that it could not fetch by itself.
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
	case isPreflight(r):
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*") // clients in browsers send headers of their protocol
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(metadataLifetime/time.Second)))
	h.Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}

// document fills in what cfg knows, and joins everything that is wrong with m.
func (m Metadata) document(cfg Config) (*metadataDocument, error) {
	if m.AuthorizationServers == nil {
		if v, ok := cfg.Validator.(interface{ Issuers() []string }); ok && !isNil(cfg.Validator) {
			m.AuthorizationServers = v.Issuers()
		}
	}
	if m.BearerMethodsSupported == nil && cfg.Token == nil {
		m.BearerMethodsSupported = []string{"header"}
	}

	m.TLSClientCertificateBoundAccessTokens = m.TLSClientCertificateBoundAccessTokens || cfg.ClientCertificate != nil
	if cfg.DPoP != nil {
		if m.DPoPSigningAlgValuesSupported == nil {
			m.DPoPSigningAlgValuesSupported = strings.Fields(algorithmList(cfg.DPoP))
		}
		m.DPoPBoundAccessTokensRequired = m.DPoPBoundAccessTokensRequired || cfg.DPoP.Required()
	}

	where, err := metadataURL(m.Resource)
	errs := []error{err}
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, server := range m.AuthorizationServers {
		if err := checkURL(server); err != nil {
			wrong("AuthorizationServers: %q %w", server, err)
		}
	}
	for _, scope := range m.ScopesSupported {
		if !isValue(scope) {
			wrong("ScopesSupported: %q is not a scope-token (RFC 6749, Section 3.3)", scope)
		}
	}
	for _, method := range m.BearerMethodsSupported {
		if method != "header" && method != "body" {
			wrong("BearerMethodsSupported: %q is neither header nor body", method)
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

// json returns the members of m, those of Extra included.
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
		// Not just those that have a value: an Extra must not say what its field doesn't.
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

// metadataURL returns where the metadata of a resource is to be found (RFC 9728, Section 3.1).
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
	if clean := strings.TrimSuffix(rest, "/"); clean != "" && path.Clean(clean) != clean {
		return nil, fmt.Errorf("Resource %q has a path that routers would change", resource)
	}
	return url.Parse(u.Scheme + "://" + u.Host + metadataPath + rest)
}
