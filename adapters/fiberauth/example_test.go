package fiberauth_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	"github.com/rsguard/rsguard/adapters/fiberauth"
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

// send prints what app answers.
func send(app *fiber.App, method, target, token string) {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := app.Test(r)
	if err != nil {
		log.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	fmt.Printf("%d %s%s\n", res.StatusCode, body, res.Header["Www-Authenticate"])
}

func ExampleNew() {
	auth, token := exampleAuth()
	app := fiber.New()
	list := func(c fiber.Ctx) error {
		claims, _ := fiberauth.Claims(c)
		return c.SendString("orders of " + claims.Subject)
	}
	app.Get("/orders", fiberauth.New(auth), list)
	app.Post("/orders", fiberauth.New(auth, rsvalidator.Scopes("orders:write")), list)

	anna := token(map[string]any{"sub": "anna", "scope": "orders:read"})
	send(app, "GET", "/orders", anna)
	send(app, "POST", "/orders", anna)
	send(app, "GET", "/orders", "opaque")
	// Output:
	// 200 orders of anna[]
	// 403 Forbidden[Bearer error="insufficient_scope", scope="orders:write"]
	// 401 Unauthorized[Bearer error="invalid_token"]
}

// Fiber runs handlers in the order in which they were added, and Use guards
// only the routes that are added after it.
func ExampleNew_incorrect() {
	auth, _ := exampleAuth()
	app := fiber.New()
	show := func(c fiber.Ctx) error {
		_, ok := fiberauth.Claims(c)
		return c.SendString(fmt.Sprint("guarded: ", ok))
	}
	app.Get("/orders/secret", show) // should come after Use
	app.Use("/orders", fiberauth.New(auth))
	app.Get("/orders", show)

	send(app, "GET", "/orders", "opaque")
	send(app, "GET", "/orders/secret", "opaque")
	// Output:
	// 401 Unauthorized[Bearer error="invalid_token"]
	// 200 guarded: false[]
}

// A handler's unit test needs no token.
func ExampleClaims() {
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error { // in place of fiberauth.New
		r := testutil.WithClaims(httptest.NewRequest("GET", "/", nil), testutil.Claims{"sub": "anna"})
		c.SetContext(r.Context())
		return c.Next()
	})
	app.Get("/", func(c fiber.Ctx) error {
		claims, _ := fiberauth.Claims(c)
		return c.SendString("hello " + claims.Subject)
	})
	send(app, "GET", "/", "")
	// Output: 200 hello anna[]
}
