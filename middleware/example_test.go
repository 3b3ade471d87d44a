package middleware_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// exampleIssuer gives the examples a Validator, and tokens that it accepts.
func exampleIssuer() (v *validator.Validator, token func(claims map[string]any) string) {
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://issuer.example/", Algorithms: []string{"EdDSA"}})
	if err != nil {
		log.Fatal(err)
	}
	token = func(claims map[string]any) string {
		t, err := iss.Sign(mockissuer.Token{Claims: claims})
		if err != nil {
			log.Fatal(err)
		}
		return t
	}
	set, err := iss.KeySet()
	if err != nil {
		log.Fatal(err)
	}
	keys, err := jwks.Parse(set)
	if err != nil {
		log.Fatal(err)
	}
	v, err = validator.New(validator.Config{
		Issuers:    []string{"https://issuer.example/"},
		Audiences:  []string{"https://api.example.com"},
		Algorithms: []validator.Algorithm{validator.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	return v, token
}

// get prints what h answers.
func get(h http.Handler, target, authorization string) {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprintln(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)))
}

var quiet = slog.New(slog.DiscardHandler)

func Example() {
	v, token := exampleIssuer() // in a service: validator.New(validator.Auth0(domain, audience))
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Fprint(w, "hello ", claims.Subject)
	})
	mux.Handle("/hello", auth.Handler(hello))
	mux.Handle("/admin", auth.Require(validator.Scopes("admin"))(hello))

	bearer := "Bearer " + token(map[string]any{"sub": "anna", "scope": "orders"})
	get(mux, "/hello", bearer)
	get(mux, "/admin", bearer)
	// Output:
	// 200  hello anna
	// 403 Bearer error="insufficient_scope", scope="admin" Forbidden
}

func ExampleNew() {
	_, err := middleware.New(middleware.Config{Realm: "two\nlines", ResourceMetadata: "http://api.example.com/"})
	fmt.Println(err)
	// Output:
	// middleware: Config.Validator is nil
	// middleware: Config.Realm "two\nlines" has characters that are not printable ASCII
	// middleware: Config.ResourceMetadata is neither https nor http on a loopback host, but http on "api.example.com"
}

func ExampleConfig_optional() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Optional: true, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if claims, ok := middleware.ClaimsFromContext(r.Context()); ok {
			fmt.Fprint(w, "hello ", claims.Subject)
			return
		}
		fmt.Fprint(w, "hello stranger")
	}))

	get(h, "/", "")
	get(h, "/", "Bearer "+token(map[string]any{"sub": "anna"}))
	get(h, "/", "Bearer "+token(map[string]any{"aud": "https://another.example"}))
	// Output:
	// 200  hello stranger
	// 200  hello anna
	// 401 Bearer error="invalid_token" Unauthorized
}

func ExampleConfig_errorHandler() {
	v, _ := exampleIssuer()
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		Logger:    quiet,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, status int, err error) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status": %d, "title": %q}`, status, http.StatusText(status))
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	get(auth.Handler(http.NotFoundHandler()), "/", "")
	// Output:
	// 401 Bearer {"status": 401, "title": "Unauthorized"}
}

func ExampleAuthenticator_Handler() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Realm: "orders", Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "orders")
	}))

	get(h, "/", "Bearer "+token(nil))
	get(h, "/", "")
	get(h, "/", "Bearer opaque")
	// Output:
	// 200  orders
	// 401 Bearer realm="orders" Unauthorized
	// 401 Bearer realm="orders", error="invalid_token" Unauthorized
}

func ExampleAuthenticator_Require() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "done") })

	orders := http.NewServeMux()
	orders.Handle("/orders", ok)
	orders.Handle("/orders/new", auth.Require(validator.Scopes("orders:write"))(ok))
	h := auth.Handler(orders) // validates the token once, for all routes

	bearer := "Bearer " + token(map[string]any{"scope": "orders:read"})
	get(h, "/orders", bearer)
	get(h, "/orders/new", bearer)
	// Output:
	// 200  done
	// 403 Bearer error="insufficient_scope", scope="orders:write" Forbidden
}

// A route guarded by an Authenticator of its own does not see what the one
// around it has found, and validates the token again, by its own Config. Make
// one Authenticator for each API, and use it everywhere.
func ExampleAuthenticator_Require_incorrect() {
	v, token := exampleIssuer()
	counted := countingValidator{v, new(int)}
	outer, err := middleware.New(middleware.Config{Validator: counted})
	if err != nil {
		log.Fatal(err)
	}
	inner, err := middleware.New(middleware.Config{Validator: counted}) // should be outer
	if err != nil {
		log.Fatal(err)
	}
	h := outer.Handler(inner.Require(validator.Scopes("orders"))(http.NotFoundHandler()))

	get(h, "/", "Bearer "+token(map[string]any{"scope": "orders"}))
	fmt.Println("validated", *counted.n, "times")
	// Output:
	// 404  404 page not found
	// validated 2 times
}

type countingValidator struct {
	middleware.Validator
	n *int
}

func (v countingValidator) Validate(ctx context.Context, token string) (*validator.Claims, error) {
	*v.n++
	return v.Validator.Validate(ctx, token)
}

func ExampleBearerToken() {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	_, err := middleware.BearerToken(r)
	fmt.Println(validator.CodeOf(err))

	r.Header.Set("Authorization", "Bearer eyJ.eyJ.c2ln")
	token, _ := middleware.BearerToken(r)
	fmt.Println(token)

	r.Header.Add("Authorization", "Bearer another")
	_, err = middleware.BearerToken(r)
	fmt.Println(validator.CodeOf(err))
	// Output:
	// token_missing
	// eyJ.eyJ.c2ln
	// invalid_request
}

func ExampleClaimsFromContext() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		log.Fatal(err)
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Fprint(w, claims.Subject, " ", claims.Scopes, " ", claims.HasScope("orders"))
	}))
	get(h, "/", "Bearer "+token(map[string]any{"sub": "anna", "scope": "orders profile"}))
	// Output: 200  anna [orders profile] true
}

// A handler that nothing guards finds no claims, whatever the request carries:
// without Handler or Require around it, the token was not looked at. Where ok
// is ignored, as is right behind either, the nil claims then panic.
func ExampleClaimsFromContext_incorrect() {
	_, token := exampleIssuer()
	unguarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := middleware.ClaimsFromContext(r.Context())
		fmt.Fprint(w, claims == nil, ok)
	})
	get(unguarded, "/", "Bearer "+token(nil)) // should be auth.Handler(unguarded)
	// Output: 200  true false
}

func ExampleClaimsAs() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		log.Fatal(err)
	}
	type tenantClaims struct {
		Plan  string `json:"https://example.com/plan"`
		Seats int    `json:"seats"`
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, err := middleware.ClaimsAs[tenantClaims](r.Context())
		fmt.Fprint(w, tenant.Plan, " ", tenant.Seats, " ", err)
	}))
	get(h, "/", "Bearer "+token(map[string]any{"https://example.com/plan": "gold", "seats": 3}))
	// Output: 200  gold 3 <nil>
}

// A token that came in a message, not in a request, is validated by hand; its
// claims then go the usual way.
func ExampleContextWithClaims() {
	v, token := exampleIssuer()
	process := func(ctx context.Context) {
		claims, _ := middleware.ClaimsFromContext(ctx)
		fmt.Println("for", claims.Subject)
	}

	ctx := context.Background()
	claims, err := v.Validate(ctx, token(map[string]any{"sub": "anna"}))
	if err != nil {
		log.Fatal(err)
	}
	process(middleware.ContextWithClaims(ctx, claims))
	// Output: for anna
}
