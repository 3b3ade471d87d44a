package frameworks_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	contribjwt "github.com/gofiber/contrib/jwt"
	fiber2 "github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v5"
	"github.com/valyala/fasthttp"

	"github.com/rsguard/rsguard/adapters/echo5auth"
	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
	"github.com/rsguard/rsguard/middleware"
)

func get(h http.Handler, token string) func() error {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return serve(h, r, func() {})
}

func echoCases(tb testing.TB, issuer *rows.Issuer) []measure.Case {
	// has says whether there are the claims that the handler is to find.
	route := func(has func(*echo.Context) bool, m ...echo.MiddlewareFunc) func() error {
		e := echo.New()
		e.GET("/orders", func(c *echo.Context) error {
			if !has(c) {
				return echo.ErrUnauthorized
			}
			return c.String(http.StatusOK, "ok")
		}, m...)
		return get(e, issuer.Token)
	}
	cases := []measure.Case{{Name: bare, Run: route(func(*echo.Context) bool { return true })}}
	cases = append(cases, both(tb, issuer, func(auth *middleware.Authenticator) func() error {
		return route(func(c *echo.Context) bool { _, ok := echo5auth.Claims(c); return ok }, echo5auth.New(auth))
	})...)
	return append(cases, measure.Case{Name: peer + "go-jwt-middleware", Run: route(
		func(c *echo.Context) bool { return auth0Claims(c.Request().Context()) },
		echo.WrapMiddleware(auth0Handler(tb, issuer)),
	)})
}

// fast serves a request as fasthttp has read it.
func fast(tb testing.TB, token string, h fasthttp.RequestHandler) func() error {
	tb.Helper()
	req := new(fasthttp.Request)
	in := "GET /orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer " + token + "\r\n\r\n"
	if err := req.Read(bufio.NewReader(strings.NewReader(in))); err != nil {
		tb.Fatal(err)
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(req, nil, nil)
	return func() error {
		ctx.ResetUserValues()
		ctx.Response.Reset()
		h(ctx)
		if ctx.Response.StatusCode() != http.StatusOK || string(ctx.Response.Body()) != "ok" {
			return fmt.Errorf("response = %s", ctx.Response.String())
		}
		return nil
	}
}

// The peer of Fiber is published for Fiber v2 alone.
func fiberCases(tb testing.TB, issuer *rows.Issuer) []measure.Case {
	route := func(handlers ...any) func() error {
		app := fiber.New()
		app.Get("/orders", handlers[0], handlers[1:]...)
		return fast(tb, issuer.Token, app.Handler())
	}
	cases := []measure.Case{{Name: bare, Run: route(func(c fiber.Ctx) error { return c.SendString("ok") })}}
	cases = append(cases, both(tb, issuer, func(auth *middleware.Authenticator) func() error {
		return route(fiberauth.New(auth), func(c fiber.Ctx) error {
			if _, ok := fiberauth.Claims(c); !ok {
				return fiber.ErrTeapot
			}
			return c.SendString("ok")
		})
	})...)

	app2 := fiber2.New()
	app2.Use(contribjwt.New(contribjwt.Config{SigningKey: contribjwt.SigningKey{JWTAlg: "RS256", Key: issuer.Public}}))
	app2.Get("/orders", func(c *fiber2.Ctx) error {
		if _, ok := c.Locals("user").(*jwt.Token); !ok {
			return fiber2.ErrTeapot
		}
		return c.SendString("ok")
	})
	return append(cases, measure.Case{Name: peer + "contrib jwt, Fiber v2", Run: fast(tb, issuer.Token, app2.Handler())})
}

type output struct {
	Body string
}

func humaCases(tb testing.TB, issuer *rows.Issuer) []measure.Case {
	// has says whether there are the claims that the handler is to find.
	route := func(auth *middleware.Authenticator, has func(context.Context) bool) http.Handler {
		mux := http.NewServeMux()
		api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
		op := huma.Operation{Method: "GET", Path: "/orders"}
		if auth != nil {
			if err := humaauth.Secure(api, humaauth.Config{Schemes: map[string]humaauth.Scheme{"oauth": {Auth: auth}}}); err != nil {
				tb.Fatal(err)
			}
			op.Security = []map[string][]string{{"oauth": {}}}
		}
		huma.Register(api, op, func(ctx context.Context, _ *struct{}) (*output, error) {
			if !has(ctx) {
				return nil, huma.Error401Unauthorized("no claims")
			}
			return &output{"ok"}, nil
		})
		return mux
	}
	cases := []measure.Case{{Name: bare, Run: get(route(nil, func(context.Context) bool { return true }), issuer.Token)}}
	cases = append(cases, both(tb, issuer, func(auth *middleware.Authenticator) func() error {
		return get(route(auth, func(ctx context.Context) bool { _, ok := humaauth.Claims(ctx); return ok }), issuer.Token)
	})...)
	return append(cases, measure.Case{Name: peer + "go-jwt-middleware", Run: get(auth0Handler(tb, issuer)(route(nil, auth0Claims)), issuer.Token)})
}
