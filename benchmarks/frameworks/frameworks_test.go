// Package frameworks measures what a guarded handler costs beside a bare one of
// the same framework, for the frameworks whose adapters are modules of their
// own.
package frameworks_test

import (
	"bufio"
	"context"
	"log/slog"
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
	"github.com/rsguard/rsguard/benchmarks/rows"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// The auths are of an Authenticator that remembers tokens, as by default, and
// of one that checks each signature, as the peer does.
func auths(b *testing.B, issuer *rows.Issuer) map[string]*middleware.Authenticator {
	b.Helper()
	made := map[string]*middleware.Authenticator{}
	for name, size := range map[string]int{"guarded": 0, "guarded, no memory": -1} {
		v, err := validator.New(validator.Config{
			Issuers: []string{issuer.URL}, Audiences: []string{rows.Audience},
			Keys: jwks.Set{{ID: rows.KeyID, Public: issuer.Public}}, CacheSize: size,
		})
		if err != nil {
			b.Fatal(err)
		}
		made[name], err = middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
	}
	return made
}

func newIssuer(b *testing.B) *rows.Issuer {
	b.Helper()
	issuer, err := rows.NewIssuer("RS256")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(issuer.Close)
	return issuer
}

// measureFast serves a request as fasthttp has read it.
func measureFast(b *testing.B, name, token string, h fasthttp.RequestHandler) {
	b.Run(name, func(b *testing.B) {
		var req fasthttp.Request
		in := "GET /orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer " + token + "\r\n\r\n"
		if err := req.Read(bufio.NewReader(strings.NewReader(in))); err != nil {
			b.Fatal(err)
		}
		var ctx fasthttp.RequestCtx
		ctx.Init(&req, nil, nil)
		b.ReportAllocs()
		for b.Loop() {
			ctx.ResetUserValues()
			ctx.Response.Reset()
			h(&ctx)
			if ctx.Response.StatusCode() != http.StatusOK || string(ctx.Response.Body()) != "ok" {
				b.Fatalf("response = %s", ctx.Response.String())
			}
		}
	})
}

func BenchmarkFiber(b *testing.B) {
	issuer := newIssuer(b)
	bare := fiber.New()
	bare.Get("/orders", func(c fiber.Ctx) error { return c.SendString("ok") })
	measureFast(b, "bare", issuer.Token, bare.Handler())
	for name, auth := range auths(b, issuer) {
		app := fiber.New()
		app.Get("/orders", fiberauth.New(auth), func(c fiber.Ctx) error {
			if _, ok := fiberauth.Claims(c); !ok {
				return fiber.ErrTeapot
			}
			return c.SendString("ok")
		})
		measureFast(b, name, issuer.Token, app.Handler())
	}
}

// BenchmarkFiber2 is the peer. gofiber/contrib's jwt is published for Fiber v2
// alone.
func BenchmarkFiber2(b *testing.B) {
	issuer := newIssuer(b)
	bare := fiber2.New()
	bare.Get("/orders", func(c *fiber2.Ctx) error { return c.SendString("ok") })
	measureFast(b, "bare", issuer.Token, bare.Handler())
	app := fiber2.New()
	app.Use(contribjwt.New(contribjwt.Config{SigningKey: contribjwt.SigningKey{JWTAlg: "RS256", Key: issuer.Public}}))
	app.Get("/orders", func(c *fiber2.Ctx) error {
		if _, ok := c.Locals("user").(*jwt.Token); !ok {
			return fiber2.ErrTeapot
		}
		return c.SendString("ok")
	})
	measureFast(b, "contrib jwt", issuer.Token, app.Handler())
}

// discard is a response that is thrown away.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

func measure(b *testing.B, name, token string, h http.Handler) {
	b.Run(name, func(b *testing.B) {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := &discard{header: http.Header{}}
		b.ReportAllocs()
		for b.Loop() {
			w.status = 0
			clear(w.header)
			h.ServeHTTP(w, r)
			if w.status != http.StatusOK {
				b.Fatalf("status = %d", w.status)
			}
		}
	})
}

func BenchmarkEcho5(b *testing.B) {
	issuer := newIssuer(b)
	bare := echo.New()
	bare.GET("/orders", func(c *echo.Context) error { return c.String(http.StatusOK, "ok") })
	measure(b, "bare", issuer.Token, bare)
	for name, auth := range auths(b, issuer) {
		e := echo.New()
		e.GET("/orders", func(c *echo.Context) error {
			if _, ok := echo5auth.Claims(c); !ok {
				return echo.ErrUnauthorized
			}
			return c.String(http.StatusOK, "ok")
		}, echo5auth.New(auth))
		measure(b, name, issuer.Token, e)
	}
}

type output struct {
	Body string
}

func BenchmarkHuma(b *testing.B) {
	issuer := newIssuer(b)
	api := func() (*http.ServeMux, huma.API) {
		mux := http.NewServeMux()
		return mux, humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
	}
	mux, bare := api()
	huma.Register(bare, huma.Operation{Method: "GET", Path: "/orders"}, func(context.Context, *struct{}) (*output, error) {
		return &output{"ok"}, nil
	})
	measure(b, "bare", issuer.Token, mux)
	for name, auth := range auths(b, issuer) {
		mux, guarded := api()
		if err := humaauth.Secure(guarded, humaauth.Config{Schemes: map[string]humaauth.Scheme{"oauth": {Auth: auth}}}); err != nil {
			b.Fatal(err)
		}
		huma.Register(guarded, huma.Operation{Method: "GET", Path: "/orders", Security: []map[string][]string{{"oauth": {}}}},
			func(ctx context.Context, _ *struct{}) (*output, error) {
				if _, ok := humaauth.Claims(ctx); !ok {
					return nil, huma.Error401Unauthorized("no claims")
				}
				return &output{"ok"}, nil
			})
		measure(b, name, issuer.Token, mux)
	}
}
