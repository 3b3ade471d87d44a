package connectauth_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
)

// Bytes of requests that no client of Connect sends. None of them reaches a
// procedure, and each has a challenge.
func TestGuard_wire(t *testing.T) {
	t.Parallel()

	e := newEcho(t, middleware.Config{})
	for _, tt := range []struct {
		method, target, contentType string
		want                        int
		response                    string // the content type
	}{
		{"POST", say, "application/json", 401, "application/json"},
		{"POST", say, "application/json; charset=utf-8", 401, "application/json"},
		{"POST", say, "APPLICATION/JSON ; Charset=UTF-8", 401, "application/json"},
		{"POST", say, "application/proto;x=y", 401, "application/json"},
		{"POST", say, "application/x-www-form-urlencoded", 401, "application/json"},
		{"POST", say, "application/", 401, "application/json"},
		{"POST", say, "application/json;;", 401, "application/json"},
		{"POST", see, "application/connect+json", 200, "application/connect+json"},
		{"POST", see, "application/connect+json; charset=utf-8", 200, "application/connect+json; charset=utf-8"},
		{"POST", see, "Application/Connect+JSON", 200, "application/connect+json"},
		{"POST", say, "application/grpc", 200, "application/grpc"},
		{"POST", say, "application/grpc; charset=utf-8", 401, "application/json"}, // which the handlers don't take for gRPC either
		{"POST", say, "application/grpc+json", 200, "application/grpc+json"},
		{"POST", say, "application/grpc-web", 200, "application/grpc-web"},
		{"POST", say, "application/grpc-web-text", 401, "application/json"},
		{"POST", say, "text/plain", 401, "text/plain; charset=utf-8"},
		{"POST", say, "", 401, "text/plain; charset=utf-8"},
		{"POST", say, "multipart/form-data; boundary=x", 401, "text/plain; charset=utf-8"},
		{"GET", say + "?encoding=json&message=%22x%22", "", 401, "application/json"},
		{"GET", say + "?connect=v1&encoding=json&message=%22x%22", "", 401, "application/json"},
		{"GET", say + "?connect=v2&encoding=json&message=%22x%22", "", 401, "text/plain; charset=utf-8"},
		{"GET", say + "?encoding=json&message=%22x%22", "application/grpc", 401, "application/json"},
		{"GET", say, "", 401, "text/plain; charset=utf-8"},
		{"GET", say + "?Encoding=json", "", 401, "text/plain; charset=utf-8"},
		{"HEAD", say + "?encoding=json&message=%22x%22", "", 401, "text/plain; charset=utf-8"},
		{"PUT", say, "application/json", 401, "text/plain; charset=utf-8"},
		{"OPTIONS", say, "application/json", 401, "text/plain; charset=utf-8"},
		{"POST", "/test.Echo/S%61y", "application/json", 401, "application/json"},
		{"POST", "/test.Echo%2FSay", "application/json", 401, "application/json"},
		{"POST", "//test.Echo/Say", "application/json", 401, "application/json"},
		{"POST", "/test.Echo/./Say", "application/json", 401, "application/json"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, e.Server.URL+tt.target, strings.NewReader(`"x"`))
		if err != nil {
			t.Fatal(err)
		}
		r.URL = must(url.Parse(e.Server.URL + tt.target))
		if tt.contentType != "" {
			r.Header.Set("Content-Type", tt.contentType)
		}
		client := *e.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s %s: %v", tt.method, tt.target, err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := res.Header.Get("Content-Type"); res.StatusCode != tt.want || got != tt.response || len(res.Header["Www-Authenticate"]) != 1 || bytes.Contains(text, []byte(`"x"`)) {
			t.Errorf("%s %s as %q = %d %q, challenges %q, want %d %q", tt.method, tt.target, tt.contentType, res.StatusCode, got, res.Header["Www-Authenticate"], tt.want, tt.response)
		}
	}
	if got := e.called.Load(); got != 0 {
		t.Errorf("procedures were called %d times, want never", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Behind a prefix, the Guard is behind what removes it. A proof is for the URL
// that the client has.
func TestGuard_prefix(t *testing.T) {
	t.Parallel()

	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := newEcho(t, middleware.Config{DPoP: proofs}, func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/api/", http.StripPrefix("/api", h))
		mux.Handle("/", h) // so that paths without the prefix are known too
		return mux
	})
	key := testutil.DPoPKey(t)
	bound := e.Token(testutil.Claims{"sub": "anna", "scope": "read", "cnf": key.Confirmation()})
	for _, tt := range []struct{ path, proof, want string }{
		{"/api" + say, "/api" + say, "ok "},
		{"/api" + say, say, "unauthenticated invalid_dpop_proof"},
		{say, say, "ok "},
		{"/api/api" + say, "/api/api" + say, "permission_denied refused"},
	} {
		for protocol, options := range clients {
			if protocol == "Connect by GET" {
				continue
			}
			code, reason, _ := outcome(call(t.Context(), e.dial(tt.path, options...), say, http.Header{
				"Authorization": {"DPoP " + bound}, "Dpop": {key.Proof("POST", e.Server.URL+tt.proof, bound)},
			}))
			if got := code + " " + reason; got != tt.want {
				t.Errorf("%s, %s with a proof for %s = %s, want %s", protocol, tt.path, tt.proof, got, tt.want)
			}
		}
	}
}

// A stream of a thousand messages goes on after its token has expired, and also
// after its key was withdrawn. The next call is rejected.
func TestGuard_longStream(t *testing.T) {
	t.Parallel()

	for protocol, options := range map[string][]connect.ClientOption{"Connect": nil, "gRPC": {connect.WithGRPC()}} {
		e := newEcho(t, middleware.Config{})
		header := http.Header{"Authorization": {"Bearer " + e.Token(testutil.Claims{"sub": "anna", "scope": "read"})}}
		s := e.dial(chat, options...).CallBidiStream(t.Context())
		s.RequestHeader().Set("Authorization", header.Get("Authorization"))
		for i := range 1000 {
			if i == 500 {
				e.offset.Store(int64(48 * time.Hour))
			}
			if err := s.Send(wrapperspb.String(fmt.Sprint(i))); err != nil {
				t.Fatalf("%s: Send(%d): %v", protocol, i, err)
			}
			if m, err := s.Receive(); err != nil || m.GetValue() != fmt.Sprint(i) {
				t.Fatalf("%s: Receive(%d) = %v, %v", protocol, i, m, err)
			}
		}
		if err := errors.Join(s.CloseRequest(), s.CloseResponse()); err != nil {
			t.Errorf("%s: end of the stream: %v", protocol, err)
		}
		if code, reason, _ := outcome(call(t.Context(), e.dial(chat, options...), chat, header)); code != "unauthenticated" || reason != "invalid_token" {
			t.Errorf("%s: the next call = %s (%s), want unauthenticated", protocol, code, reason)
		}
	}
}
