package grpcauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const audience = "https://api.example.com"

// An echoer is a service with a method of each kind.
type echoer struct {
	unary  func(context.Context) error
	stream func(grpc.ServerStream) error
}

var echoDesc = grpc.ServiceDesc{
	ServiceName: "test.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "One", Handler: func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := dec(in); err != nil {
			return nil, err
		}
		handle := func(ctx context.Context, in any) (any, error) { return in, srv.(*echoer).unary(ctx) }
		return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test.Echo/One"}, handle)
	}}},
	Streams: []grpc.StreamDesc{{StreamName: "Many", ServerStreams: true, ClientStreams: true, Handler: func(srv any, ss grpc.ServerStream) error {
		return srv.(*echoer).stream(ss)
	}}},
}

// echo sends back what it gets.
func echo(ss grpc.ServerStream) error {
	for {
		m := new(wrapperspb.StringValue)
		switch err := ss.RecvMsg(m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := ss.SendMsg(m); err != nil {
			return err
		}
	}
}

// A fixture is a server and the connection of a client.
type fixture struct {
	iss    *testutil.Issuer
	server *grpc.Server
	conn   *grpc.ClientConn
	echoer *echoer
	claims *validator.Claims // of the last call
}

type setup struct {
	listener net.Listener // of memory if nil
	serverTLS,
	clientTLS *tls.Config
	guard  grpcauth.Config
	auth   middleware.Config
	before []grpc.ServerOption
	leeway time.Duration
	now    func() time.Time // of the Validator
	net    *http.Server     // that serves the gRPC server, if not nil
}

func start(t *testing.T, s setup) *fixture {
	t.Helper()
	f := &fixture{iss: testutil.NewIssuer(t, mockissuer.Config{URL: "https://issuer.example.com"})}
	cfg := f.iss.Config(audience)
	cfg.Leeway, cfg.Now = s.leeway, s.now
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.auth.Validator = v
	if s.auth.Logger == nil {
		s.auth.Logger = slog.New(slog.DiscardHandler)
	}
	auth, err := middleware.New(s.auth)
	if err != nil {
		t.Fatal(err)
	}
	s.guard.Methods = grpcauth.Methods{
		"/test.Echo/":             grpcauth.Require(),
		"/test.Echo/One":          grpcauth.Require(validator.Scopes("one")),
		"/grpc.health.v1.Health/": grpcauth.Public,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": grpcauth.Require(validator.Scopes("reflect")),
	}
	guard, err := grpcauth.New(auth, s.guard)
	if err != nil {
		t.Fatal(err)
	}
	options := append(s.before, guard.Options()...)
	if s.serverTLS != nil && s.net == nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.serverTLS)))
	}
	f.server = grpc.NewServer(options...)
	see := func(ctx context.Context) { f.claims, _ = grpcauth.Claims(ctx) }
	f.echoer = &echoer{
		unary:  func(ctx context.Context) error { see(ctx); return nil },
		stream: func(ss grpc.ServerStream) error { see(ss.Context()); return echo(ss) },
	}
	f.server.RegisterService(&echoDesc, f.echoer)
	healthpb.RegisterHealthServer(f.server, health.NewServer())
	reflection.RegisterV1(f.server)
	if err := guard.Verify(f.server); err != nil {
		t.Fatalf("Verify() error = %v", err)
	}

	clientCreds := insecure.NewCredentials()
	if s.clientTLS != nil {
		clientCreds = credentials.NewTLS(s.clientTLS)
	}
	dial, target := []grpc.DialOption{grpc.WithTransportCredentials(clientCreds)}, "passthrough:///api.example.com"
	if s.listener == nil {
		l := bufconn.Listen(1 << 16)
		s.listener = l
		dial = append(dial, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	} else {
		target = s.listener.Addr().String()
	}
	served := make(chan error, 1)
	go func() {
		switch {
		case s.net == nil:
			served <- f.server.Serve(s.listener)
		case s.serverTLS == nil:
			s.net.Handler = f.server
			served <- s.net.Serve(s.listener)
		default:
			s.net.Handler, s.net.TLSConfig = f.server, s.serverTLS
			served <- s.net.ServeTLS(s.listener, "", "")
		}
	}()
	f.conn, err = grpc.NewClient(target, dial...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.conn.Close()
		if s.net != nil {
			_ = s.net.Close()
		}
		f.server.Stop()
		<-served
	})
	return f
}

func with(ctx context.Context, pairs ...string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.Pairs(pairs...))
}

func bearer(ctx context.Context, token string) context.Context {
	return with(ctx, "authorization", "Bearer "+token)
}

// one makes a unary call and returns its trailer.
func (f *fixture) one(ctx context.Context) (metadata.MD, error) {
	f.claims = nil
	var trailer metadata.MD
	err := f.conn.Invoke(ctx, "/test.Echo/One", wrapperspb.String("x"), new(wrapperspb.StringValue), grpc.Trailer(&trailer))
	return trailer, err
}

func (f *fixture) many(ctx context.Context) (grpc.ClientStream, error) {
	return f.conn.NewStream(ctx, &echoDesc.Streams[0], "/test.Echo/Many")
}

func reasonOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "rsguard" {
			return info.GetReason()
		}
	}
	return ""
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A real client over TCP, without TLS.
func TestServer(t *testing.T) {
	t.Parallel()

	f := start(t, setup{listener: listen(t)})
	good := f.iss.Token(testutil.Claims{"sub": "anna", "scope": "one"})
	for _, tt := range []struct {
		name      string
		pairs     []string
		code      codes.Code
		reason    string
		challenge string
	}{
		{"a good token", []string{"authorization", "Bearer " + good}, codes.OK, "", ""},
		{"no token", nil, codes.Unauthenticated, "token_missing", `Bearer scope="one"`},
		{"a token for another API", []string{"authorization", "Bearer " + f.iss.Token(testutil.Claims{"aud": "other"})}, codes.Unauthenticated, "invalid_token", `Bearer error="invalid_token", scope="one"`},
		{"an expired token", []string{"authorization", "Bearer " + f.iss.Token(testutil.Claims{"exp": 1})}, codes.Unauthenticated, "invalid_token", `Bearer error="invalid_token", scope="one"`},
		{"two tokens", []string{"authorization", "Bearer " + good, "authorization", "Bearer " + good}, codes.Unauthenticated, "invalid_request", `Bearer error="invalid_request"`},
		{"no scope", []string{"authorization", "Bearer " + f.iss.Token(testutil.Claims{"scope": "x"})}, codes.PermissionDenied, "insufficient_scope", `Bearer error="insufficient_scope", scope="one"`},
	} {
		trailer, err := f.one(with(t.Context(), tt.pairs...))
		if got := status.Code(err); got != tt.code || reasonOf(err) != tt.reason {
			t.Errorf("%s: %v (%s), want %v (%s)", tt.name, got, reasonOf(err), tt.code, tt.reason)
		}
		if got := strings.Join(trailer["www-authenticate"], "|"); got != tt.challenge {
			t.Errorf("%s: www-authenticate = %s, want %s", tt.name, got, tt.challenge)
		}
		if (f.claims != nil) != (tt.code == codes.OK) || f.claims != nil && f.claims.Subject != "anna" {
			t.Errorf("%s: the handler has claims %v", tt.name, f.claims)
		}
		if err != nil && strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error has the token in it: %v", tt.name, err)
		}
	}
	if _, err := healthpb.NewHealthClient(f.conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("a health check without a token: %v", err)
	}
}

func TestServer_unavailable(t *testing.T) {
	t.Parallel()

	f := start(t, setup{})
	token := f.iss.Token(nil)
	f.iss.SetDown(true)
	_, err := f.one(bearer(t.Context(), token))
	var wait time.Duration
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			wait = info.GetRetryDelay().AsDuration()
		}
	}
	if status.Code(err) != codes.Unavailable || reasonOf(err) != "unavailable" || wait <= 0 {
		t.Errorf("error = %v (%s), retry after %v, want Unavailable with RetryInfo", err, reasonOf(err), wait)
	}
}

// What grpcurl does to list services.
func TestServer_reflection(t *testing.T) {
	t.Parallel()

	f := start(t, setup{listener: listen(t)})
	for _, tt := range []struct {
		scope string
		code  codes.Code
	}{{"reflect", codes.OK}, {"one", codes.PermissionDenied}} {
		stream, err := reflectionpb.NewServerReflectionClient(f.conn).ServerReflectionInfo(bearer(t.Context(), f.iss.Token(testutil.Claims{"scope": tt.scope})))
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
		res, err := stream.Recv()
		if status.Code(err) != tt.code || tt.code == codes.OK && len(res.GetListServicesResponse().GetService()) != 3 {
			t.Errorf("scope %q: %v, %v, want %v", tt.scope, res, err, tt.code)
		}
	}
}

// newCertificate returns that of a server.
func newCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Tokens that are bound to the client's certificate, or to a DPoP key, over
// mutual TLS.
func TestServer_bound(t *testing.T) {
	t.Parallel()

	server, client, other := newCertificate(t), testutil.ClientCertificate(t), testutil.ClientCertificate(t)
	roots := x509.NewCertPool()
	roots.AddCert(server.Leaf)
	verifier, err := dpop.New(dpop.Config{Replays: new(dpop.MemoryStore)})
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	f := start(t, setup{
		listener:  l,
		serverTLS: &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13},
		clientTLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{client}, MinVersion: tls.VersionTLS13},
		auth:      middleware.Config{DPoP: verifier},
	})
	boundTo := func(c tls.Certificate) string {
		return f.iss.Token(testutil.Claims{"scope": "one", "cnf": testutil.CertificateConfirmation(c.Leaf)})
	}
	key := testutil.DPoPKey(t)
	dpopBound := f.iss.Token(testutil.Claims{"scope": "one", "cnf": key.Confirmation()})
	url := "https://" + l.Addr().String() + "/test.Echo/One"
	proof := key.Proof(http.MethodPost, url, dpopBound)
	for _, tt := range []struct {
		name   string
		pairs  []string
		code   codes.Code
		reason string
	}{
		{"to the certificate", []string{"authorization", "Bearer " + boundTo(client)}, codes.OK, ""},
		{"to another certificate", []string{"authorization", "Bearer " + boundTo(other)}, codes.Unauthenticated, "invalid_token"},
		{"to a key", []string{"authorization", "DPoP " + dpopBound, "dpop", proof}, codes.OK, ""},
		{"to a key, with the same proof", []string{"authorization", "DPoP " + dpopBound, "dpop", proof}, codes.Unauthenticated, "invalid_dpop_proof"},
		{"to a key, with another method's proof", []string{"authorization", "DPoP " + dpopBound, "dpop", key.Proof(http.MethodPost, url+"s", dpopBound)}, codes.Unauthenticated, "invalid_dpop_proof"},
		{"to a key, with two proofs", []string{"authorization", "DPoP " + dpopBound, "dpop", key.Proof(http.MethodPost, url, dpopBound), "dpop", key.Proof(http.MethodPost, url, dpopBound)}, codes.Unauthenticated, "invalid_dpop_proof"},
		{"to a key, without a proof", []string{"authorization", "DPoP " + dpopBound}, codes.Unauthenticated, "invalid_token"},
		{"to a key, as a bearer token", []string{"authorization", "Bearer " + dpopBound, "dpop", key.Proof(http.MethodPost, url, dpopBound)}, codes.Unauthenticated, "invalid_token"},
	} {
		if _, err := f.one(with(t.Context(), tt.pairs...)); status.Code(err) != tt.code || reasonOf(err) != tt.reason {
			t.Errorf("%s: %v (%s), want %v (%s)", tt.name, err, reasonOf(err), tt.code, tt.reason)
		}
	}
}

// exchange sends n messages and receives their echo.
func exchange(stream grpc.ClientStream, n int) error {
	for range n {
		if err := stream.SendMsg(wrapperspb.String("x")); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != nil {
			return err
		}
	}
	return nil
}

// A stream of a thousand messages whose token expires in the middle.
func TestStream_expires(t *testing.T) {
	t.Parallel()

	for _, outlive := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t, setup{guard: grpcauth.Config{OutliveTokens: outlive}})
			ended := make(chan error, 1)
			f.echoer.stream = func(ss grpc.ServerStream) error {
				err := echo(ss)
				ended <- context.Cause(ss.Context())
				return err
			}
			stream, err := f.many(bearer(t.Context(), f.iss.Token(testutil.Claims{"exp": time.Now().Add(time.Minute).Unix()})))
			if err != nil {
				t.Fatal(err)
			}
			if err := exchange(stream, 500); err != nil {
				t.Fatalf("before the token expires: %v", err)
			}
			time.Sleep(time.Minute + validator.DefaultLeeway)
			synctest.Wait()
			err = exchange(stream, 500)
			if outlive {
				if err != nil {
					t.Errorf("OutliveTokens: %v, want 1,000 messages", err)
				}
				return
			}
			if status.Code(err) != codes.Unauthenticated || reasonOf(err) != "invalid_token" {
				t.Errorf("after the token has expired: %v (%s), want Unauthenticated", err, reasonOf(err))
			}
			if cause := <-ended; cause == nil {
				t.Error("the handler's context is not done")
			}
		})
	}
}

// A stream without messages ends at the very second, and its handler with
// it.
func TestStream_idle(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := start(t, setup{})
		stream, err := f.many(bearer(t.Context(), f.iss.Token(testutil.Claims{"exp": time.Now().Add(time.Hour).Unix()})))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		err = stream.RecvMsg(new(wrapperspb.StringValue))
		if took := time.Since(begun); status.Code(err) != codes.Unauthenticated || took != time.Hour+validator.DefaultLeeway {
			t.Errorf("the stream ended after %v with %v, want after an hour and the leeway with Unauthenticated", took, err)
		}
	})
}

// The key that has signed a stream's token is withdrawn: the stream goes on, and
// the next is rejected.
func TestStream_keyWithdrawn(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := start(t, setup{})
		token := f.iss.Token(testutil.Claims{"exp": time.Now().Add(3 * time.Hour).Unix()})
		stream, err := f.many(bearer(t.Context(), token))
		if err != nil {
			t.Fatal(err)
		}
		if err := exchange(stream, 10); err != nil {
			t.Fatal(err)
		}
		f.iss.RotateKey(mockissuer.AtOnce)
		time.Sleep(2 * time.Hour)
		if err := exchange(stream, 10); err != nil {
			t.Errorf("the stream of a withdrawn key: %v, want it to go on", err)
		}
		if _, err := f.one(bearer(t.Context(), f.iss.Token(testutil.Claims{"scope": "one"}))); err != nil {
			t.Errorf("a call with the new key: %v", err)
		}
		time.Sleep(time.Minute)
		next, err := f.many(bearer(t.Context(), token))
		if err != nil {
			t.Fatal(err)
		}
		if err := next.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != codes.Unauthenticated {
			t.Errorf("the next stream: %v, want Unauthenticated", err)
		}
	})
}

// A handler's panic is seen by an interceptor in front, as without a Guard.
func TestStream_panics(t *testing.T) {
	t.Parallel()

	var recovered any
	f := start(t, setup{before: []grpc.ServerOption{grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if recovered = recover(); recovered != nil {
				err = status.Error(codes.Internal, "")
			}
		}()
		return handler(srv, ss)
	})}})
	f.echoer.stream = func(grpc.ServerStream) error { panic("x") }
	stream, err := f.many(bearer(t.Context(), f.iss.Token(nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != codes.Internal || recovered != "x" {
		t.Errorf("error = %v, recovered %v, want Internal and the panic", err, recovered)
	}
}

func TestGuard_Verify(t *testing.T) {
	t.Parallel()

	auth, err := middleware.New(middleware.Config{Validator: refuseAll{}})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{
		"/test.Echo/One": grpcauth.Require(), "/test.Echo/Many": grpcauth.Public, "/test.Echo/": grpcauth.Require(),
		"/test.Echo/Two": grpcauth.Require(), "/test.Eco/": grpcauth.Public,
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&echoDesc, new(echoer))
	err = guard.Verify(server)
	want := "grpcauth: Config.Methods: the server has no \"/test.Echo/Two\"\ngrpcauth: Config.Methods: the server has no \"/test.Eco/\""
	if err == nil || err.Error() != want {
		t.Errorf("Verify() error = %v, want %s", err, want)
	}
}

func TestNew_faults(t *testing.T) {
	t.Parallel()

	_, err := grpcauth.New(nil, grpcauth.Config{Methods: grpcauth.Methods{"": {}, "/": {}, "shop.Orders/List": {}, "/shop.Orders": {}, "/shop/Orders/List": {}}})
	for _, part := range []string{"the Authenticator is nil", `""`, `"/"`, `"shop.Orders/List"`, `"/shop.Orders"`, `"/shop/Orders/List"`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("New() error = %v, want %s in it", err, part)
		}
	}
	if _, err := grpcauth.New(new(middleware.Authenticator), grpcauth.Config{}); err == nil {
		t.Error("New() without Methods: no error")
	}
	// An Authenticator that New of middleware has not made rejects everything.
	guard, err := grpcauth.New(new(middleware.Authenticator), grpcauth.Config{Methods: grpcauth.Methods{"/a/": {}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guard.Unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/a/b"}, nil); status.Code(err) != codes.Internal {
		t.Errorf("a zero Authenticator: %v, want Internal", err)
	}
}

type refuseAll struct{}

func (refuseAll) Validate(context.Context, string) (*validator.Claims, error) {
	return nil, &validator.Error{Code: validator.CodeSignature}
}
