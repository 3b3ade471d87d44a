package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A talker is a gRPC server with a unary method and a stream, which both send
// back what they get.
type talker struct {
	url       string
	validator *validator.Validator
	called    atomic.Int32
	heard     func(word string) // of the stream
}

// newTalker starts one for the tokens of iss, over TLS if there is a
// configuration for that.
func newTalker(t *testing.T, iss *testutil.Issuer, cfg *tls.Config) *talker {
	t.Helper()

	s := &talker{heard: func(string) {}}
	var err error
	if s.validator, err = validator.New(iss.Config("https://api.example.com")); err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: s.validator, DPoP: proofs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := grpcauth.New(auth, grpcauth.Config{
		Methods: grpcauth.Methods{"/test.Echo/": grpcauth.Require(validator.Scopes("orders:read"))}, Now: iss.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	options := guard.Options()
	if cfg != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(cfg)))
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&talkerDesc, s)
	if err := guard.Verify(server); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-served })
	s.url = "http://" + listener.Addr().String()
	if cfg != nil {
		s.url = "https://" + listener.Addr().String()
	}
	return s
}

var talkerDesc = grpc.ServiceDesc{
	ServiceName: "test.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(word)
		if err := dec(in); err != nil {
			return nil, err
		}
		say := func(ctx context.Context, in any) (any, error) { return in, srv.(*talker).enter(ctx) }
		return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test.Echo/Say"}, say)
	}}},
	Streams: []grpc.StreamDesc{{StreamName: "Chat", ServerStreams: true, ClientStreams: true, Handler: func(srv any, ss grpc.ServerStream) error {
		s := srv.(*talker)
		if err := s.enter(ss.Context()); err != nil {
			return err
		}
		for {
			m := new(word)
			switch err := ss.RecvMsg(m); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			s.heard(m.GetValue())
			if err := ss.SendMsg(m); err != nil {
				return err
			}
		}
	}}},
}

func (s *talker) enter(ctx context.Context) error {
	s.called.Add(1)
	if _, ok := grpcauth.Claims(ctx); !ok {
		return errors.New("there are no claims")
	}
	return nil
}

// A gRPC client that is not Go's calls guarded methods over TLS and without it.
// Two of its streams have a thousand messages. In the middle of one the token
// expires, and in the middle of the other the key of the token is withdrawn.
func TestGRPCClient(t *testing.T) {
	t.Parallel()

	needClient(t, "connect", "@connectrpc/connect-node")

	https := httptest.NewUnstartedServer(nil)
	https.StartTLS()
	defer https.Close()
	certificate := testutil.ClientCertificate(t)
	private, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}

	iss := testutil.NewIssuer(t, mockissuer.Demo())
	other := testutil.NewIssuer(t, mockissuer.Config{URL: "https://issuer.example.com"})
	plain := newTalker(t, iss, nil)
	secure := newTalker(t, iss, &tls.Config{Certificates: https.TLS.Certificates, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12})
	secure.heard = func(word string) {
		if word == "expire" {
			iss.Advance(48 * time.Hour)
		}
	}
	rotating := newTalker(t, other, nil)
	rotating.heard = func(word string) {
		if word == "withdraw" {
			other.RotateKey(mockissuer.AtOnce)
			other.Advance(2 * time.Hour)
			if _, err := rotating.validator.Validate(t.Context(), other.Token(nil)); err != nil {
				t.Errorf("a token of the new key: %v", err)
			}
			other.Advance(time.Minute)
		}
	}

	tokens := map[string]string{
		"good":                                   iss.Token(testutil.Claims{"scope": "orders:read"}),
		"bad":                                    iss.Token(testutil.Claims{"scope": "orders:read", "aud": "https://other.example.com"}),
		"expired":                                iss.Token(testutil.Claims{"scope": "orders:read", "exp": 1}),
		"scopeless":                              iss.Token(testutil.Claims{"scope": "other"}),
		"bound to a certificate that is missing": iss.Token(testutil.Claims{"scope": "orders:read", "cnf": testutil.CertificateConfirmation(certificate.Leaf)}),
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	long := func(iss *testutil.Issuer, word string) map[string]any {
		return map[string]any{"word": word, "token": iss.Token(testutil.Claims{"scope": "orders:read", "exp": iss.Now().Add(24 * time.Hour)})}
	}
	got := callTalkers(t, map[string]any{
		"ca": text("CERTIFICATE", https.Certificate().Raw), "descriptors": descriptors(t),
		"cert": text("CERTIFICATE", certificate.Certificate[0]), "key": text("PRIVATE KEY", private),
		"tokenEndpoint": strings.TrimSuffix(iss.URL, "/") + "/oauth/token",
		"servers": []map[string]any{
			{"name": "without TLS", "url": plain.url, "tokens": tokens, "proofs": true},
			{
				"name": "TLS", "url": secure.url, "ca": true, "tokens": tokens, "proofs": true, "long": long(iss, "expire"),
				"certificate": tokens["bound to a certificate that is missing"],
			},
			{"name": "rotating", "url": rotating.url, "tokens": map[string]string{}, "long": long(other, "withdraw")},
		},
	})

	const (
		bearer = `Bearer error="%s", scope="orders:read"`
		keys   = `DPoP scope="orders:read", algs="ES256 EdDSA PS256 RS256"`
		proof  = `DPoP error="%s", scope="orders:read", algs="ES256 EdDSA PS256 RS256"`
	)
	missing := rpcOutcome{"Unauthenticated", "", "token_missing", `Bearer scope="orders:read", ` + keys}
	invalid := rpcOutcome{"Unauthenticated", "", "invalid_token", fmt.Sprintf(bearer, "invalid_token") + ", " + keys}
	good := rpcOutcome{Code: "ok"}
	want := map[string]rpcOutcome{
		"none": missing, "good": good, "bad": invalid, "expired": invalid, "bound to a certificate that is missing": invalid,
		"scopeless":        {"PermissionDenied", "", "insufficient_scope", fmt.Sprintf(bearer, "insufficient_scope")},
		"bound to the key": good,
		"bound to the key, with another method's proof": {"Unauthenticated", "", "invalid_dpop_proof", fmt.Sprintf(proof, "invalid_dpop_proof")},
		"bound to the key, as a bearer token":           invalid,
		"bound to the certificate":                      good,
	}
	for server, n := range map[string]int{"without TLS": 9, "TLS": 11, "rotating": 2} {
		if len(got[server]) != n {
			t.Errorf("%s: %d cases, want %d", server, len(got[server]), n)
		}
		for name, calls := range got[server] {
			if name == "long" {
				continue
			}
			for rpc, value := range map[string]string{"say": "a", "chat": "3"} {
				w := want[name]
				if w == good {
					w.Value = value
				}
				if calls[rpc] != w {
					t.Errorf("%s, a token that is %s: %s = %+v, want %+v", server, name, rpc, calls[rpc], w)
				}
			}
		}
	}
	if n, m := plain.called.Load(), secure.called.Load(); n != 4 || m != 7 {
		t.Errorf("the methods were called %d and %d times, want 4 and 7", n, m)
	}

	ended := invalid
	ended.Value = "500"
	if got := got["TLS"]["long"]; got["chat"] != ended || got["say"] != invalid {
		t.Errorf("a stream whose token expires = %+v, and the next call %+v, want %+v after 500 messages", got["chat"], got["say"], ended)
	}
	if got := got["rotating"]["long"]; got["chat"] != (rpcOutcome{Code: "ok", Value: "1000"}) || got["say"] != invalid {
		t.Errorf("a stream whose key is withdrawn = %+v, and the next call %+v, want all messages and a rejection", got["chat"], got["say"])
	}
}

// callTalkers runs the client. The outcomes are by server, case and method.
func callTalkers(t *testing.T, input map[string]any) map[string]map[string]map[string]rpcOutcome {
	t.Helper()

	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	client := exec.CommandContext(t.Context(), "node", "grpc.mjs")
	client.Dir, client.Stdin = "connect", bytes.NewReader(in)
	out, err := client.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("node grpc.mjs: %v\n%s", err, failed.Stderr)
		}
		t.Fatal(err)
	}
	var got map[string]map[string]map[string]rpcOutcome
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("node grpc.mjs printed %q: %v", out, err)
	}
	return got
}
