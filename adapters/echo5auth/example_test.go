package echo5auth_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/rsguard/rsguard/adapters/echo5auth"
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
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprintln(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)))
}

func ExampleNew() {
	auth, token := exampleAuth()
	e := echo.New()
	list := func(c *echo.Context) error {
		claims, _ := echo5auth.Claims(c)
		return c.String(http.StatusOK, "orders of "+claims.Subject)
	}
	e.GET("/orders", list, echo5auth.New(auth))
	e.POST("/orders", list, echo5auth.New(auth, rsvalidator.Scopes("orders:write")))

	anna := token(map[string]any{"sub": "anna", "scope": "orders:read"})
	send(e, http.MethodGet, "/orders", anna)
	send(e, http.MethodPost, "/orders", anna)
	send(e, http.MethodGet, "/orders", "opaque")
	// Output:
	// 200  orders of anna
	// 403 Bearer error="insufficient_scope", scope="orders:write" {"message":"Forbidden"}
	// 401 Bearer error="invalid_token" {"message":"Unauthorized"}
}

// A middleware of a group guards the group's routes alone, and not those that
// were added to the Echo itself under the same path.
func ExampleNew_incorrect() {
	auth, _ := exampleAuth()
	e := echo.New()
	show := func(c *echo.Context) error {
		_, ok := echo5auth.Claims(c)
		return c.String(http.StatusOK, fmt.Sprint("guarded: ", ok))
	}
	g := e.Group("/orders", echo5auth.New(auth))
	g.GET("", show)
	e.GET("/orders/secret", show) // should be g.GET("/secret", show)

	send(e, http.MethodGet, "/orders", "opaque")
	send(e, http.MethodGet, "/orders/secret", "opaque")
	// Output:
	// 401 Bearer error="invalid_token" {"message":"Unauthorized"}
	// 200  guarded: false
}

// A handler's unit test needs no token.
func ExampleClaims() {
	handler := func(c *echo.Context) error {
		claims, _ := echo5auth.Claims(c)
		return c.String(http.StatusOK, "hello "+claims.Subject)
	}

	r := testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), testutil.Claims{"sub": "anna"})
	w := httptest.NewRecorder()
	err := handler(echo.New().NewContext(r, w))
	fmt.Println(w.Body, err)
	// Output: hello anna <nil>
}
