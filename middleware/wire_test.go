package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// What of a field the server itself trims, joins or refuses is not
// BearerToken's to see.
func TestWire_http1(t *testing.T) {
	t.Parallel()

	s := new(spy)
	server := httptest.NewServer(newAuth(t, middleware.Config{}).Handler(s))
	defer server.Close()

	for _, tt := range []struct {
		name, fields string
		status       int
	}{
		{"a token", "Authorization: Bearer anna\r\n", 200},
		{"another case of the name", "aUTHORIZATION: bearer anna\r\n", 200},
		{"space around the value", "Authorization: \t Bearer anna \t\r\n", 200},
		{"two names that differ by case", "Authorization: Bearer anna\r\nauthorization: Bearer anna\r\n", 400},
		{"an empty one beside", "Authorization: Bearer anna\r\nAuthorization:\r\n", 400},
		{"a tab within", "Authorization: Bearer\tanna\r\n", 400},
		{"a folded line", "Authorization: Bearer\r\n anna\r\n", 200},
		{"two tokens on folded lines", "Authorization: Bearer anna\r\n bert\r\n", 400},
		{"a space before the colon", "Authorization : Bearer anna\r\n", 400},
		{"a name with an underscore", "Author_ization: Bearer anna\r\n", 401},
		{"another field", "Proxy-Authorization: Bearer anna\r\n", 401},
		{"none", "", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", tt.fields)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != tt.status {
				t.Errorf("status with %q = %d, want %d", tt.fields, res.StatusCode, tt.status)
			}
		})
	}
}

// The HTTP/2 server drops fields that are not valid, and with one of them a
// challenge would be gone.
func TestWire_http2(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{
		Realm: `a "quoted\" realm, x="y"`,
		Validator: validateFunc(func(_ context.Context, token string) (*validator.Claims, error) {
			if token == "anna" {
				return &validator.Claims{Subject: token}, nil
			}
			return nil, &validator.Error{
				Code: validator.CodeScope, Scopes: []string{"a\r\nX: y", "good", "\u00e9"}, Issuer: "x\r\ny", KeyID: "\x00",
			}
		}),
	})
	server := httptest.NewUnstartedServer(auth.Handler(new(spy)))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	for _, tt := range []struct {
		name          string
		authorization []string
		status        int
		challenge     []string
	}{
		{"accepted", []string{"Bearer anna"}, 200, nil},
		{"none", nil, 401, []string{`Bearer realm="a \"quoted\\\" realm, x=\"y\""`}},
		{"two fields", []string{"Bearer anna", "Bearer anna"}, 400, []string{`Bearer realm="a \"quoted\\\" realm, x=\"y\"", error="invalid_request"`}},
		{"scopes", []string{"Bearer bert"}, 403, []string{`Bearer realm="a \"quoted\\\" realm, x=\"y\"", error="insufficient_scope", scope="good"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header["Authorization"] = tt.authorization
			res, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.ProtoMajor != 2 || res.StatusCode != tt.status {
				t.Errorf("response = %s %d %v, want HTTP/2 %d", res.Proto, res.StatusCode, err, tt.status)
			}
			if diff := cmp.Diff(tt.challenge, res.Header["Www-Authenticate"]); diff != "" {
				t.Errorf("WWW-Authenticate (-want +got):\n%s", diff)
			}
			if strings.Contains(string(body)+fmt.Sprint(res.Header), "bert") {
				t.Errorf("response = %q %q, want no token in it", res.Header, body)
			}
		})
	}
}
