package grpctokens_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/contrib/grpctokens"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	issuerURL = "https://tenant.example.com/"
	audience  = mockissuer.DefaultAudience
)

// A fixture is an issuer, a gRPC server behind rsguard, and a client of both.
type fixture struct {
	iss      *mockissuer.Issuer
	auth     *middleware.Authenticator
	cfg      clientauth.Config
	address  string
	roots    *x509.CertPool
	attempts atomic.Int64
}

type setup struct {
	dpop, nonces bool
	plain        bool // without TLS
	check        validator.Check
}

func start(t *testing.T, s setup) *fixture {
	t.Helper()
	demo := mockissuer.Demo()
	demo.URL, demo.Algorithms = issuerURL, []string{"ES256"}
	iss, err := mockissuer.New(demo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = iss.Close() })
	quiet := slog.New(slog.DiscardHandler)
	keys, err := jwks.NewCache(jwks.Config{Issuer: issuerURL, Client: iss.Client(), Now: iss.Now, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(validator.Config{
		Issuers: []string{issuerURL}, Audiences: []string{audience}, Keys: keys, Now: iss.Now, Algorithms: []validator.Algorithm{validator.ES256},
	})
	if err != nil {
		t.Fatal(err)
	}
	proofs := dpop.Config{Now: iss.Now}
	if s.nonces {
		if proofs.Nonces, err = dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{bytes.Repeat([]byte("k"), 32)}, Now: iss.Now}); err != nil {
			t.Fatal(err)
		}
	}
	verifier, err := dpop.New(proofs)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{iss: iss, cfg: clientauth.Config{
		Issuer: issuerURL, ClientID: "demo-client", Auth: clientauth.ClientSecretPost("demo-secret"), Client: iss.Client(), Logger: quiet, Now: iss.Now,
	}}
	if s.dpop {
		if f.cfg.Key, err = clientauth.NewKey(nil); err != nil {
			t.Fatal(err)
		}
	}
	if f.auth, err = middleware.New(middleware.Config{Validator: v, DPoP: verifier, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	if s.check == nil {
		s.check = func(context.Context, *validator.Claims) error { return nil }
	}
	guard, err := grpcauth.New(f.auth, grpcauth.Config{Now: iss.Now, Methods: grpcauth.Methods{"/grpc.health.v1.Health/": grpcauth.Require(s.check)}})
	if err != nil {
		t.Fatal(err)
	}
	certificate, roots := loopback()
	creds := credentials.NewServerTLSFromCert(&certificate)
	if s.plain {
		creds = insecure.NewCredentials()
	}
	f.roots = roots
	count := func() { f.attempts.Add(1) }
	server := grpc.NewServer(append([]grpc.ServerOption{
		grpc.Creds(creds),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, m any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			count()
			return next(ctx, m)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			count()
			return next(srv, ss)
		}),
	}, guard.Options()...)...)
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return f
}

// loopback returns a certificate for 127.0.0.1, and the pool that trusts it.
func loopback() (tls.Certificate, *x509.CertPool) {
	server := httptest.NewTLSServer(nil)
	server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
}

func (f *fixture) source(t *testing.T) *clientauth.Source {
	t.Helper()
	client, err := clientauth.New(f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Source(clientauth.Request{Audience: audience})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fixture) dial(t *testing.T, s *clientauth.Source, host string) healthpb.HealthClient {
	t.Helper()
	conn, err := dial(s, f.address, f.roots)
	if host != f.address {
		var options []grpc.DialOption
		if options, err = grpctokens.DialOptions(grpctokens.Config{Source: s, Hosts: []string{host}}); err != nil {
			t.Fatal(err)
		}
		conn, err = grpc.NewClient(f.address, append(options, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(f.roots, "")))...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return healthpb.NewHealthClient(conn)
}

// check makes a unary call, and watch begins a stream and reads once.
func check(ctx context.Context, c healthpb.HealthClient) error {
	_, err := c.Check(ctx, &healthpb.HealthCheckRequest{})
	return err
}

func watch(ctx context.Context, c healthpb.HealthClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	return err
}

var calls = map[string]func(context.Context, healthpb.HealthClient) error{"unary": check, "stream": watch}

// A revoker rejects the first token that it sees, once it is told to.
type revoker struct {
	first  atomic.Pointer[string]
	revoke atomic.Bool
	all    atomic.Bool
}

func (r *revoker) check(_ context.Context, c *validator.Claims) error {
	end := c.ExpiresAt.String()
	r.first.CompareAndSwap(nil, &end)
	if r.all.Load() || r.revoke.Load() && end == *r.first.Load() {
		return &validator.Error{Code: validator.CodeRevoked}
	}
	return nil
}

// A call with a token that is no longer good is made again with another, and a
// stream's successor has it.
func TestDialOptions_renews(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		for _, bound := range []bool{false, true} {
			r := new(revoker)
			f := start(t, setup{dpop: bound, check: r.check})
			client := f.dial(t, f.source(t), f.address)
			if err := call(t.Context(), client); err != nil || f.attempts.Load() != 1 {
				t.Fatalf("%s, bound %t: the first call = %v after %d attempts, want none after 1", name, bound, err, f.attempts.Load())
			}
			r.revoke.Store(true)
			f.iss.Advance(2 * time.Second) // so that the next token differs
			err := call(t.Context(), client)
			if want := map[string]codes.Code{"unary": codes.OK, "stream": codes.Unauthenticated}[name]; status.Code(err) != want {
				t.Errorf("%s, bound %t: a call with a revoked token = %v, want %v", name, bound, err, want)
			}
			if err := call(t.Context(), client); err != nil {
				t.Errorf("%s, bound %t: the call after that = %v, want none", name, bound, err)
			}
			if got := f.iss.Count(mockissuer.EndpointToken); got != 2 || f.attempts.Load() > 4 {
				t.Errorf("%s, bound %t: %d token requests and %d attempts, want 2 and at most 4", name, bound, got, f.attempts.Load())
			}
		}
	}
}

// A server that rejects every token gets two attempts of one call, and one token
// request in ten seconds is made for all.
func TestDialOptions_rejectsAll(t *testing.T) {
	t.Parallel()
	r := new(revoker)
	f := start(t, setup{check: r.check})
	client := f.dial(t, f.source(t), f.address)
	r.all.Store(true)
	const calls = 50
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			if err := check(t.Context(), client); status.Code(err) != codes.Unauthenticated {
				t.Errorf("a call = %v, want Unauthenticated", err)
			}
		})
	}
	group.Wait()
	if got := f.iss.Count(mockissuer.EndpointToken); got != 2 || f.attempts.Load() > 2*calls {
		t.Errorf("%d token requests and %d attempts for %d calls, want 2 and at most %d", got, f.attempts.Load(), calls, 2*calls)
	}
}

// A server that requires nonces gets one in the second attempt of the first
// call, and in the first attempt of the later ones.
func TestDialOptions_nonces(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		f := start(t, setup{dpop: true, nonces: true})
		client := f.dial(t, f.source(t), f.address)
		err := call(t.Context(), client)
		if want := map[string]codes.Code{"unary": codes.OK, "stream": codes.Unauthenticated}[name]; status.Code(err) != want {
			t.Errorf("%s: the first call = %v, want %v", name, err, want)
		}
		before := f.attempts.Load()
		for range 20 {
			if err := call(t.Context(), client); err != nil {
				t.Fatalf("%s: a later call = %v, want none", name, err)
			}
			f.iss.Advance(time.Minute) // and the nonces change
		}
		if got := f.attempts.Load() - before; got != 20 || f.iss.Count(mockissuer.EndpointToken) != 1 {
			t.Errorf("%s: %d attempts for 20 calls and %d token requests, want 20 and 1", name, got, f.iss.Count(mockissuer.EndpointToken))
		}
	}
}

// What a server requires of the user becomes the challenge of the service that
// has called it.
func TestDialOptions_stepUp(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		f := start(t, setup{check: validator.AllOf(validator.ACR("gold", "platinum"), validator.AuthenticatedWithin(5*time.Minute))})
		err := call(t.Context(), f.dial(t, f.source(t), f.address))
		var e *clientauth.Error
		if status.Code(err) != codes.Unauthenticated || !errors.As(err, &e) || e.Code != clientauth.CodeAuthentication || len(e.ACRValues) != 2 {
			t.Errorf("%s: a call = %v, want Unauthenticated with the code %q and two levels", name, err, clientauth.CodeAuthentication)
		}
		w := httptest.NewRecorder()
		_, refused := f.auth.Guard().Reject(w.Header(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), err)
		if got := w.Header().Get("WWW-Authenticate"); refused == nil || refused.Status != 401 || !strings.Contains(got, `error="insufficient_user_authentication"`) || !strings.Contains(got, `acr_values="gold platinum"`) {
			t.Errorf("%s: Reject() = %v with %s, want 401 with the levels", name, refused, got)
		}
		if got := f.attempts.Load(); got != 1 {
			t.Errorf("%s: %d attempts, want 1", name, got)
		}
	}
}

// Without a token, nothing is sent, and the code says on which side the fault
// is.
func TestDialOptions_withoutToken(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		for _, tt := range []struct {
			name   string
			break_ func(*fixture)
			host   string
			want   codes.Code
			code   clientauth.Code
			answer int // of the service that makes the call
		}{
			{"the issuer is down", func(f *fixture) { f.iss.SetDown(true) }, "", codes.Unavailable, clientauth.CodeUnavailable, 503},
			{"a wrong secret", func(f *fixture) { f.cfg.Auth = clientauth.ClientSecretPost("x") }, "", codes.Internal, clientauth.CodeRejected, 500},
			{"another host", func(*fixture) {}, "stock.example.com", codes.Internal, clientauth.CodeConfig, 500},
		} {
			f := start(t, setup{})
			tt.break_(f)
			host := tt.host
			if host == "" {
				host = f.address
			}
			err := call(t.Context(), f.dial(t, f.source(t), host))
			var e *clientauth.Error
			if status.Code(err) != tt.want || !errors.As(err, &e) || e.Code != tt.code {
				t.Errorf("%s, %s: a call = %v, want %v with the code %q", name, tt.name, err, tt.want, tt.code)
			}
			if got := f.attempts.Load(); got != 0 {
				t.Errorf("%s, %s: %d attempts, want 0", name, tt.name, got)
			}
			_, refused := f.auth.Guard().Reject(http.Header{}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), err)
			if refused == nil || refused.Status != tt.answer {
				t.Errorf("%s, %s: Reject() = %v, want %d", name, tt.name, refused, tt.answer)
			}
		}
	}
}

// A caller that gives up is told so, and other errors are passed on as they are.
func TestDialOptions_otherErrors(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		f := start(t, setup{check: validator.Scopes("admin")})
		client := f.dial(t, f.source(t), f.address)
		if err := call(t.Context(), client); status.Code(err) != codes.PermissionDenied || f.attempts.Load() != 1 {
			t.Errorf("%s: a call without the scope = %v after %d attempts, want PermissionDenied after 1", name, err, f.attempts.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := call(ctx, client); status.Code(err) != codes.Canceled {
			t.Errorf("%s: a call with a context that has ended = %v, want Canceled", name, err)
		}
	}
}

// A proof names http or https, as the server sees the connection.
func TestDialOptions_insecureNoTLS(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		for _, bound := range []bool{false, true} {
			f := start(t, setup{dpop: bound, nonces: bound, plain: plain})
			options, err := grpctokens.DialOptions(grpctokens.Config{Source: f.source(t), Hosts: []string{f.address}, InsecureNoTLS: true})
			if err != nil {
				t.Fatal(err)
			}
			creds := credentials.NewClientTLSFromCert(f.roots, "")
			if plain {
				creds = insecure.NewCredentials()
			}
			conn, err := grpc.NewClient(f.address, append(options, grpc.WithTransportCredentials(creds))...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			client := healthpb.NewHealthClient(conn)
			for range 2 {
				if err := check(t.Context(), client); err != nil {
					t.Errorf("plain %t, bound %t: a call = %v, want none", plain, bound, err)
				}
			}
			if want := map[bool]int64{false: 2, true: 3}[bound]; f.attempts.Load() != want {
				t.Errorf("plain %t, bound %t: %d attempts, want %d", plain, bound, f.attempts.Load(), want)
			}
		}
	}
}

func TestDialOptions_faults(t *testing.T) {
	t.Parallel()
	f := start(t, setup{})
	s := f.source(t)
	for _, tt := range []struct {
		name string
		cfg  grpctokens.Config
		ok   bool
	}{
		{"good", grpctokens.Config{Source: s, Hosts: []string{"stock.example.com"}}, true},
		{"no source", grpctokens.Config{Hosts: []string{"stock.example.com"}}, false},
		{"no hosts", grpctokens.Config{Source: s}, false},
		{"a pattern", grpctokens.Config{Source: s, Hosts: []string{"*.example.com"}}, false},
	} {
		options, err := grpctokens.DialOptions(tt.cfg)
		if (err == nil) != tt.ok || (options == nil) == tt.ok {
			t.Errorf("%s: DialOptions() = %d options, %v, want some: %t", tt.name, len(options), err, tt.ok)
		}
	}
	// Over a connection without TLS there is no call.
	plain, err := grpctokens.DialOptions(grpctokens.Config{Source: s, Hosts: []string{f.address}})
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := grpc.NewClient(f.address, append(plain, grpc.WithTransportCredentials(insecure.NewCredentials()))...); err == nil {
		_ = conn.Close()
		t.Error("NewClient() without TLS error = nil, want one")
	}
	token, err := s.Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, grpctokens.Config{Source: s, Hosts: []string{"stock.example.com"}}); strings.Contains(got, token.AccessToken) || !strings.Contains(got, "stock.example.com") {
			t.Errorf("Sprintf(%q) = %s, want the hosts and no token", format, got)
		}
	}
}

// The function that clientauth.md shows is the one of the example, which runs.
func TestExample_documented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/clientauth.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(page), "```\nfunc dial(")
	block, _, closed := strings.Cut("func dial("+block, "```")
	if !ok || !closed || !strings.Contains(string(example), "\n"+block) {
		t.Errorf("docs/clientauth.md has a function dial that is not in example_test.go:\n%s", block)
	}
}
