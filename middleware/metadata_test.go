package middleware_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

const resource = "https://api.example.com/orders"

func TestAuthenticator_Metadata(t *testing.T) {
	t.Parallel()

	oneTenant, err := validator.New(validator.Auth0("tenant.eu.auth0.com", resource))
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := validator.NewMux(oneTenant)
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Algorithms: []validator.Algorithm{validator.ES256, validator.EdDSA}})
	if err != nil {
		t.Fatal(err)
	}
	optional, err := dpop.New(dpop.Config{Algorithms: []validator.Algorithm{validator.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	noCertificate := func(*http.Request) (*x509.Certificate, error) { return nil, nil }
	for _, tt := range []struct {
		name string
		cfg  middleware.Config
		m    middleware.Metadata
		want string
	}{
		{
			"least", middleware.Config{Validator: oneTenant}, middleware.Metadata{Resource: resource},
			`{"authorization_servers":["https://tenant.eu.auth0.com/"],"bearer_methods_supported":["header"],` +
				`"resource":"https://api.example.com/orders"}`,
		},
		{
			"tenants stay unsaid", middleware.Config{Validator: tenants}, middleware.Metadata{Resource: resource},
			`{"bearer_methods_supported":["header"],"resource":"https://api.example.com/orders"}`,
		},
		{
			"with a Token function", middleware.Config{Token: middleware.BearerToken}, middleware.Metadata{Resource: resource},
			`{"resource":"https://api.example.com/orders"}`,
		},
		{
			"with proofs or certificates required",
			middleware.Config{Validator: oneTenant, DPoP: proofs, ClientCertificate: noCertificate, RequireBinding: true},
			middleware.Metadata{Resource: resource},
			`{"authorization_servers":["https://tenant.eu.auth0.com/"],` +
				`"bearer_methods_supported":["header"],"dpop_signing_alg_values_supported":["ES256","EdDSA"],` +
				`"resource":"https://api.example.com/orders","tls_client_certificate_bound_access_tokens":true}`,
		},
		{
			"with proofs required",
			middleware.Config{DPoP: proofs, RequireBinding: true},
			middleware.Metadata{Resource: resource},
			`{"dpop_bound_access_tokens_required":true,"dpop_signing_alg_values_supported":["ES256","EdDSA"],` +
				`"resource":"https://api.example.com/orders"}`,
		},
		{
			"with certificates required",
			middleware.Config{ClientCertificate: noCertificate, RequireBinding: true},
			middleware.Metadata{Resource: resource},
			`{"bearer_methods_supported":["header"],` +
				`"resource":"https://api.example.com/orders","tls_client_certificate_bound_access_tokens":true}`,
		},
		{
			"with proofs, not required",
			middleware.Config{DPoP: optional},
			middleware.Metadata{Resource: resource},
			`{"bearer_methods_supported":["header"],"dpop_signing_alg_values_supported":["ES256"],` +
				`"resource":"https://api.example.com/orders"}`,
		},
		{
			"with proofs that something else requires",
			middleware.Config{},
			middleware.Metadata{Resource: resource, DPoPBoundAccessTokensRequired: true, DPoPSigningAlgValuesSupported: []string{"ES256K"}},
			`{"dpop_bound_access_tokens_required":true,"dpop_signing_alg_values_supported":["ES256K"],` +
				`"resource":"https://api.example.com/orders"}`,
		},
		{
			"some of what is known",
			middleware.Config{DPoP: proofs, RequireBinding: true},
			middleware.Metadata{Resource: resource, BearerMethodsSupported: []string{"header"}, DPoPSigningAlgValuesSupported: []string{"EdDSA"}},
			`{"bearer_methods_supported":["header"],"dpop_bound_access_tokens_required":true,` +
				`"dpop_signing_alg_values_supported":["EdDSA"],"resource":"https://api.example.com/orders"}`,
		},
		{
			"none of what is known",
			middleware.Config{Validator: oneTenant},
			middleware.Metadata{Resource: resource, AuthorizationServers: []string{}, BearerMethodsSupported: []string{}},
			`{"resource":"https://api.example.com/orders"}`,
		},
		{
			"all",
			middleware.Config{Validator: oneTenant},
			middleware.Metadata{
				Resource:                              resource,
				AuthorizationServers:                  []string{"https://login.example.com/a", "http://127.0.0.1:80/"},
				ScopesSupported:                       []string{"b", "a"},
				BearerMethodsSupported:                []string{"body", "header"},
				ResourceName:                          `"Orders" & <more>`,
				ResourceDocumentation:                 "https://example.com/docs#a",
				ResourcePolicyURI:                     "http://example.com/policy?a=b",
				ResourceTOSURI:                        "https://example.com/tos",
				TLSClientCertificateBoundAccessTokens: true,
				AuthorizationDetailsTypesSupported:    []string{"payment"},
				DPoPSigningAlgValuesSupported:         []string{"ES256"},
				DPoPBoundAccessTokensRequired:         true,
				Extra:                                 map[string]any{"resource_name#it": "Ordini", "x": []int{1}, "jwks_uri": "https://api.example.com/k"},
			},
			`{"authorization_details_types_supported":["payment"],` +
				`"authorization_servers":["https://login.example.com/a","http://127.0.0.1:80/"],` +
				`"bearer_methods_supported":["body","header"],"dpop_bound_access_tokens_required":true,` +
				`"dpop_signing_alg_values_supported":["ES256"],"jwks_uri":"https://api.example.com/k",` +
				`"resource":"https://api.example.com/orders","resource_documentation":"https://example.com/docs#a",` +
				`"resource_name":"\"Orders\" \u0026 \u003cmore\u003e","resource_name#it":"Ordini",` +
				`"resource_policy_uri":"http://example.com/policy?a=b","resource_tos_uri":"https://example.com/tos",` +
				`"scopes_supported":["b","a"],"tls_client_certificate_bound_access_tokens":true,"x":[1]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			tt.cfg.Metadata = &tt.m
			path, h := newAuth(t, tt.cfg).Metadata()
			if want := "/.well-known/oauth-protected-resource/orders"; path != want {
				t.Errorf("Metadata() path = %q, want %q", path, want)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://evil.example"+path, nil))
			if got := w.Body.String(); got != tt.want {
				t.Errorf("document = %s\nwant %s", got, tt.want)
			}
			if got := w.Header().Get("Content-Type"); w.Code != 200 || got != "application/json" {
				t.Errorf("GET = %d, %q, want 200, application/json", w.Code, got)
			}
		})
	}
}

func TestAuthenticator_Metadata_url(t *testing.T) {
	t.Parallel()

	const wellKnown = "/.well-known/oauth-protected-resource"
	for _, tt := range []struct{ resource, url, path string }{
		{"https://api.example.com", "https://api.example.com" + wellKnown, wellKnown},
		{"https://api.example.com/", "https://api.example.com" + wellKnown, wellKnown},
		{"https://api.example.com/a", "https://api.example.com" + wellKnown + "/a", wellKnown + "/a"},
		{"https://api.example.com/a/", "https://api.example.com" + wellKnown + "/a/", wellKnown + "/a/"},
		{"https://api.example.com:8443/a/b", "https://api.example.com:8443" + wellKnown + "/a/b", wellKnown + "/a/b"},
		{"https://api.example.com/v1-._~!$&'()+,;=@", "https://api.example.com" + wellKnown + "/v1-._~!$&'()+,;=@", wellKnown + "/v1-._~!$&'()+,;=@"},
		{"http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080" + wellKnown + "/mcp", wellKnown + "/mcp"},
		{"http://[::1]/mcp", "http://[::1]" + wellKnown + "/mcp", wellKnown + "/mcp"},
	} {
		auth := newAuth(t, middleware.Config{Metadata: &middleware.Metadata{Resource: tt.resource}})
		path, _ := auth.Metadata()
		if path != tt.path {
			t.Errorf("Metadata(%s) path = %q, want %q", tt.resource, path, tt.path)
		}

		mux := http.NewServeMux()
		mux.Handle(auth.Metadata())
		mux.Handle("/", auth.Handler(new(spy)))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		want := `Bearer resource_metadata="` + tt.url + `"`
		if got := w.Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("challenge with %s = %q, want %q", tt.resource, got, want)
		}

		w = httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.url, nil))
		var document struct{ Resource string }
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || document.Resource != tt.resource {
			t.Errorf("GET %s = %d, %s, want the document of %s", tt.url, w.Code, w.Body, tt.resource)
		}
		for _, other := range []string{tt.url + "/x", tt.url + "x", strings.Replace(tt.url, "/oauth", "%2Foauth", 1)} {
			_, h := auth.Metadata()
			for _, h := range []http.Handler{mux, h} { // whatever a router makes of its path
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, other, nil))
				if w.Code == 200 {
					t.Errorf("GET %s = %d, %s, want no document but at %s", other, w.Code, w.Body, tt.url)
				}
			}
		}
	}
}

func TestAuthenticator_Metadata_request(t *testing.T) {
	t.Parallel()

	path, h := newAuth(t, middleware.Config{Metadata: &middleware.Metadata{Resource: resource}}).Metadata()
	get := httptest.NewRecorder()
	h.ServeHTTP(get, httptest.NewRequest(http.MethodGet, path, nil))
	etag := get.Header().Get("ETag")
	if etag == "" {
		t.Fatal("GET has no ETag")
	}
	preflight := http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"GET"}}

	for _, tt := range []struct {
		name, method string
		header       http.Header
		status       int
		want         http.Header // of what is compared
	}{
		{"GET", "GET", nil, 200, http.Header{"Cache-Control": {"public, max-age=300"}, "X-Content-Type-Options": {"nosniff"}}},
		{"GET from a script", "GET", http.Header{"Origin": {"https://app.example"}}, 200, nil},
		{"HEAD", "HEAD", nil, 200, http.Header{"Content-Length": {get.Header().Get("Content-Length")}, "Etag": {etag}}},
		{"GET of what is known", "GET", http.Header{"If-None-Match": {etag}}, 304, http.Header{"Etag": {etag}}},
		{"GET of what was known", "GET", http.Header{"If-None-Match": {`"x"`}}, 200, nil},
		{"GET of one of what is known", "GET", http.Header{"If-None-Match": {`"x"`, `"y", W/` + etag}}, 304, http.Header{"Content-Type": nil}},
		{"GET of anything known", "GET", http.Header{"If-None-Match": {"*"}}, 304, nil},
		{"HEAD of what is known", "HEAD", http.Header{"If-None-Match": {etag}}, 304, http.Header{"Etag": {etag}}},
		{"GET of a part", "GET", http.Header{"Range": {"bytes=0-3"}}, 200, http.Header{"Content-Length": {strconv.Itoa(get.Body.Len())}, "Accept-Ranges": nil}},
		{"GET of another part", "GET", http.Header{"Range": {"bytes=100000-"}}, 200, nil},
		{"GET if it is another", "GET", http.Header{"If-Match": {`"x"`}}, 200, nil},
		{"GET if it is old", "GET", http.Header{"If-Unmodified-Since": {"Thu, 01 Jan 1970 00:00:00 GMT"}}, 200, nil},
		{"preflight", "OPTIONS", preflight, 204, http.Header{
			"Access-Control-Allow-Methods": {"GET, HEAD"}, "Access-Control-Allow-Headers": {"*"},
		}},
		{"OPTIONS", "OPTIONS", nil, 405, http.Header{"Allow": {"GET, HEAD"}}},
		{"POST", "POST", nil, 405, http.Header{"Allow": {"GET, HEAD"}}},
		{"DELETE", "DELETE", nil, 405, http.Header{"Allow": {"GET, HEAD"}}},
	} {
		r := httptest.NewRequest(tt.method, path, nil)
		for name, values := range tt.header {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s = %d, want %d", tt.name, w.Code, tt.status)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin = %q, want *", tt.name, got)
		}
		if got := w.Header().Get("Access-Control-Allow-Credentials"); got != "" {
			t.Errorf("%s: Access-Control-Allow-Credentials = %q, want none", tt.name, got)
		}
		for name, want := range tt.want {
			if diff := cmp.Diff(want, w.Header()[name]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", tt.name, name, diff)
			}
		}
		if got := w.Body.Len() > 0; got != (tt.method != "HEAD" && tt.status != 204 && tt.status != 304) {
			t.Errorf("%s has the body %q", tt.name, w.Body)
		}
		if tt.method == "GET" && tt.status == 200 && w.Body.String() != get.Body.String() {
			t.Errorf("%s has the body %q, want all of it", tt.name, w.Body)
		}
	}
}

func TestAuthenticator_Metadata_mistakes(t *testing.T) {
	t.Parallel()

	proofs, err := dpop.New(dpop.Config{Algorithms: []validator.Algorithm{validator.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		cfg        middleware.Config
		m          middleware.Metadata
	}{
		{"no resource", "Resource", middleware.Config{}, middleware.Metadata{}},
		{"http", "Resource", middleware.Config{}, middleware.Metadata{Resource: "http://api.example.com"}},
		{"no host", "Resource", middleware.Config{}, middleware.Metadata{Resource: "https:///a"}},
		{"a name", "Resource", middleware.Config{}, middleware.Metadata{Resource: "urn:api"}},
		{"a query", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "?a"}},
		{"an empty query", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "?"}},
		{"a fragment", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "#a"}},
		{"an empty fragment", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "#"}},
		{"a user", "Resource", middleware.Config{}, middleware.Metadata{Resource: "https://a@api.example.com"}},
		{"a quotation mark", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + `"`}},
		{"dots", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/../a"}},
		{"two slashes", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "//a"}},
		{"two slashes at the end", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "//"}},
		{"an escaped space", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/a%20b"}},
		{"an escaped letter", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/a%C3%BC"}},
		{"an escaped slash", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/a%2Fb"}},
		{"braces", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/{id}"}},
		{"escaped braces", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/%7Bid%7D"}},
		{"a colon", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/v1:batch"}},
		{"a parameter", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/:id"}},
		{"a star", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/a*b"}},
		{"a bracket", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/a[b"}},
		{"beyond ASCII", "Resource", middleware.Config{}, middleware.Metadata{Resource: resource + "/\u0161"}},
		{"server with a query", "AuthorizationServers", middleware.Config{}, middleware.Metadata{Resource: resource, AuthorizationServers: []string{"https://login.example.com?a"}}},
		{"proofs of nothing", "DPoPSigningAlgValuesSupported", middleware.Config{}, middleware.Metadata{Resource: resource, DPoPSigningAlgValuesSupported: []string{"ES256", "none"}}},
		{"proofs by a secret", "DPoPSigningAlgValuesSupported", middleware.Config{}, middleware.Metadata{Resource: resource, DPoPSigningAlgValuesSupported: []string{"HS256"}}},
		{"proofs that nobody takes", "DPoPSigningAlgValuesSupported", middleware.Config{DPoP: proofs}, middleware.Metadata{Resource: resource, DPoPSigningAlgValuesSupported: []string{"ES256", "RS256"}}},
		{"server", "AuthorizationServers", middleware.Config{}, middleware.Metadata{Resource: resource, AuthorizationServers: []string{"tenant"}}},
		{"scope", "ScopesSupported", middleware.Config{}, middleware.Metadata{Resource: resource, ScopesSupported: []string{"a b"}}},
		{"method", "BearerMethodsSupported", middleware.Config{}, middleware.Metadata{Resource: resource, BearerMethodsSupported: []string{"query"}}},
		{"page", "ResourceTOSURI", middleware.Config{}, middleware.Metadata{Resource: resource, ResourceTOSURI: "javascript:alert(1)"}},
		{"extra without a name", "Extra", middleware.Config{}, middleware.Metadata{Resource: resource, Extra: map[string]any{"": 1}}},
		{"extra without JSON", "Extra", middleware.Config{}, middleware.Metadata{Resource: resource, Extra: map[string]any{"a": func() {}}}},
		{
			"two places", "ResourceMetadata",
			middleware.Config{ResourceMetadata: "https://api.example.com/meta"}, middleware.Metadata{Resource: resource},
		},
	} {
		tt.cfg.Validator, tt.cfg.Metadata = new(subjects), &tt.m
		auth, err := middleware.New(tt.cfg)
		if auth != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%s) = %v, %v, want an error about %s", tt.name, auth, err, tt.want)
		}
	}

	defer func() {
		if recover() == nil {
			t.Error("Metadata() of an Authenticator without did not panic")
		}
	}()
	newAuth(t, middleware.Config{ResourceMetadata: resource}).Metadata()
}

// The same URL said twice is no mistake.
func TestAuthenticator_Metadata_twice(t *testing.T) {
	t.Parallel()

	newAuth(t, middleware.Config{
		ResourceMetadata: "https://api.example.com/.well-known/oauth-protected-resource/orders",
		Metadata:         &middleware.Metadata{Resource: resource},
	})
}

// Every member that has a field can be said by it alone.
func TestMetadata_Extra(t *testing.T) {
	t.Parallel()

	for field := range reflect.TypeFor[middleware.Metadata]().NumField() {
		tag := reflect.TypeFor[middleware.Metadata]().Field(field).Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		if name == "-" {
			continue
		}
		for _, name := range []string{name, strings.ToUpper(name)} {
			m := middleware.Metadata{Resource: resource, Extra: map[string]any{name: true}}
			if _, err := middleware.New(middleware.Config{Validator: new(subjects), Metadata: &m}); err == nil {
				t.Errorf("New() with Extra %q: no error", name)
			}
		}
	}
}

// What happens to the Config later must not change the document.
func TestMetadata_changed(t *testing.T) {
	t.Parallel()

	m := middleware.Metadata{Resource: resource, ScopesSupported: []string{"a"}, Extra: map[string]any{"x": 1}}
	path, h := newAuth(t, middleware.Config{Metadata: &m}).Metadata()
	get := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Body.String()
	}
	before := get()
	m.ScopesSupported[0], m.Extra["x"], m.Resource = "b", 2, "https://evil.example"
	if after := get(); after != before {
		t.Errorf("document = %s, and after a change of the Config %s", before, after)
	}
}
