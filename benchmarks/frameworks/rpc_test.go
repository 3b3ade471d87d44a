package frameworks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	jwtgrpc "github.com/auth0/go-jwt-middleware/v3/integrations/grpc"
	auth0validator "github.com/auth0/go-jwt-middleware/v3/validator"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
	"github.com/rsguard/rsguard/middleware"
)

const procedure = "/test.Echo/Say"

var errNoClaims = errors.New("the handler finds no claims")

// echoDesc is a service without generated code.
var echoDesc = grpc.ServiceDesc{
	ServiceName: "test.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := dec(in); err != nil {
			return nil, err
		}
		handle := srv.(grpc.UnaryHandler)
		if interceptor == nil {
			return handle(ctx, in)
		}
		return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: procedure}, handle)
	}}},
}

// An intercepted is an interceptor and a handler that finds its claims.
type intercepted struct {
	intercept grpc.UnaryServerInterceptor // nil for a bare handler
	handle    grpc.UnaryHandler
}

func handler(has func(context.Context) bool) grpc.UnaryHandler {
	return func(ctx context.Context, in any) (any, error) {
		if !has(ctx) {
			return nil, errNoClaims
		}
		return in, nil
	}
}

// rpcCases are those of a server or of an interceptor alone, as run says.
func rpcCases(tb testing.TB, issuer *rows.Issuer, run func(intercepted) func() error) []measure.Case {
	tb.Helper()
	cases := []measure.Case{{Name: bare, Run: run(intercepted{nil, handler(func(context.Context) bool { return true })})}}
	cases = append(cases, both(tb, issuer, func(auth *middleware.Authenticator) func() error {
		guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{procedure: grpcauth.Require()}})
		if err != nil {
			tb.Fatal(err)
		}
		return run(intercepted{guard.Unary, handler(func(ctx context.Context) bool { _, ok := grpcauth.Claims(ctx); return ok })})
	})...)

	other, err := jwtgrpc.New(jwtgrpc.WithValidator(auth0Validator(tb, issuer)))
	if err != nil {
		tb.Fatal(err)
	}
	return append(cases, measure.Case{Name: peer + "go-jwt-middleware", Run: run(intercepted{
		other.UnaryServerInterceptor(),
		handler(func(ctx context.Context) bool {
			_, err := jwtgrpc.GetClaims[*auth0validator.ValidatedClaims](ctx)
			return err == nil
		}),
	})})
}

// interceptorCases are without a server.
func interceptorCases(tb testing.TB, issuer *rows.Issuer) []measure.Case {
	ctx := metadata.NewIncomingContext(tb.Context(), metadata.Pairs(":authority", "api.example.com",
		"content-type", "application/grpc", "user-agent", "bench", "authorization", "Bearer "+issuer.Token))
	in := wrapperspb.String("ok")
	info := &grpc.UnaryServerInfo{FullMethod: procedure}
	return rpcCases(tb, issuer, func(i intercepted) func() error {
		return func() error {
			if i.intercept == nil {
				_, err := i.handle(ctx, in)
				return err
			}
			_, err := i.intercept(ctx, in, info, i.handle)
			return err
		}
	})
}

// callCases are calls of grpc-go's client to a server in memory.
func callCases(tb testing.TB, issuer *rows.Issuer) []measure.Case {
	ctx := metadata.AppendToOutgoingContext(tb.Context(), "authorization", "Bearer "+issuer.Token)
	return rpcCases(tb, issuer, func(i intercepted) func() error {
		var options []grpc.ServerOption
		if i.intercept != nil {
			options = append(options, grpc.UnaryInterceptor(i.intercept))
		}
		server := grpc.NewServer(options...)
		server.RegisterService(&echoDesc, i.handle)
		listener := bufconn.Listen(1 << 16)
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		conn, err := grpc.NewClient("passthrough:///api.example.com", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			_ = conn.Close()
			server.Stop()
			<-done
		})
		in, out := wrapperspb.String("ok"), new(wrapperspb.StringValue)
		return func() error {
			if err := conn.Invoke(ctx, procedure, in, out); err != nil || out.GetValue() != "ok" {
				return fmt.Errorf("%v, %w", out, err)
			}
			return nil
		}
	})
}

// body is one that can be read again.
type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

func connectCases(tb testing.TB, issuer *rows.Issuer) []measure.Case {
	echo := func(has func(context.Context) bool) http.Handler {
		return connect.NewUnaryHandler(procedure, func(ctx context.Context, r *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
			if !has(ctx) {
				return nil, errNoClaims
			}
			return connect.NewResponse(r.Msg), nil
		})
	}
	message := []byte(`"ok"`)
	post := func(h http.Handler) func() error {
		r := httptest.NewRequest(http.MethodPost, procedure, nil)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+issuer.Token)
		r.ContentLength = int64(len(message))
		in := body{bytes.NewReader(message)}
		return serve(h, r, func() { in.Reset(message); r.Body = in })
	}
	cases := []measure.Case{{Name: bare, Run: post(echo(func(context.Context) bool { return true }))}}
	cases = append(cases, both(tb, issuer, func(auth *middleware.Authenticator) func() error {
		guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{procedure: connectauth.Require()}})
		if err != nil {
			tb.Fatal(err)
		}
		return post(guard.Handler(echo(func(ctx context.Context) bool { _, ok := connectauth.Claims(ctx); return ok })))
	})...)
	return append(cases, measure.Case{Name: peer + "go-jwt-middleware", Run: post(auth0Handler(tb, issuer)(echo(auth0Claims)))})
}
