package frameworks_test

import (
	"bytes"
	"context"
	"crypto"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	jwtgrpc "github.com/auth0/go-jwt-middleware/v3/integrations/grpc"
	auth0 "github.com/auth0/go-jwt-middleware/v3/validator"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/benchmarks/rows"
)

const procedure = "/test.Echo/Say"

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

// measureCalls makes calls to a server in memory, from a client of grpc-go.
func measureCalls(b *testing.B, name, token string, handle grpc.UnaryHandler, options ...grpc.ServerOption) {
	b.Run(name, func(b *testing.B) {
		server := grpc.NewServer(options...)
		server.RegisterService(&echoDesc, handle)
		listener := bufconn.Listen(1 << 16)
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		defer func() { server.Stop(); <-done }()
		conn, err := grpc.NewClient("passthrough:///api.example.com", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		ctx := metadata.AppendToOutgoingContext(b.Context(), "authorization", "Bearer "+token)
		in, out := wrapperspb.String("ok"), new(wrapperspb.StringValue)
		b.ReportAllocs()
		for b.Loop() {
			if err := conn.Invoke(ctx, procedure, in, out); err != nil || out.GetValue() != "ok" {
				b.Fatalf("%v, %v", out, err)
			}
		}
	})
}

// measureInterceptor is without a server.
func measureInterceptor(b *testing.B, name, token string, intercept grpc.UnaryServerInterceptor, handle grpc.UnaryHandler) {
	b.Run(name, func(b *testing.B) {
		ctx := metadata.NewIncomingContext(b.Context(), metadata.Pairs(":authority", "api.example.com",
			"content-type", "application/grpc", "user-agent", "bench", "authorization", "Bearer "+token))
		in := wrapperspb.String("ok")
		info := &grpc.UnaryServerInfo{FullMethod: procedure}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := intercept(ctx, in, info, handle); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGRPC(b *testing.B) {
	issuer := newIssuer(b)
	measureCalls(b, "bare", issuer.Token, func(_ context.Context, in any) (any, error) { return in, nil })

	handle := func(ctx context.Context, in any) (any, error) {
		if _, ok := grpcauth.Claims(ctx); !ok {
			return nil, http.ErrNoCookie
		}
		return in, nil
	}
	for name, auth := range auths(b, issuer) {
		guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{procedure: grpcauth.Require()}})
		if err != nil {
			b.Fatal(err)
		}
		measureCalls(b, name, issuer.Token, handle, guard.Options()...)
		measureInterceptor(b, name+", interceptor", issuer.Token, guard.Unary, handle)
	}

	v, err := auth0.New(
		auth0.WithKeyFunc(func(context.Context) (any, error) { return crypto.PublicKey(issuer.Public), nil }),
		auth0.WithAlgorithm(auth0.RS256), auth0.WithIssuer(issuer.URL), auth0.WithAudience(rows.Audience),
	)
	if err != nil {
		b.Fatal(err)
	}
	peer, err := jwtgrpc.New(jwtgrpc.WithValidator(v))
	if err != nil {
		b.Fatal(err)
	}
	handlePeer := func(ctx context.Context, in any) (any, error) {
		if _, err := jwtgrpc.GetClaims[*auth0.ValidatedClaims](ctx); err != nil {
			return nil, err
		}
		return in, nil
	}
	measureCalls(b, "go-jwt-middleware", issuer.Token, handlePeer, grpc.UnaryInterceptor(peer.UnaryServerInterceptor()))
	measureInterceptor(b, "go-jwt-middleware, interceptor", issuer.Token, peer.UnaryServerInterceptor(), handlePeer)
}

func BenchmarkConnect(b *testing.B) {
	issuer := newIssuer(b)
	echo := func(guarded bool) http.Handler {
		return connect.NewUnaryHandler(procedure, func(ctx context.Context, r *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
			if _, ok := connectauth.Claims(ctx); ok != guarded {
				return nil, http.ErrNoCookie
			}
			return connect.NewResponse(r.Msg), nil
		})
	}
	measurePost(b, "bare", issuer.Token, echo(false))
	for name, auth := range auths(b, issuer) {
		guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{procedure: connectauth.Require()}})
		if err != nil {
			b.Fatal(err)
		}
		measurePost(b, name, issuer.Token, guard.Handler(echo(true)))
	}
}

// body is one that can be read again.
type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

func measurePost(b *testing.B, name, token string, h http.Handler) {
	b.Run(name, func(b *testing.B) {
		message := []byte(`"ok"`)
		r := httptest.NewRequest(http.MethodPost, procedure, nil)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		r.ContentLength = int64(len(message))
		in := body{bytes.NewReader(message)}
		w := &discard{header: http.Header{}}
		b.ReportAllocs()
		for b.Loop() {
			w.status = 0
			clear(w.header)
			in.Reset(message)
			r.Body = in
			h.ServeHTTP(w, r)
			if w.status != http.StatusOK && w.status != 0 {
				b.Fatalf("status = %d", w.status)
			}
		}
	})
}
