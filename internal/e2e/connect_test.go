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
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An rpcOutcome is the end of a call. Code is Connect's name of the code.
type rpcOutcome struct{ Code, Value, Reason, Challenge string }

// Connect's own client calls guarded procedures by each of its protocols.
func TestConnectClient(t *testing.T) {
	t.Parallel()

	needClient(t, "connect", "@connectrpc/connect-node")

	iss := testutil.NewIssuer(t, mockissuer.Demo())
	api, called := newEcho(t, iss)
	got := callEcho(t, iss, api)

	const (
		bearer = `Bearer error="%s", scope="orders:read"`
		keys   = `DPoP scope="orders:read", algs="ES256 EdDSA PS256 RS256"`
		proof  = `DPoP error="%s", scope="orders:read", algs="ES256 EdDSA PS256 RS256"`
	)
	missing := rpcOutcome{"Unauthenticated", "", "token_missing", `Bearer scope="orders:read", DPoP scope="orders:read", algs="ES256 EdDSA PS256 RS256"`}
	invalid := rpcOutcome{"Unauthenticated", "", "invalid_token", fmt.Sprintf(bearer, "invalid_token") + ", " + keys}
	good := rpcOutcome{Code: "ok"}
	want := map[string]rpcOutcome{
		"none": missing, "good": good, "bad": invalid, "expired": invalid,
		"scopeless":                {"PermissionDenied", "", "insufficient_scope", fmt.Sprintf(bearer, "insufficient_scope")},
		"bound to the certificate": good, "bound to a certificate that is missing": invalid,
		"bound to the key": good,
		"bound to the key, with another procedure's proof": {"Unauthenticated", "", "invalid_dpop_proof", fmt.Sprintf(proof, "invalid_dpop_proof")},
		"bound to the key, as a bearer token":              invalid,
	}
	accepted := 0
	const protocols = 7
	if len(got) != protocols {
		t.Errorf("%d protocols were tried, want %d", len(got), protocols)
	}
	for protocol, cases := range got {
		if len(cases) != len(want) {
			t.Errorf("%s: %d cases, want %d", protocol, len(cases), len(want))
		}
		for name, calls := range cases {
			for rpc, value := range map[string]string{"say": "a", "watch": "a3", "gather": "abc"} {
				w := want[name]
				if w == good {
					w.Value = value
					accepted++
				}
				call := calls[rpc]
				// A stream of Connect has the challenge in its header and its
				// end, and the client joins the two.
				if rpc != "say" && strings.HasPrefix(protocol, "Connect") {
					call.Challenge = strings.TrimPrefix(call.Challenge, w.Challenge+", ")
				}
				if call != w {
					t.Errorf("%s, a token that is %s: %s = %+v, want %+v", protocol, name, rpc, call, w)
				}
			}
			if call := calls["unnamed"]; call.Code == "ok" || want[name] == good && call.Reason != "refused" && name != "bound to the key" {
				t.Errorf("%s, a token that is %s: a procedure without a rule = %+v, want a rejection", protocol, name, call)
			}
		}
	}
	if n := called(); n != accepted {
		t.Errorf("the procedures were called %d times, want %d", n, accepted)
	}
}

// callEcho runs the client. The outcomes are by protocol, case and procedure.
func callEcho(t *testing.T, iss *testutil.Issuer, api *httptest.Server) map[string]map[string]map[string]rpcOutcome {
	t.Helper()

	certificate := testutil.ClientCertificate(t)
	private, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	input, err := json.Marshal(map[string]any{
		"url": api.URL, "ca": text("CERTIFICATE", api.Certificate().Raw),
		"cert": text("CERTIFICATE", certificate.Certificate[0]), "key": text("PRIVATE KEY", private),
		"tokenEndpoint": strings.TrimSuffix(iss.URL, "/") + "/oauth/token", "descriptors": descriptors(t),
		"tokens": map[string]string{
			"good":        iss.Token(testutil.Claims{"scope": "orders:read"}),
			"bad":         iss.Token(testutil.Claims{"scope": "orders:read", "aud": "https://other.example.com"}),
			"expired":     iss.Token(testutil.Claims{"scope": "orders:read", "exp": 1}),
			"scopeless":   iss.Token(testutil.Claims{"scope": "other"}),
			"certificate": iss.Token(testutil.Claims{"scope": "orders:read", "cnf": testutil.CertificateConfirmation(certificate.Leaf)}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	flow := exec.CommandContext(t.Context(), "node", "flow.mjs")
	flow.Dir, flow.Stdin = "connect", bytes.NewReader(input)
	out, err := flow.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("node flow.mjs: %v\n%s", err, failed.Stderr)
		}
		t.Fatal(err)
	}
	var got map[string]map[string]map[string]rpcOutcome
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("node flow.mjs printed %q: %v", out, err)
	}
	return got
}

// descriptors are those of the service test.Echo, for a client that has no
// generated code.
func descriptors(t *testing.T) []byte {
	t.Helper()

	method := func(name string, fromClient, fromServer bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: &name, InputType: proto.String(".google.protobuf.StringValue"), OutputType: proto.String(".google.protobuf.StringValue"),
			ClientStreaming: &fromClient, ServerStreaming: &fromServer,
		}
	}
	say := method("Say", false, false)
	say.Options = &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()}
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(wrapperspb.File_google_protobuf_wrappers_proto),
		protodesc.ToFileDescriptorProto(anypb.File_google_protobuf_any_proto),
		protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto),
		protodesc.ToFileDescriptorProto((&errdetails.ErrorInfo{}).ProtoReflect().Descriptor().ParentFile().Imports().Get(0)),
		protodesc.ToFileDescriptorProto(errdetails.File_google_rpc_error_details_proto),
		{
			Name: proto.String("test/echo.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
			Dependency: []string{"google/protobuf/wrappers.proto"},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Echo"), Method: []*descriptorpb.MethodDescriptorProto{
				say, method("Watch", false, true), method("Gather", true, false), method("Chat", true, true), method("Unnamed", false, false),
			}}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

type word = wrapperspb.StringValue

// newEcho starts the API over TLS, by HTTP/1.1 and HTTP/2. The function returns
// how often a procedure was called.
func newEcho(t *testing.T, iss *testutil.Issuer) (_ *httptest.Server, called func() int) {
	t.Helper()

	tokens, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: tokens, DPoP: proofs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
		"/test.Echo/Say":    connectauth.Require(validator.Scopes("orders:read")),
		"/test.Echo/Watch":  connectauth.Require(validator.Scopes("orders:read")),
		"/test.Echo/Gather": connectauth.Require(validator.Scopes("orders:read")),
	}})
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan struct{}, 1000)
	enter := func(ctx context.Context) error {
		calls <- struct{}{}
		if _, ok := connectauth.Claims(ctx); !ok {
			return errors.New("there are no claims")
		}
		return nil
	}
	say := func(ctx context.Context, r *connect.Request[word]) (*connect.Response[word], error) {
		return connect.NewResponse(r.Msg), enter(ctx)
	}
	watch := func(ctx context.Context, r *connect.Request[word], stream *connect.ServerStream[word]) error {
		for i := range 4 {
			if err := stream.Send(wrapperspb.String(fmt.Sprint(r.Msg.GetValue(), i))); err != nil {
				return err
			}
		}
		return enter(ctx)
	}
	gather := func(ctx context.Context, stream *connect.ClientStream[word]) (*connect.Response[word], error) {
		var all strings.Builder
		for stream.Receive() {
			all.WriteString(stream.Msg().GetValue())
		}
		if err := stream.Err(); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return connect.NewResponse(wrapperspb.String(all.String())), enter(ctx)
	}
	mux := http.NewServeMux()
	mux.Handle("/test.Echo/Say", connect.NewUnaryHandler("/test.Echo/Say", say, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	mux.Handle("/test.Echo/Unnamed", connect.NewUnaryHandler("/test.Echo/Unnamed", say))
	mux.Handle("/test.Echo/Watch", connect.NewServerStreamHandler("/test.Echo/Watch", watch))
	mux.Handle("/test.Echo/Gather", connect.NewClientStreamHandler("/test.Echo/Gather", gather))
	api := httptest.NewUnstartedServer(guard.Handler(mux))
	api.EnableHTTP2 = true
	api.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	api.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	api.StartTLS()
	t.Cleanup(api.Close)
	return api, func() int { return len(calls) }
}
