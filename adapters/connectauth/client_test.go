package connectauth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

type word = wrapperspb.StringValue

const (
	say, sayUnnamed = "/test.Echo/Say", "/test.Echo/Unnamed"
	see             = "/test.Echo/Watch"
	gather          = "/test.Echo/Gather"
	chat            = "/test.Echo/Chat"
)

// An echo is a server with a procedure of each kind.
type echo struct {
	*testutil.Issuer
	*httptest.Server
	called atomic.Int32
	offset atomic.Int64 // of the clock, in nanoseconds
}

// newEcho starts one behind the layers, by HTTP/1.1 and HTTP/2 over TLS.
func newEcho(t *testing.T, cfg middleware.Config, layers ...func(http.Handler) http.Handler) *echo {
	t.Helper()
	e := &echo{Issuer: testutil.NewIssuer(t)}
	tokens := e.Issuer.Config("https://api.example.com")
	tokens.Now = func() time.Time { return time.Now().Add(time.Duration(e.offset.Load())) }
	v, err := validator.New(tokens)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Validator, cfg.Logger = v, slog.New(slog.DiscardHandler)
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	read := connectauth.Require(validator.Scopes("read"))
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{say: read, see: read, gather: read, chat: read}})
	if err != nil {
		t.Fatal(err)
	}
	enter := func(ctx context.Context) error {
		e.called.Add(1)
		if claims, ok := connectauth.Claims(ctx); !ok || claims.Subject != "anna" {
			return errors.New("there are no claims")
		}
		return nil
	}
	sayIt := func(ctx context.Context, r *connect.Request[word]) (*connect.Response[word], error) {
		return connect.NewResponse(r.Msg), enter(ctx)
	}
	mux := http.NewServeMux()
	mux.Handle(say, connect.NewUnaryHandler(say, sayIt, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	mux.Handle(sayUnnamed, connect.NewUnaryHandler(sayUnnamed, sayIt))
	mux.Handle(see, connect.NewServerStreamHandler(see, func(ctx context.Context, r *connect.Request[word], s *connect.ServerStream[word]) error {
		return errors.Join(enter(ctx), s.Send(r.Msg))
	}))
	mux.Handle(gather, connect.NewClientStreamHandler(gather, func(ctx context.Context, s *connect.ClientStream[word]) (*connect.Response[word], error) {
		n := 0
		for s.Receive() {
			n++
		}
		return connect.NewResponse(wrapperspb.String(fmt.Sprint(n))), errors.Join(enter(ctx), s.Err())
	}))
	mux.Handle(chat, connect.NewBidiStreamHandler(chat, func(ctx context.Context, s *connect.BidiStream[word, word]) error {
		if err := enter(ctx); err != nil {
			return err
		}
		for {
			m, err := s.Receive()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			if err := s.Send(m); err != nil {
				return err
			}
		}
	}))
	h := guard.Handler(mux)
	for _, layer := range layers {
		h = layer(h)
	}
	e.Server = httptest.NewUnstartedServer(h)
	e.EnableHTTP2 = true
	e.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	e.Server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

func (e *echo) dial(procedure string, options ...connect.ClientOption) *connect.Client[word, word] {
	return connect.NewClient[word, word](e.Client(), e.Server.URL+procedure, options...)
}

// call calls a procedure of any kind, with these header fields.
func call(ctx context.Context, client *connect.Client[word, word], procedure string, header http.Header) error {
	set := func(h http.Header) {
		for name, values := range header {
			h[name] = values
		}
	}
	switch procedure {
	case see:
		r := connect.NewRequest(wrapperspb.String("x"))
		set(r.Header())
		s, err := client.CallServerStream(ctx, r)
		if err != nil {
			return err
		}
		for s.Receive() {
		}
		return errors.Join(s.Err(), s.Close())
	case gather:
		s := client.CallClientStream(ctx)
		set(s.RequestHeader())
		for range 3 {
			if err := s.Send(wrapperspb.String("x")); err != nil {
				break // CloseAndReceive returns why
			}
		}
		_, err := s.CloseAndReceive()
		return err
	case chat:
		s := client.CallBidiStream(ctx)
		set(s.RequestHeader())
		defer func() { _ = s.CloseResponse() }()
		_ = s.Send(wrapperspb.String("x"))
		if _, err := s.Receive(); err != nil {
			return err
		}
		return s.CloseRequest()
	}
	r := connect.NewRequest(wrapperspb.String("x"))
	set(r.Header())
	_, err := client.CallUnary(ctx, r)
	return err
}

// outcome returns the code of an error, and the reason and the challenge.
func outcome(err error) (code, reason, challenge string) {
	var e *connect.Error
	switch {
	case err == nil:
		return "ok", "", ""
	case !errors.As(err, &e):
		return err.Error(), "", ""
	}
	for _, d := range e.Details() {
		if v, err := d.Value(); err == nil {
			if info, ok := v.(*errdetails.ErrorInfo); ok {
				reason = info.GetReason()
			}
		}
	}
	return e.Code().String(), reason, e.Meta().Get("WWW-Authenticate")
}

var clients = map[string][]connect.ClientOption{
	"Connect":        nil,
	"Connect, JSON":  {connect.WithProtoJSON()},
	"Connect, gzip":  {connect.WithSendGzip()},
	"Connect by GET": {connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)},
	"gRPC":           {connect.WithGRPC()},
	"gRPC-Web":       {connect.WithGRPCWeb()},
}

// Connect's client for Go calls each kind of procedure by each protocol.
func TestClient(t *testing.T) {
	t.Parallel()

	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := newEcho(t, middleware.Config{DPoP: proofs})
	key := testutil.DPoPKey(t)
	token := func(claims testutil.Claims) string {
		all := testutil.Claims{"sub": "anna", "scope": "read"}
		for name, value := range claims {
			all[name] = value
		}
		return e.Token(all)
	}
	certificate := testutil.ClientCertificate(t)
	bearer := func(token string) func(string, string) http.Header {
		return func(string, string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	}
	bound := token(testutil.Claims{"cnf": key.Confirmation()})
	called := int32(0)
	for _, tt := range []struct {
		name         string
		header       func(method, procedure string) http.Header
		code, reason string
	}{
		{"no token", func(string, string) http.Header { return nil }, "unauthenticated", "token_missing"},
		{"a good token", bearer(token(nil)), "ok", ""},
		{"a bad token", bearer(token(testutil.Claims{"aud": "other"})), "unauthenticated", "invalid_token"},
		{"no token at all", bearer("x"), "unauthenticated", "invalid_token"},
		{"an expired token", bearer(token(testutil.Claims{"exp": 1})), "unauthenticated", "invalid_token"},
		{"a token without the scope", bearer(token(testutil.Claims{"scope": "x"})), "permission_denied", "insufficient_scope"},
		{"two tokens", func(string, string) http.Header {
			return http.Header{"Authorization": {"Bearer " + token(nil), "Bearer " + token(nil)}}
		}, "unauthenticated", "invalid_request"},
		{"bound to a key", func(method, procedure string) http.Header {
			return http.Header{"Authorization": {"DPoP " + bound}, "Dpop": {key.Proof(method, e.Server.URL+procedure, bound)}}
		}, "ok", ""},
		{"bound to a key, with the proof for another method", func(method, procedure string) http.Header {
			return http.Header{"Authorization": {"DPoP " + bound}, "Dpop": {key.Proof("PUT", e.Server.URL+procedure, bound)}}
		}, "unauthenticated", "invalid_dpop_proof"},
		{"bound to a key, with the proof for another procedure", func(method, procedure string) http.Header {
			return http.Header{"Authorization": {"DPoP " + bound}, "Dpop": {key.Proof(method, e.Server.URL+procedure+"s", bound)}}
		}, "unauthenticated", "invalid_dpop_proof"},
		{"bound to a key, as a bearer token", bearer(bound), "unauthenticated", "invalid_token"},
		{"bound to a certificate that is missing", bearer(token(testutil.Claims{"cnf": testutil.CertificateConfirmation(certificate.Leaf)})), "unauthenticated", "invalid_token"},
	} {
		for protocol, options := range clients {
			for _, procedure := range []string{say, see, gather, chat} {
				method := http.MethodPost
				if protocol == "Connect by GET" {
					if procedure != say {
						continue
					}
					method = http.MethodGet
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				code, reason, challenge := outcome(call(ctx, e.dial(procedure, options...), procedure, tt.header(method, procedure)))
				cancel()
				if code != tt.code || reason != tt.reason || (challenge != "") != (tt.code != "ok") {
					t.Errorf("%s, %s, %s = %s (%s), challenge %q, want %s (%s)", tt.name, protocol, procedure, code, reason, challenge, tt.code, tt.reason)
				}
				if tt.code == "ok" {
					called++
				}
			}
		}
	}
	if got := e.called.Load(); got != called {
		t.Errorf("the procedures were called %d times, want %d", got, called)
	}

	// A procedure that the table doesn't name, and one that nothing has.
	for _, procedure := range []string{sayUnnamed, "/test.Echo/None", "/other/None"} {
		for protocol, options := range clients {
			for header, want := range map[string]string{"": "unauthenticated token_missing", "Bearer " + token(nil): "permission_denied refused"} {
				h := http.Header{}
				if header != "" {
					h.Set("Authorization", header)
				}
				code, reason, _ := outcome(call(t.Context(), e.dial(procedure, options...), procedure, h))
				if got := code + " " + reason; got != want {
					t.Errorf("%s, %s with %.8q = %s, want %s", procedure, protocol, header, got, want)
				}
			}
		}
	}
}
