package ginauth_test

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/adapters/ginauth"
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
	g := gin.New()
	list := func(c *gin.Context) {
		claims, _ := ginauth.Claims(c)
		c.String(http.StatusOK, "orders of "+claims.Subject)
	}
	g.GET("/orders", ginauth.New(auth), list)
	g.POST("/orders", ginauth.New(auth, rsvalidator.Scopes("orders:write")), list)

	anna := token(map[string]any{"sub": "anna", "scope": "orders:read"})
	send(g, http.MethodGet, "/orders", anna)
	send(g, http.MethodPost, "/orders", anna)
	send(g, http.MethodGet, "/orders", "opaque")
	// Output:
	// 200  orders of anna
	// 403 Bearer error="insufficient_scope", scope="orders:write" Forbidden
	// 401 Bearer error="invalid_token" Unauthorized
}

// Gin gives a route the middlewares that were there when it was added. One that
// is used later guards nothing of what came before it.
func ExampleNew_incorrect() {
	auth, _ := exampleAuth()
	g := gin.New()
	show := func(c *gin.Context) {
		_, ok := ginauth.Claims(c)
		c.String(http.StatusOK, fmt.Sprint("guarded: ", ok))
	}
	g.GET("/early", show) // should come after Use
	g.Use(ginauth.New(auth))
	g.GET("/late", show)

	send(g, http.MethodGet, "/early", "opaque")
	send(g, http.MethodGet, "/late", "opaque")
	// Output:
	// 200  guarded: false
	// 401 Bearer error="invalid_token" Unauthorized
}

// A handler's unit test needs no token.
func ExampleClaims() {
	handler := func(c *gin.Context) {
		claims, _ := ginauth.Claims(c)
		c.String(http.StatusOK, "hello "+claims.Subject)
	}

	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	c.Request = testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), testutil.Claims{"sub": "anna"})
	handler(c)
	fmt.Println(w.Body)
	// Output: hello anna
}
