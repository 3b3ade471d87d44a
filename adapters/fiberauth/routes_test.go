package fiberauth_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cors"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/requestid"

	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func who(c fiber.Ctx) error {
	if claims, ok := fiberauth.Claims(c); ok {
		return c.SendString(claims.Subject)
	}
	return c.SendString("anyone")
}

// request returns status and body of a response, and how many challenges it has.
func request(t *testing.T, app *fiber.App, method, target string, fields ...string) string {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	res, err := app.Test(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return fmt.Sprint(res.StatusCode, " ", string(body), " ", len(res.Header["Www-Authenticate"]))
}

// Apps that are mounted, groups, and methods that Fiber adds to a route.
func TestNew_routes(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	auth := a.auth(t)
	for name, cfg := range map[string]fiber.Config{
		"": {}, "immutable": {Immutable: true}, "strict": {StrictRouting: true, CaseSensitive: true},
		"unescaped": {UnescapePath: true}, "streams": {StreamRequestBody: true}, "names as sent": {DisableHeaderNormalizing: true},
	} {
		// The error goes to the ErrorHandler of the app that has the path.
		sub := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
			var fe *fiber.Error
			if !errors.As(err, &fe) {
				return err
			}
			return c.Status(fe.Code).SendString("its own")
		}})
		sub.Get("/orders", who)
		own := fiber.New()
		own.Use(fiberauth.New(auth, validator.Scopes("own")))
		own.Get("/orders", who)

		app := fiber.New(cfg)
		app.Use(requestid.New(), recover.New(), cors.New(cors.Config{AllowOrigins: []string{"https://app.example.com"}}))
		app.Get("/health", who)
		app.Use("/mounted", fiberauth.New(auth))
		app.Use("/mounted", sub)
		app.Use("/own", own)
		group := app.Group("/api", fiberauth.New(auth))
		group.Get("/orders", who)
		group.Group("/admin", fiberauth.New(auth, validator.Scopes("admin"))).All("/users", who)
		app.Get("/again", fiberauth.New(auth), func(c fiber.Ctx) error {
			c.Path("/api/admin/users")
			return c.RestartRouting()
		})

		token := func(scope string) string { return "Bearer " + a.Token(testutil.Claims{"sub": "anna", "scope": scope}) }
		for _, tt := range []struct{ method, path, token, want string }{
			{"GET", "/health", "", "200 anyone 0"},
			{"GET", "/health", "Bearer x", "200 anyone 0"},
			{"GET", "/mounted/orders", "", "401 its own 1"},
			{"GET", "/mounted/orders", "Bearer x", "401 its own 1"},
			{"GET", "/mounted/orders", token(""), "200 anna 0"},
			{"HEAD", "/mounted/orders", "", "401  1"},
			{"HEAD", "/mounted/orders", token(""), "200  0"},
			{"POST", "/mounted/orders", "", "401 its own 1"},
			{"OPTIONS", "/mounted/orders", "", "401 its own 1"},
			{"GET", "/mounted/none", "", "401 its own 1"},
			{"GET", "/own/orders", "", "401 Unauthorized 1"},
			{"GET", "/own/orders", token(""), "403 Forbidden 1"},
			{"GET", "/own/orders", token("own"), "200 anna 0"},
			{"GET", "/api/orders", "", "401 Unauthorized 1"},
			{"GET", "/api/orders", token(""), "200 anna 0"},
			{"GET", "/api/admin/users", token(""), "403 Forbidden 1"},
			{"HEAD", "/api/admin/users", token(""), "403  1"},
			{"OPTIONS", "/api/admin/users", token(""), "403 Forbidden 1"},
			{"TRACE", "/api/admin/users", "", "401 Unauthorized 1"},
			{"TRACE", "/api/admin/users", token("admin"), "200 anna 0"},
			{"GET", "/again", "", "401 Unauthorized 1"},
			{"GET", "/again", token(""), "403 Forbidden 1"},
			{"GET", "/again", token("admin"), "200 anna 0"},
		} {
			var fields []string
			if tt.token != "" {
				fields = []string{"Authorization", tt.token}
			}
			if got := request(t, app, tt.method, tt.path, fields...); got != tt.want {
				t.Errorf("%s %s with %.10q (%s) = %q, want %q", tt.method, tt.path, tt.token, name, got, tt.want)
			}
		}
		// However a path is written, its guard runs or no handler does.
		for _, path := range []string{
			"/API/orders", "/api/orders/", "//api/orders", "/api//orders", "/%61pi/orders", "/api%2Forders", "/api/./orders", "/x/../api/orders",
			"/api/orders%20", "/api/orders%00", "/api/orders?x", "/api/orders;x", "/api\\orders", "/mounted//orders", "/Mounted/Orders", "/own/./orders",
		} {
			if got := request(t, app, "GET", "http://api.example.com"+path); strings.HasPrefix(got, "200") {
				t.Errorf("GET %s without a token (%s) = %q, want a rejection", path, name, got)
			}
		}
	}
}

// A preflight is guarded like any request, unless the Authenticator admits it or
// a middleware in front answers it.
func TestNew_preflight(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	preflight := []string{"Origin", "https://app.example.com", "Access-Control-Request-Method", "GET"}
	for name, tt := range map[string]struct {
		allow, cors bool
		want        string
	}{
		"neither":       {false, false, "401 Unauthorized 1"},
		"admitted":      {true, false, "200 anyone 0"},
		"CORS in front": {false, true, "204  0"},
		"both of these": {true, true, "204  0"},
	} {
		a.cfg.AllowPreflight = tt.allow
		app := fiber.New()
		if tt.cors {
			app.Use(cors.New(cors.Config{AllowOrigins: []string{"https://app.example.com"}}))
		}
		app.All("/orders", fiberauth.New(a.auth(t)), who)
		if got := request(t, app, "OPTIONS", "/orders", preflight...); got != tt.want {
			t.Errorf("%s: preflight = %q, want %q", name, got, tt.want)
		}
		if got := request(t, app, "OPTIONS", "/orders"); got != "401 Unauthorized 1" {
			t.Errorf("%s: OPTIONS = %q, want 401", name, got)
		}
	}
}

// Proofs come once, and several in one field or in two are none.
func TestNew_proofs(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	proofs, err := dpop.New(dpop.Config{Now: a.Now})
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.DPoP = proofs
	a.cfg.Origin = middleware.FixedOrigin("https://api.example.com")
	key := testutil.DPoPKey(t)
	key.Now = a.Now
	token := a.Token(testutil.Claims{"sub": "anna", "cnf": key.Confirmation()})
	proof := func(method string) string { return key.Proof(method, "https://api.example.com/orders", token) }
	for name, cfg := range map[string]fiber.Config{"": {}, "names as sent": {DisableHeaderNormalizing: true}, "streams": {StreamRequestBody: true}} {
		once := proof("GET")
		for _, tt := range []struct{ name, method, fields, want string }{
			{"one", "GET", "DPoP: " + once + "\r\n", "200 anna "},
			{"the same again", "GET", "DPoP: " + once + "\r\n", "401 Unauthorized"},
			{"in lower case", "GET", "dpop: " + proof("GET") + "\r\n", "200 anna "},
			{"for HEAD", "HEAD", "DPoP: " + proof("HEAD") + "\r\n", "200 "},
			{"for GET, with HEAD", "HEAD", "DPoP: " + proof("GET") + "\r\n", "401 "},
			{"for OPTIONS", "OPTIONS", "DPoP: " + proof("OPTIONS") + "\r\n", "200 anna "},
			{"two fields", "GET", "DPoP: " + proof("GET") + "\r\nDPoP: " + proof("GET") + "\r\n", "401 Unauthorized"},
			{"two fields, in two cases", "GET", "DPoP: " + proof("GET") + "\r\nDPOP: " + proof("GET") + "\r\n", "401 Unauthorized"},
			{"two fields, one is empty", "GET", "DPoP: " + proof("GET") + "\r\nDPoP:\r\n", "401 Unauthorized"},
			{"two in a field", "GET", "DPoP: " + proof("GET") + ", " + proof("GET") + "\r\n", "401 Unauthorized"},
			{"on two lines", "GET", "DPoP:\r\n " + proof("GET") + "\r\n", "400 Bad Request"},
			{"none", "GET", "", "401 Unauthorized"},
		} {
			in := tt.method + " /orders HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: DPoP " + token + "\r\n" + tt.fields + "\r\n"
			got := answer(t, tt.method, roundTrip(a.app(t, cfg), []byte(in), nil, nil))
			if got != tt.want {
				t.Errorf("%s (%s) = %q, want %q", tt.name, name, got, tt.want)
			}
		}
	}
}

// answer reads the one response to a request of this method.
func answer(t *testing.T, method string, out []byte) string {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(res.StatusCode, " ", string(body))
}
