package middleware_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func ExampleAuthenticator_Metadata() {
	v, err := validator.New(validator.Auth0("tenant.eu.auth0.com", "https://api.example.com/orders"))
	if err != nil {
		log.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		Metadata: &middleware.Metadata{
			Resource:        "https://api.example.com/orders",
			ScopesSupported: []string{"orders:read", "orders:write"},
		},
		Logger: quiet,
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("/orders", auth.Handler(http.NotFoundHandler()))
	mux.Handle(auth.Metadata()) // not behind auth, because clients without a token need it

	get(mux, "/orders", "")
	get(mux, "/.well-known/oauth-protected-resource/orders", "")
	// Output:
	// 401 Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/orders" Unauthorized
	// 200  {"authorization_servers":["https://tenant.eu.auth0.com/"],"bearer_methods_supported":["header"],"resource":"https://api.example.com/orders","scopes_supported":["orders:read","orders:write"]}
}

func ExampleCookieToken() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		Token:     middleware.CookieToken("__Host-token"),
		Logger:    quiet,
	})
	if err != nil {
		log.Fatal(err)
	}
	pay := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "paid") })
	// Browsers send the cookie with what other sites make them send, so
	// something has to look at where that is from.
	h := http.NewCrossOriginProtection().Handler(auth.Handler(pay))

	for _, site := range []string{"same-origin", "cross-site"} {
		r := httptest.NewRequest(http.MethodPost, "https://shop.example/pay", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		r.AddCookie(&http.Cookie{Name: "__Host-token", Value: token(nil)})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(site, w.Code)
	}
	// Output:
	// same-origin 200
	// cross-site 403
}

// Without a look at where a request is from, any site that a user visits can
// act in the user's name.
func ExampleCookieToken_incorrect() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Token: middleware.CookieToken("token"), Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "paid") }))

	r := httptest.NewRequest(http.MethodPost, "https://shop.example/pay", nil)
	r.Header.Set("Origin", "https://evil.example")
	r.AddCookie(&http.Cookie{Name: "token", Value: token(nil)}) // the browser adds it, if it is SameSite=None
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 paid
}

func ExampleFormToken() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Token: middleware.FormToken, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	download := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "here is ", r.PostFormValue("file"))
	}))

	form := url.Values{"file": {"report.pdf"}, "access_token": {token(nil)}}
	r := httptest.NewRequest(http.MethodPost, "/download", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	download.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 here is report.pdf
}

// What reads the form before FormToken keeps it from knowing what was sent.
func ExampleFormToken_incorrect() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Token: middleware.FormToken, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	remove := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "removed") }))
	tracing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("trace") != "" { // should be r.URL.Query().Get("trace"), or stand behind auth.Handler
			w.Header().Set("Trace", "on")
		}
		remove.ServeHTTP(w, r)
	})

	for _, h := range []http.Handler{remove, tracing} {
		form := url.Values{"access_token": {token(nil)}}
		r := httptest.NewRequest(http.MethodDelete, "/report.pdf", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 400
}

func ExampleWebSocketToken() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		Token:     middleware.WebSocketToken("access_token."),
		Logger:    quiet,
	})
	if err != nil {
		log.Fatal(err)
	}
	chat := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		// Upgrade the connection here by a WebSocket library that is told to
		// choose "chat", and end it at claims.ExpiresAt.
		w.Header().Set("Sec-WebSocket-Protocol", "chat")
		fmt.Fprint(w, "welcome ", claims.Subject)
	}))

	r := httptest.NewRequest(http.MethodGet, "/chat", nil)
	r.Header.Set("Sec-WebSocket-Protocol", "chat, access_token."+token(map[string]any{"sub": "anna"}))
	w := httptest.NewRecorder()
	chat.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Sec-WebSocket-Protocol"), w.Body)
	// Output: 200 chat welcome anna
}

func ExampleConfig_issuerForHost() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		IssuerForHost: func(host string) string {
			switch host {
			case "api.example.com":
				return "https://issuer.example/"
			case "api.customer.example":
				return "https://login.customer.example/"
			}
			return "" // no token is good here
		},
		Logger: quiet,
	})
	if err != nil {
		log.Fatal(err)
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "welcome") }))

	bearer := "Bearer " + token(nil)
	get(h, "https://api.example.com/", bearer)
	get(h, "https://api.customer.example/", bearer)
	// Output:
	// 200  welcome
	// 401 Bearer error="invalid_token" Unauthorized
}
