package grpcauth_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/testutil"
)

// Metadata that is not what a client of one token sends.
func TestServer_metadata(t *testing.T) {
	t.Parallel()

	f := start(t, setup{listener: listen(t)})
	var called atomic.Int32
	f.echoer.unary = func(context.Context) error { called.Add(1); return nil }
	good := f.iss.Token(testutil.Claims{"scope": "one"})
	many := []string{"authorization", "Bearer " + good}
	for i := range 2000 {
		many = append(many, fmt.Sprint("x-", i), strings.Repeat("x", 100))
	}
	accepted := int32(0)
	for _, tt := range []struct {
		name   string
		pairs  []string
		code   codes.Code
		reason string
	}{
		{"a name in capitals", []string{"Authorization", "Bearer " + good}, codes.OK, ""},
		{"a scheme in capitals", []string{"authorization", "BEARER " + good}, codes.OK, ""},
		{"among binary entries", []string{"authorization", "Bearer " + good, "authorization-bin", "Bearer other", "dpop-bin", "\x00\xff"}, codes.OK, ""},
		{"among many entries", many, codes.OK, ""},
		{"with an entry \"host\"", []string{"authorization", "Bearer " + good, "host", "evil.example.com"}, codes.OK, ""},
		{"a binary entry alone", []string{"authorization-bin", "Bearer " + good}, codes.Unauthenticated, "token_missing"},
		{"another entry", []string{"x-authorization", "Bearer " + good, "grpc-authorization", "Bearer " + good}, codes.Unauthenticated, "token_missing"},
		{"two entries", []string{"authorization", "Bearer " + good, "authorization", "Bearer " + good}, codes.Unauthenticated, "invalid_request"},
		{"two entries, one of them in capitals", []string{"authorization", "Bearer " + good, "AUTHORIZATION", "Bearer " + good}, codes.Unauthenticated, "invalid_request"},
		{"two entries, one of them empty", []string{"authorization", "Bearer " + good, "authorization", ""}, codes.Unauthenticated, "invalid_request"},
		{"two entries, the first of another scheme", []string{"authorization", "Basic dTpw", "authorization", "Bearer " + good}, codes.Unauthenticated, "invalid_request"},
		{"two tokens in one", []string{"authorization", "Bearer " + good + ", Bearer " + good}, codes.Unauthenticated, "invalid_request"},
		{"an empty entry", []string{"authorization", ""}, codes.Unauthenticated, "token_missing"},
		{"a scheme alone", []string{"authorization", "Bearer"}, codes.Unauthenticated, "invalid_request"},
		{"a megabyte", []string{"authorization", "Bearer " + strings.Repeat("a", 1<<20)}, codes.Unauthenticated, "invalid_token"},
		{"a megabyte of dots", []string{"authorization", "Bearer " + strings.Repeat(".", 1<<20)}, codes.Unauthenticated, "invalid_token"},
		{"a thousand entries", slices.Repeat([]string{"authorization", "Bearer " + good}, 1000), codes.Unauthenticated, "invalid_request"},
	} {
		began := time.Now()
		trailer, err := f.one(with(t.Context(), tt.pairs...))
		if got := status.Code(err); got != tt.code || reasonOf(err) != tt.reason {
			t.Errorf("%s: %v (%s), want %v (%s)", tt.name, err, reasonOf(err), tt.code, tt.reason)
		}
		if got := trailer["www-authenticate"]; (len(got) == 1) != (tt.code != codes.OK) {
			t.Errorf("%s: www-authenticate = %q", tt.name, got)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %v", tt.name, took)
		}
		if tt.code == codes.OK {
			accepted++
		}
	}
	if got := called.Load(); got != accepted {
		t.Errorf("the method was called %d times, want %d", got, accepted)
	}
}

// A service that no code was generated for, such as behind a proxy.
func TestServer_unknownService(t *testing.T) {
	t.Parallel()

	var called atomic.Int32
	f := start(t, setup{before: []grpc.ServerOption{grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
		called.Add(1)
		return nil
	})}})
	good := f.iss.Token(testutil.Claims{"scope": "one"})
	for _, method := range []string{"/other.Service/Any", "/test.Echo/Unknown", "/test.Echo/", "/test.Echo/One/", "/test.echo/One", "/x"} {
		for token, want := range map[string]codes.Code{"": codes.Unauthenticated, good: codes.PermissionDenied} {
			ctx := t.Context()
			if token != "" {
				ctx = bearer(ctx, token)
			}
			err := f.conn.Invoke(ctx, method, wrapperspb.String("x"), new(wrapperspb.StringValue))
			if method == "/x" {
				want = codes.Unimplemented // which the server says before it asks an interceptor
			}
			if strings.HasPrefix(method, "/test.Echo/") && !strings.HasSuffix(method, "One/") && token != "" {
				want = codes.Internal // it is under the Rule of its service, and the handler sends no message
			}
			if got := status.Code(err); got != want {
				t.Errorf("%s with the token %.4q: %v, want %v", method, token, err, want)
			}
		}
	}
	if got := called.Load(); got != 2 {
		t.Errorf("the handler was called %d times, want twice", got)
	}
}

// rawCall sends a call as frames, with any path and fields, and returns its
// status. The client of grpc-go would add a slash.
func rawCall(t *testing.T, addr, path string, fields ...string) (grpcStatus string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i, all := 0, append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "api.example.com",
		"content-type", "application/grpc", "te", "trailers"}, fields...); i < len(all); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, true, make([]byte, 5)) // an empty message
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err.Error()
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range frame.Fields {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
		case *http2.RSTStreamFrame:
			return frame.ErrCode.String()
		case *http2.GoAwayFrame:
			return frame.ErrCode.String()
		}
	}
}

// A path that is not in the form of a method reaches no handler, and fields that
// HTTP/2 doesn't have are no credentials.
func TestServer_rawPath(t *testing.T) {
	t.Parallel()

	var called atomic.Int32
	l := listen(t)
	f := start(t, setup{listener: l, before: []grpc.ServerOption{grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
		called.Add(1)
		return nil
	})}})
	f.echoer.stream = func(grpc.ServerStream) error { called.Add(1); return nil }
	authorization := []string{"authorization", "Bearer " + f.iss.Token(testutil.Claims{"scope": "one"})}
	good := map[string]bool{ // the last two are names of the service that it doesn't have
		"/test.Echo/Many": true, "/test.Echo/Many?x": true, "/test.Echo/Man%79": true,
	}
	for _, path := range []string{
		"/test.Echo/Many", "test.Echo/Many", "//test.Echo/Many", "/test.Echo//Many", "/test.Echo/Many/", "/test.Echo/Many?x", "/test.Echo/Man%79",
		"/test.echo/Many", "/test.Echo/./Many", "/x/../test.Echo/Many", "http://api.example.com/test.Echo/Many", "*", "", "/", "/grpc.health.v1.Health/../test.Echo/Many",
	} {
		before := called.Load()
		if got := rawCall(t, l.Addr().String(), path); got == "0" || called.Load() != before {
			t.Errorf("%q without a token: status %s, and a handler was called %d times", path, got, called.Load()-before)
		}
		got := rawCall(t, l.Addr().String(), path, authorization...)
		if (got == "0") != good[path] || (called.Load() != before) != good[path] {
			t.Errorf("%q with a token: status %s, and a handler was called %d times", path, got, called.Load()-before)
		}
	}
	// HTTP/1's ways to send a field twice.
	for name, fields := range map[string][]string{
		"a folded value":     {"authorization", authorization[1] + "\r\n x"},
		"a NUL":              {"authorization", authorization[1] + "\x00"},
		"a name in capitals": {"Authorization", authorization[1]},
		"twice":              append(authorization[:2:2], authorization...),
		"a comma":            {"authorization", authorization[1] + "," + authorization[1]},
	} {
		before := called.Load()
		if got := rawCall(t, l.Addr().String(), "/test.Echo/Many", fields...); got == "0" || called.Load() != before {
			t.Errorf("%s: status %s, and a handler was called %d times, want a rejection", name, got, called.Load()-before)
		}
	}
}
