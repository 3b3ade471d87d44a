package grpcauth_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// A server on a port, behind a gateway that makes a call of each HTTP request,
// as gateways do, and a status of the call's.
func TestConformance(t *testing.T) {
	t.Parallel()

	conforming.Run(t, conform.Target{Method: http.MethodPost}, func(auth *middleware.Authenticator, checks ...validator.Check) string {
		guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{"/test.Echo/": grpcauth.Require(checks...)}})
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer(guard.Options()...)
		server.RegisterService(&echoDesc, &echoer{unary: func(context.Context) error { return nil }})
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.Serve(listener) }() // ends with Stop
		t.Cleanup(server.Stop)
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })

		gate := httptest.NewUnstartedServer(gateway(conn))
		gate.Config.Protocols = new(http.Protocols)
		gate.Config.Protocols.SetHTTP1(true)
		gate.Config.Protocols.SetUnencryptedHTTP2(true)
		gate.Start()
		t.Cleanup(gate.Close)
		return gate.URL + "/test.Echo/One"
	}, "challenge/not-stored") // no cache stores what a call returns
}

// gateway returns a handler that calls the method that the request names. With a
// query, there is none of that name.
func gateway(conn *grpc.ClientConn) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		md := make(metadata.MD)
		for _, name := range []string{"Authorization", "Dpop"} {
			md.Append(name, r.Header[name]...)
		}
		var header, trailer metadata.MD
		out := new(wrapperspb.StringValue)
		err := conn.Invoke(metadata.NewOutgoingContext(r.Context(), md), r.URL.RequestURI(), wrapperspb.String("orders"), out,
			grpc.Header(&header), grpc.Trailer(&trailer), grpc.CallAuthority(r.Host))
		for _, name := range []string{"Www-Authenticate", "Dpop-Nonce", "Cache-Control"} {
			for _, value := range append(header.Get(name), trailer.Get(name)...) {
				w.Header().Add(name, value)
			}
		}
		w.WriteHeader(statusOf(err))
		_, _ = io.WriteString(w, out.GetValue())
	})
}

// statusOf returns the HTTP status of the package comment's table.
func statusOf(err error) int {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetReason() == "invalid_request" {
			return http.StatusBadRequest
		}
	}
	switch s.Code() {
	case codes.OK:
		return http.StatusOK
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unimplemented:
		return http.StatusNotFound
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
