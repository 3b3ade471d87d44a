package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// An API that takes tokens bound to a key or a certificate, and no others.
func ExampleConfig_dPoP() {
	tokens, err := validator.New(validator.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
	if err != nil {
		panic(err)
	}
	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		panic(err)
	}
	auth, err := middleware.New(middleware.Config{
		Validator:      tokens,
		DPoP:           proofs,
		RequireBinding: true,
		Origin:         middleware.FixedOrigin("https://api.example.com"),
	})
	if err != nil {
		panic(err)
	}

	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	auth.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 DPoP algs="ES256 EdDSA PS256 RS256"
}

// What the proxy has noted counts, and not what the client wrote before it.
func ExampleXForwardedOrigin() {
	origin := middleware.XForwardedOrigin(netip.MustParsePrefix("10.0.0.0/24")) // the proxies
	r := httptest.NewRequest(http.MethodGet, "http://api.internal/orders", nil)
	r.RemoteAddr = "10.0.0.7:40000"
	r.Header.Set("X-Forwarded-For", "10.0.0.9, 203.0.113.7")
	r.Header.Set("X-Forwarded-Proto", "http, https")
	r.Header.Set("X-Forwarded-Host", "evil.example, api.example.com")
	fmt.Println(origin(r))
	// Output: https://api.example.com <nil>
}

// With a network that has clients too, every client is a proxy.
func ExampleXForwardedOrigin_incorrect() {
	origin := middleware.XForwardedOrigin(netip.MustParsePrefix("0.0.0.0/0"))
	r := httptest.NewRequest(http.MethodGet, "http://api.internal/orders", nil)
	r.RemoteAddr = "203.0.113.7:40000" // a client
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Host", "evil.example")
	fmt.Println(origin(r))
	// Output: https://evil.example <nil>
}

// A middleware that puts a field's value into RemoteAddr must not come before
// the Authenticator: every client can then pass for the proxy, and bring a
// certificate of another client, whose key it doesn't have.
func ExampleClientCertHeader_incorrect() {
	realIP := func(next http.Handler) http.Handler { // as in several frameworks
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ip := r.Header.Get("X-Real-Ip"); ip != "" {
				r.RemoteAddr = ip + ":0"
			}
			next.ServeHTTP(w, r)
		})
	}
	certificate := middleware.ClientCertHeader(netip.MustParsePrefix("10.0.0.0/24")) // the proxies
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cert, err := certificate(r) // as an Authenticator with this Config.ClientCertificate does
		fmt.Println("believes the field:", cert != nil || err != nil)
	})

	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.RemoteAddr = "203.0.113.7:40000" // a client
	r.Header.Set("X-Real-Ip", "10.0.0.7")
	r.Header.Set("Client-Cert", ":AAAA:")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	realIP(handler).ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// believes the field: false
	// believes the field: true
}
