package fiberauth_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// An api is an issuer and the Config of an Authenticator of its tokens.
type api struct {
	*testutil.Issuer
	cfg middleware.Config
	log bytes.Buffer
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{Issuer: testutil.NewIssuer(t)}
	v, err := validator.New(a.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	a.cfg = middleware.Config{Validator: v, Logger: slog.New(slog.NewJSONHandler(&a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	return a
}

func (a *api) auth(t *testing.T) *middleware.Authenticator {
	t.Helper()
	auth, err := middleware.New(a.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// logged returns the code and error of the last rejection.
func (a *api) logged() (code, text string) {
	lines := strings.Split(strings.TrimSpace(a.log.String()), "\n")
	var record struct{ Code, Error string }
	_ = json.Unmarshal([]byte(lines[len(lines)-1]), &record)
	return record.Code, record.Error
}

// An app that answers with the subject of the claims, and its body if it has
// one.
func (a *api) app(t *testing.T, cfg fiber.Config) *fiber.App {
	t.Helper()
	app := fiber.New(cfg)
	app.All("/*", fiberauth.New(a.auth(t)), func(c fiber.Ctx) error {
		claims, ok := fiberauth.Claims(c)
		if !ok {
			return c.SendString("nobody " + string(c.Body()))
		}
		return c.SendString(claims.Subject + " " + string(c.Body()))
	})
	app.Handler()
	return app
}

// answers reads the responses on a connection.
func answers(t *testing.T, out []byte) (got []string) {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(out))
	for {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return got
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("body of the response: %v in %q", err, out)
		}
		got = append(got, fmt.Sprint(res.StatusCode, " ", string(body)))
	}
}

// listen serves h by net/http's server for one connection.
func throughNetHTTP(t *testing.T, h http.Handler, in []byte) []string {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(in); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(c)
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return answers(t, out)
}

// The bytes of a request, which net/http's server and Fiber's may read
// otherwise. What net/http's server rejects must not reach a handler of Fiber.
func TestNew_wire(t *testing.T) {
	t.Parallel()

	const (
		good = "GET / HTTP/1.1\r\nHost: api.example.com\r\n"
		post = "POST / HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer %s\r\n"
		auth = "Authorization: Bearer %s\r\n\r\n"
	)
	a := newAPI(t)
	for _, tt := range []struct {
		name, request string
		want          string // the beginning of the answer
		code          validator.Code
	}{
		{name: "a good one", request: good + auth, want: "200 anna"},
		{name: "lower case", request: "GET / HTTP/1.1\r\nhost: api.example.com\r\nauthorization: bearer %s\r\n\r\n", want: "200 anna"},
		{name: "lines without carriage returns", request: "GET / HTTP/1.1\nHost: api.example.com\nAuthorization: Bearer %s\r\n\r\n", want: "200 anna"},
		{name: "space around the value", request: good + "Authorization: \t Bearer %s \t\r\n\r\n", want: "200 anna"},
		{name: "none", request: good + "\r\n", want: "401", code: validator.CodeMissing},
		{name: "two Authorization fields", request: good + "Authorization: Bearer %s\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "two Authorization fields, one in another case", request: good + "AUTHORIZATION: Basic dTpw\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "two Authorization fields, one is empty", request: good + "Authorization:\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "a space after the name", request: good + "Authorization : Bearer %s\r\n\r\n", want: "400", code: validator.CodeRequest},
		{name: "a space in another name", request: good + "X Y: z\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "a space in a name beside none", request: good + "X Y: z\r\n\r\n", want: "400", code: validator.CodeRequest},
		{name: "a field on two lines", request: good + "Authorization: Bearer\r\n %s\r\n\r\n", want: "400", code: validator.CodeRequest},
		{name: "another field on two lines", request: good + "X-Y: z\r\n\tz\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "the token in a second line of another field", request: good + "X-Y: z\r\n " + auth, want: "400", code: validator.CodeRequest},
		{name: "a zero byte in the value", request: good + "Authorization: Bearer %s\x00\r\n\r\n", want: "400"},
		{name: "a zero byte in the name", request: good + "Authorization\x00: Bearer %s\r\n\r\n", want: "400"},
		{name: "a carriage return in the value", request: good + "X-Y: z\rAuthorization: Bearer x\r\n" + auth, want: "400"},
		{name: "a field without a colon", request: good + "X-Y\r\n" + auth, want: "400"},
		{name: "a field without a name", request: good + ": z\r\n" + auth, want: "400"},
		{name: "a token after the header", request: good + "\r\n" + auth, want: "401", code: validator.CodeMissing},
		{name: "two hosts", request: "GET / HTTP/1.1\r\nHost: other.example\r\nHost: api.example.com\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "the same host twice", request: good + "Host: api.example.com\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "no host", request: "GET / HTTP/1.1\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "no host in HTTP/1.0", request: "GET / HTTP/1.0\r\n" + auth, want: "200 anna"},
		{name: "a host with user information", request: "GET / HTTP/1.1\r\nHost: other.example@api.example.com\r\n" + auth, want: "400"},
		{name: "a host with a path", request: "GET / HTTP/1.1\r\nHost: api.example.com/x\r\n" + auth, want: "400"},
		{name: "a host in percent-encoding", request: "GET / HTTP/1.1\r\nHost: api%2eexample.com\r\n" + auth, want: "400"},
		{name: "a host with a quotation mark", request: "GET / HTTP/1.1\r\nHost: api\".example\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "an address with a zone", request: "GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "an address", request: "GET / HTTP/1.1\r\nHost: [::1]\r\n" + auth, want: "200 anna"},
		{name: "a host in the target", request: "GET http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n" + auth, want: "200 anna"},
		{name: "another host in the target", request: "GET http://other.example/ HTTP/1.1\r\nHost: api.example.com\r\n" + auth, want: "200 anna"}, // see TestNew_host
		{name: "a URL in the query", request: "GET /?next=http://other.example/ HTTP/1.1\r\nHost: api.example.com\r\n" + auth, want: "200 anna"},
		{name: "a target that ends in its encoding", request: "GET /%4 HTTP/1.1\r\nHost: api.example.com\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "a target without a slash", request: "GET orders HTTP/1.1\r\nHost: api.example.com\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "a token in the query as well", request: "GET /?access_token=a.b.c HTTP/1.1\r\nHost: api.example.com\r\n" + auth, want: "400", code: validator.CodeRequest},
		{name: "two types", request: post + "Content-Type: text/plain\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", want: "400", code: validator.CodeRequest},
		{name: "a body", request: post + "Content-Length: 2\r\n\r\n{}", want: "200 anna {}"},
		{name: "a body in chunks", request: post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", want: "200 anna {}"},
		{name: "a second field in the trailer", request: post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Y: z\r\n\r\n", want: "200 anna {}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request := strings.ReplaceAll(tt.request, "%s", a.Token(testutil.Claims{"sub": "anna"}))
			for mode, cfg := range map[string]fiber.Config{"": {}, "names as sent": {DisableHeaderNormalizing: true}, "streams": {StreamRequestBody: true}} {
				got := answers(t, roundTrip(a.app(t, cfg), []byte(request), nil, nil))
				if len(got) == 0 || !strings.HasPrefix(got[0], tt.want) {
					t.Errorf("answers (%s) = %q, want %q first", mode, got, tt.want)
				}
				if code, text := a.logged(); tt.code != "" && code != string(tt.code) {
					t.Errorf("rejection (%s) = %q, %q, want the code %q", mode, code, text, tt.code)
				}
			}
			called := false
			netHTTP := throughNetHTTP(t, a.auth(t).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })), []byte(request))
			if accepted := strings.HasPrefix(tt.want, "200"); accepted && !called {
				t.Errorf("net/http's server answers %q, and Fiber's accepts it", netHTTP)
			}
		})
	}
}

// The host of which a token's issuer must be is the one that the handler is
// told.
func TestNew_host(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	a.cfg.IssuerForHost = func(host string) string {
		return map[string]string{"api.example.com": a.Config("https://api.example.com").Issuers[0], "other.example": "https://other.example/"}[host]
	}
	app := fiber.New()
	app.Get("/*", fiberauth.New(a.auth(t)), func(c fiber.Ctx) error { return c.SendString(c.Host()) })
	app.Handler()
	for _, tt := range []struct{ target, host, want string }{
		{"/", "api.example.com", "200 api.example.com"},
		{"/", "API.example.com:443", "200 api.example.com:443"},
		{"/", "other.example", "401 Unauthorized"},
		{"http://api.example.com/", "other.example", "200 api.example.com"},
		{"http://other.example/", "api.example.com", "401 Unauthorized"},
		{"http://api.example.com@other.example/", "api.example.com", "401 Unauthorized"},
		{"http://other.example@api.example.com/", "other.example", "200 api.example.com"},
		{"x//other.example/", "api.example.com", "400 Bad Request"},
		{"/x://other.example/", "api.example.com", "200 api.example.com"},
	} {
		request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", tt.target, tt.host, a.Token(nil))
		if got := answers(t, roundTrip(app, []byte(request), nil, nil)); len(got) != 1 || got[0] != tt.want {
			t.Errorf("answer to %s on %s = %q, want %q", tt.target, tt.host, got, tt.want)
		}
	}
}

// fasthttp adds the trailer to the header. A proxy that removes a field from
// the header does not look for it after the body.
func TestNew_trailer(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	certificate := testutil.ClientCertificate(t)
	a.cfg.ClientCertificate = middleware.ClientCertHeader(netip.MustParsePrefix("192.0.2.0/24"))
	token := a.Token(testutil.Claims{"sub": "anna", "cnf": testutil.CertificateConfirmation(certificate.Leaf)})
	field := "Client-Cert: :" + base64.StdEncoding.EncodeToString(certificate.Leaf.Raw) + ":\r\n"
	start := "POST / HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer " + token + "\r\nTransfer-Encoding: chunked\r\n"
	const chunks = "\r\n2\r\n{}\r\n0\r\n"
	for name, cfg := range map[string]fiber.Config{"": {}, "names as sent": {DisableHeaderNormalizing: true}, "streams": {StreamRequestBody: true}} {
		app := a.app(t, cfg)
		if got := answers(t, roundTrip(app, []byte(start+field+chunks+"\r\n"), nil, nil)); len(got) != 1 || got[0] != "200 anna {}" {
			t.Errorf("answer (%s) to a certificate in the header = %q, want it accepted", name, got)
		}
		if got := answers(t, roundTrip(app, []byte(start+chunks+field+"\r\n"), nil, nil)); len(got) != 1 || got[0] != "401 Unauthorized" {
			t.Errorf("answer (%s) to a certificate in the trailer = %q, want 401 Unauthorized", name, got)
		}
	}
}

// fasthttp takes cookies apart, and writes one without a name so that it gets
// another's.
func TestNew_cookies(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	a.cfg.Token = middleware.CookieToken("__Host-token")
	app := a.app(t, fiber.Config{})
	token := a.Token(testutil.Claims{"sub": "anna"})
	for _, tt := range []struct{ cookie, want string }{
		{"__Host-token=" + token, "200 anna "},
		{"a=b; __Host-token=\"" + token + "\"", "200 anna "},
		{"=__Host-token=" + token, "401 Unauthorized"},
		{"; =__Host-token=" + token + "; a=b", "401 Unauthorized"},
		{"__Host-token", "401 Unauthorized"},
		{"x__Host-token=" + token, "401 Unauthorized"},
		{"__host-token=" + token, "401 Unauthorized"},
		{"__Host-token=" + token + "; __Host-token=" + token, "400 Bad Request"},
		{"__Host-token=" + token + "\r\nCookie: __Host-token=a.b.c", "400 Bad Request"},
		{"a=b\r\nCookie: __Host-token=" + token, "200 anna "},
	} {
		request := "GET / HTTP/1.1\r\nHost: api.example.com\r\nCookie: " + tt.cookie + "\r\n\r\n"
		if got := answers(t, roundTrip(app, []byte(request), nil, nil)); len(got) != 1 || got[0] != tt.want {
			t.Errorf("answer to Cookie: %s = %q, want %q", tt.cookie, got, tt.want)
		}
	}
}

// A Token function that reads the body leaves it for the handler, be it a
// stream or not.
func TestNew_form(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	a.cfg.Token = middleware.FormToken
	for name, cfg := range map[string]fiber.Config{
		"": {}, "streams": {StreamRequestBody: true}, "streams, a low limit": {StreamRequestBody: true, BodyLimit: 512},
	} {
		app := fiber.New(cfg)
		app.Use(fiberauth.New(a.auth(t)))
		app.Post("/", fiberauth.New(a.auth(t)), func(c fiber.Ctx) error {
			claims, _ := fiberauth.Claims(c)
			return c.SendString(fmt.Sprint(claims.Subject, " ", c.FormValue("note"), " ", len(c.Body()), " ", c.Request().IsBodyStream()))
		})
		app.Handler()
		form := "note=1&access_token=" + a.Token(testutil.Claims{"sub": "anna"})
		for _, more := range []string{"", "&x=" + strings.Repeat("x", 20_000)} {
			body := form + more
			head := "POST / HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
			for _, request := range []string{
				fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body),
				fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body),
			} {
				want := fmt.Sprintf("200 anna 1 %d", len(body))
				if cfg.BodyLimit != 0 && len(body) > cfg.BodyLimit {
					want = "400 Bad Request"
				}
				got := answers(t, roundTrip(app, []byte(request+request), nil, nil))
				if len(got) == 0 || !strings.HasPrefix(got[0], want) || want[0] == '2' && (len(got) != 2 || got[1] != got[0]) {
					t.Errorf("answers (%s, %d bytes) = %q, want %q, twice if it is accepted", name, len(body), got, want)
				}
			}
		}
		twice := strings.Replace(form, "note=1", "access_token=a.b.c", 1)
		request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(twice), twice)
		if got := answers(t, roundTrip(app, []byte(request), nil, nil)); len(got) != 1 || got[0] != "400 Bad Request" {
			t.Errorf("answers (%s) to two tokens = %q, want 400 Bad Request", name, got)
		}
	}
}

// What is left of a rejected stream is not the next request.
func TestNew_restOfStream(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	smuggled := "GET / HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer " + a.Token(testutil.Claims{"sub": "anna"}) + "\r\n\r\n"
	body := strings.Repeat(" ", 64<<10) + smuggled
	for name, cfg := range map[string]fiber.Config{"": {}, "streams": {StreamRequestBody: true}} {
		for _, length := range []string{
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
			fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		} {
			got := answers(t, roundTrip(a.app(t, cfg), []byte("POST / HTTP/1.1\r\nHost: api.example.com\r\n"+length), nil, nil))
			if len(got) != 1 || got[0] != "401 Unauthorized" {
				t.Errorf("answers (%s) = %q, want 401 Unauthorized alone", name, got)
			}
		}
	}
}

// A panic by which a handler of net/http ends its response does not end the
// program.
func TestNew_abort(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	app := fiber.New()
	app.Get("/", fiberauth.New(a.auth(t), func(context.Context, *validator.Claims) error { panic(http.ErrAbortHandler) }), func(fiber.Ctx) error {
		t.Error("the handler was called")
		return nil
	})
	addr := listen(t, app, nil)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer %s\r\n\r\n", a.Token(nil))
	if out, err := io.ReadAll(c); len(out) > 0 {
		t.Errorf("answer = %q, %v, want none", out, err)
	}
}

// listen serves app on loopback until the test ends, and returns the address.
func listen(t *testing.T, app *fiber.App, cfg *tls.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if cfg != nil {
		ln = tls.NewListener(ln, cfg)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		_ = ln.Close()
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("Listener() error = %v", err)
		}
	})
	return addr
}

// A certificate of the connection, and a proof that names its URL.
func TestNew_tls(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	proofs, err := dpop.New(dpop.Config{Now: a.Now})
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.DPoP = proofs
	own := testutil.ClientCertificate(t)
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	addr := listen(t, a.app(t, fiber.Config{}), &tls.Config{Certificates: s.TLS.Certificates, ClientAuth: tls.RequestClientCert})
	key := testutil.DPoPKey(t)
	key.Now = a.Now
	bound := a.Token(testutil.Claims{"sub": "anna", "cnf": testutil.CertificateConfirmation(own.Leaf)})
	byKey := a.Token(testutil.Claims{"sub": "anna", "cnf": key.Confirmation()})
	for _, tt := range []struct {
		name        string
		certificate []tls.Certificate
		authorize   func(*http.Request)
		want        int
	}{
		{"its certificate", []tls.Certificate{own}, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+bound) }, 200},
		{"another certificate", []tls.Certificate{testutil.ClientCertificate(t)}, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+bound) }, 401},
		{"no certificate", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+bound) }, 401},
		{"a proof", nil, func(r *http.Request) { key.Authorize(r, byKey) }, 200},
		{"two proofs", nil, func(r *http.Request) {
			key.Authorize(r, byKey)
			r.Header.Add("DPoP", key.Proof("GET", r.URL.String(), byKey))
		}, 401},
		{"a proof for http", nil, func(r *http.Request) {
			key.Authorize(r, byKey)
			r.Header.Set("DPoP", key.Proof("GET", strings.Replace(r.URL.String(), "https", "http", 1), byKey))
		}, 401},
	} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, Certificates: tt.certificate}, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+addr+"/orders?page=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		tt.authorize(r)
		res, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want {
			_, text := a.logged()
			t.Errorf("%s: status = %d, want %d; logged %q", tt.name, res.StatusCode, tt.want, text)
		}
	}
}

// What a program keeps of a request stays as it was while the server reuses
// its memory for others.
func TestNew_load(t *testing.T) {
	t.Parallel()

	for name, cfg := range map[string]fiber.Config{"": {}, "immutable": {Immutable: true}, "streams": {StreamRequestBody: true, ReduceMemoryUsage: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testLoad(t, cfg)
		})
	}
}

func testLoad(t *testing.T, cfg fiber.Config) {
	const clients, each = 8, 100
	type kept struct{ token, subject, claim, path, field string }
	var (
		mu  sync.Mutex
		all = map[string]kept{}
	)
	a := newAPI(t)
	a.cfg.Token = func(r *http.Request) (string, error) {
		token, err := middleware.BearerToken(r)
		mu.Lock()
		k := all[r.Header.Get("X-Id")]
		k.token, k.path, k.field = token, r.URL.Path, r.Header.Get("X-Kept")
		all[r.Header.Get("X-Id")] = k
		mu.Unlock()
		return token, err
	}
	app := fiber.New(cfg)
	app.Get("/*", fiberauth.New(a.auth(t)), func(c fiber.Ctx) error {
		claims, ok := middleware.ClaimsFromContext(c)
		if !ok {
			return fiber.ErrTeapot
		}
		name, err := middleware.ClaimsAs[struct {
			Name string `json:"name"`
		}](c.Context())
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		id := strings.Clone(c.Get("X-Id"))
		k := all[id]
		k.subject, k.claim = claims.Subject, name.Name
		all[id] = k
		return nil
	})
	addr := listen(t, app, nil)
	tokens := make([]string, clients)
	for i := range tokens {
		tokens[i] = a.Token(testutil.Claims{"sub": fmt.Sprint("user", i), "name": strings.Repeat(fmt.Sprint(i), 9)})
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			reader := bufio.NewReader(c)
			for j := range each {
				user := (i + j) % clients
				fmt.Fprintf(c, "GET /path-%d-%d HTTP/1.1\r\nHost: api.example.com\r\nX-Id: %d-%d\r\nX-Kept: kept-%d-%d\r\nAuthorization: Bearer %s\r\n\r\n", i, j, i, j, i, j, tokens[user])
				res, err := http.ReadResponse(reader, nil)
				if err != nil || res.StatusCode != 200 {
					t.Errorf("answer = %v, %v, want 200", res, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for i := range clients {
		for j := range each {
			user := (i + j) % clients
			want := kept{tokens[user], fmt.Sprint("user", user), strings.Repeat(fmt.Sprint(user), 9), fmt.Sprintf("/path-%d-%d", i, j), fmt.Sprintf("kept-%d-%d", i, j)}
			if got := all[fmt.Sprintf("%d-%d", i, j)]; got != want {
				t.Fatalf("kept of request %d of client %d = %+v, want %+v", j, i, got, want)
			}
		}
	}
}

// Fiber's own test needs no more than a token.
func TestNew_appTest(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	app := a.app(t, fiber.Config{})
	for token, want := range map[string]int{a.Token(nil): 200, "opaque": 401, "": 400} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want {
			t.Errorf("status with the token %.10q = %d, want %d", token, res.StatusCode, want)
		}
	}
}

// The ErrorHandler gets the status and the cause, and the header is set before.
// A middleware that drops the error does not let the request pass for a good
// one.
func TestNew_errorHandler(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	for _, drops := range []bool{false, true} {
		app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
			var fe *fiber.Error
			var refusal *middleware.Refusal
			if !errors.As(err, &fe) || fe.Code != 401 || fe.Message != "Unauthorized" || err.Error() != "Unauthorized" ||
				!errors.As(err, &refusal) || validator.CodeOf(err) != validator.CodeMalformed {
				t.Errorf("ErrorHandler got %v, want a fiber.Error of 401 that wraps the Refusal and its cause", err)
			}
			return c.Status(fe.Code).JSON(fiber.Map{"code": validator.CodeOf(err)})
		}})
		app.Use(func(c fiber.Ctx) error {
			c.Set("Cache-Control", "public")
			c.Response().Header.Add("Vary", "Origin")
			if err := c.Next(); !drops {
				return err
			}
			return nil
		})
		app.Get("/", fiberauth.New(a.auth(t)), func(fiber.Ctx) error { t.Error("the handler was called"); return nil })
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer opaque")
		res, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		want := http.Header{"Cache-Control": {"no-store"}, "Vary": {"Origin"}, "Www-Authenticate": {`Bearer error="invalid_token"`}}
		for name, values := range want {
			if got := res.Header[name]; !slices.Equal(got, values) {
				t.Errorf("%s = %q, want %q", name, got, values)
			}
		}
		if wantBody := map[bool]string{false: `{"code":"token_malformed"}`, true: ""}[drops]; res.StatusCode != 401 || string(body) != wantBody {
			t.Errorf("response = %d %q, want 401 %q", res.StatusCode, body, wantBody)
		}
	}
}

// The claims are in all three places, and in none of them without a token.
func TestClaims(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	a.cfg.Optional = true
	app := fiber.New()
	app.Get("/", fiberauth.New(a.auth(t)), func(c fiber.Ctx) error {
		one, _ := fiberauth.Claims(c)
		two, _ := middleware.ClaimsFromContext(c.Context())
		three, _ := middleware.ClaimsFromContext(c)
		if one != two || two != three {
			t.Errorf("claims = %v, %v and %v, want the same", one, two, three)
		}
		return c.SendString(fmt.Sprint(one != nil))
	})
	app.Handler()
	in := "GET / HTTP/1.1\r\nHost: api.example.com\r\n"
	token := "Authorization: Bearer " + a.Token(nil) + "\r\n\r\n"
	got := answers(t, roundTrip(app, []byte(in+token+in+"\r\n"+in+token), nil, nil))
	if want := []string{"200 true", "200 false", "200 true"}; !slices.Equal(got, want) {
		t.Errorf("answers to requests with, without and with a token = %q, want %q", got, want)
	}

	// A handler's unit test needs no Authenticator.
	c := app.AcquireCtx(&fasthttp.RequestCtx{})
	defer app.ReleaseCtx(c)
	if claims, ok := fiberauth.Claims(c); ok {
		t.Errorf("Claims(of a context without claims) = %v, %t, want none", claims, ok)
	}
	r := testutil.WithClaims(httptest.NewRequest("GET", "/", nil), testutil.Claims{"sub": "anna"})
	c.SetContext(r.Context())
	if claims, ok := fiberauth.Claims(c); !ok || claims.Subject != "anna" {
		t.Errorf("Claims() = %v, %t, want anna's", claims, ok)
	}
}
