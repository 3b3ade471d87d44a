package humaauth_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/jwks"
	rsguard "github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	rsvalidator "github.com/rsguard/rsguard/validator"
)

// exampleAuth gives the examples an Authenticator, and tokens that it accepts.
// In a service it is made of rsvalidator.New(rsvalidator.Auth0(domain, audience)).
func exampleAuth() (auth *rsguard.Authenticator, token func(claims map[string]any) string) {
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://issuer.example/", Algorithms: []string{"EdDSA"}})
	if err != nil {
		log.Fatal(err)
	}
	set, err := iss.KeySet()
	if err != nil {
		log.Fatal(err)
	}
	keys, err := jwks.Parse(set)
	if err != nil {
		log.Fatal(err)
	}
	v, err := rsvalidator.New(rsvalidator.Config{
		Issuers:    []string{"https://issuer.example/"},
		Audiences:  []string{"https://api.example.com"},
		Algorithms: []rsvalidator.Algorithm{rsvalidator.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	auth, err = rsguard.New(rsguard.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	return auth, func(claims map[string]any) string {
		t, err := iss.Sign(mockissuer.Token{Claims: claims})
		if err != nil {
			log.Fatal(err)
		}
		return t
	}
}

// send prints what h answers.
func send(h http.Handler, method, target, token string) {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header()["Www-Authenticate"])
}

type Orders struct {
	Body struct {
		Owner string `json:"owner"`
	}
}

func list(ctx context.Context, _ *struct{}) (*Orders, error) {
	orders := &Orders{}
	if claims, ok := humaauth.Claims(ctx); ok {
		orders.Body.Owner = claims.Subject
	}
	return orders, nil
}

func ExampleSecure() {
	auth, token := exampleAuth()
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
	err := humaauth.Secure(api, humaauth.Config{
		Schemes: map[string]humaauth.Scheme{"oauth": {Auth: auth}},
	})
	if err != nil {
		log.Fatal(err)
	}
	type security = []map[string][]string
	huma.Register(api, huma.Operation{Method: "GET", Path: "/orders", Security: security{{"oauth": {}}}}, list)
	huma.Register(api, huma.Operation{Method: "POST", Path: "/orders", Security: security{{"oauth": {"orders:write"}}}}, list)
	huma.Register(api, huma.Operation{Method: "GET", Path: "/health", Security: security{{}}}, list)
	huma.Register(api, huma.Operation{Method: "GET", Path: "/forgotten"}, list)

	anna := token(map[string]any{"sub": "anna", "scope": "orders:read"})
	send(mux, "GET", "/orders", anna)
	send(mux, "POST", "/orders", anna)
	send(mux, "GET", "/orders", "")
	send(mux, "GET", "/health", "")
	send(mux, "GET", "/forgotten", anna)
	// Output:
	// 200 []
	// 403 [Bearer error="insufficient_scope", scope="orders:write"]
	// 401 [Bearer]
	// 200 []
	// 403 []
}

// New is for what Security can't express.
func ExampleNew() {
	auth, token := exampleAuth()
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
	huma.Register(api, huma.Operation{
		Method: "GET", Path: "/orders",
		Middlewares: huma.Middlewares{humaauth.New(api, auth, rsvalidator.Organization("org_1"))},
	}, list)

	send(mux, "GET", "/orders", token(map[string]any{"sub": "anna", "org_id": "org_1"}))
	send(mux, "GET", "/orders", token(map[string]any{"sub": "anna", "org_id": "org_2"}))
	// Output:
	// 200 []
	// 401 [Bearer error="invalid_token"]
}

// Security alone guards nothing. It only describes the operation.
func ExampleSecure_incorrect() {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
	huma.Register(api, huma.Operation{Method: "GET", Path: "/orders", Security: []map[string][]string{{"oauth": {}}}}, list)

	send(mux, "GET", "/orders", "")
	// Output: 200 []
}

// A handler's unit test needs no token.
func ExampleClaims() {
	r := testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), testutil.Claims{"sub": "anna"})
	orders, err := list(r.Context(), nil)
	fmt.Println(orders.Body.Owner, err)
	// Output: anna <nil>
}
