package fiberauth_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"

	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/testutil"
)

// A conn is a connection with one request, and with the TLS state and context
// that this request has.
type conn struct {
	in  bytes.Reader
	out bytes.Buffer
	ctx context.Context
}

func (c *conn) Read(b []byte) (int, error)     { return c.in.Read(b) }
func (c *conn) Write(b []byte) (int, error)    { return c.out.Write(b) }
func (*conn) Close() error                     { return nil }
func (*conn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 443} }
func (*conn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234} }
func (*conn) SetDeadline(time.Time) error      { return nil }
func (*conn) SetReadDeadline(time.Time) error  { return nil }
func (*conn) SetWriteDeadline(time.Time) error { return nil }
func (c *conn) context() context.Context       { return c.ctx }

type tlsConn struct {
	*conn
	state *tls.ConnectionState
}

func (tlsConn) Handshake() error                       { return nil }
func (c tlsConn) ConnectionState() tls.ConnectionState { return *c.state }

// roundTrip sends these bytes on a connection of their own.
func roundTrip(app *fiber.App, in []byte, ctx context.Context, state *tls.ConnectionState) []byte {
	c := &conn{ctx: ctx}
	c.in.Reset(in)
	var of net.Conn = c
	if state != nil {
		of = tlsConn{c, state}
	}
	_ = app.Server().ServeConn(of) // after the response, it is at the end of what there is to read
	return c.out.Bytes()
}

// outer is a layer in front of the adapter, which sets the request's context.
func outer(c fiber.Ctx) error {
	if conn, ok := c.RequestCtx().Conn().(interface{ context() context.Context }); ok {
		c.SetContext(conn.context())
	}
	return c.Next()
}

// handler calls next with what a handler of Fiber has.
func handler(next http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		r := httptest.NewRequestWithContext(c.Context(), c.Method(), strings.Clone(c.OriginalURL()), bytes.NewReader(bytes.Clone(c.Body())))
		for name, values := range c.GetReqHeaders() {
			for _, value := range values {
				r.Header.Add(strings.Clone(name), strings.Clone(value))
			}
		}
		w := httptest.NewRecorder()
		next.ServeHTTP(w, r)
		for name, values := range w.Header() {
			for _, value := range values {
				c.Response().Header.Add(name, value)
			}
		}
		return c.Status(w.Code).Send(w.Body.Bytes())
	}
}

func newApp(cfg fiber.Config, next http.Handler, layers ...testutil.Layer) *fiber.App {
	cfg.ReadBufferSize = 64 << 10
	app := fiber.New(cfg)
	app.Use(outer)
	for _, layer := range layers {
		app.Use(fiberauth.New(layer.Auth, layer.Checks...))
	}
	app.All("/*", handler(next))
	app.Handler() // which prepares it to be served
	return app
}

func serve(cfg fiber.Config) func(http.Handler, ...testutil.Layer) func(*http.Request) *http.Response {
	return func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
		app := newApp(cfg, next, layers...)
		return func(r *http.Request) *http.Response {
			var in bytes.Buffer
			body, _ := io.ReadAll(r.Body)
			in.WriteString(r.Method + " " + cmp.Or(r.RequestURI, r.URL.RequestURI()) + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
			for name, values := range r.Header {
				for _, value := range values {
					fmt.Fprintf(&in, "%s: %s\r\n", name, value)
				}
			}
			fmt.Fprintf(&in, "Content-Length: %d\r\n\r\n", len(body))
			in.Write(body)
			out := roundTrip(app, in.Bytes(), r.Context(), r.TLS)
			res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), r)
			if err != nil {
				return nil
			}
			return res
		}
	}
}

func TestAdapter(t *testing.T) {
	t.Parallel()

	for name, cfg := range map[string]fiber.Config{
		"":               {},
		"names as sent":  {DisableHeaderNormalizing: true},
		"streams":        {StreamRequestBody: true},
		"immutable":      {Immutable: true},
		"reduced memory": {ReduceMemoryUsage: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testutil.TestTransport(t, testutil.Transport{Serve: serve(cfg)})
		})
	}
}

func TestVectors(t *testing.T) {
	requests.Run(t, "../../vectors/data", requests.Framework{Name: "Fiber v3", Serve: serve(fiber.Config{}), Carries: carries})
}

// carries reports whether a request can be an HTTP message as it is: values
// have no space around them and no control characters, and the one Host is that
// of the server.
func carries(r *vectors.Request) bool {
	for _, field := range r.Header {
		name, value := field[0], field[1]
		if name == "Host" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl) {
			return false
		}
	}
	var u fasthttp.URI
	err := u.Parse([]byte(r.Host), []byte("/"))
	return err == nil && strings.EqualFold(string(u.Host()), r.Host) && httpguts.ValidHostHeader(r.Host)
}
