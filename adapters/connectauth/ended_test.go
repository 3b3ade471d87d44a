package connectauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// An events keeps the codes of what was observed.
type events struct {
	mu    sync.Mutex
	codes []validator.Code
}

func (e *events) observe(_ context.Context, event middleware.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.codes = append(e.codes, event.Code)
}

func (e *events) all() []validator.Code {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.codes)
}

// With CancelWithToken, a stream whose handler waits for a message ends when its
// token does, with the code and the details of a rejection. It is observed once.
func TestGuard_cancelWithToken(t *testing.T) {
	t.Parallel()

	for protocol, options := range map[string][]connect.ClientOption{"Connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()}} {
		for _, waits := range []bool{true, false} {
			rules, err := revocation.New(revocation.Config{})
			if err != nil {
				t.Fatal(err)
			}
			var seen events
			e := newEcho(t, middleware.Config{Revocations: rules, CancelWithToken: true, Observe: seen.observe})
			ctx, cancel := context.WithCancel(t.Context())
			s := e.dial(chat, options...).CallBidiStream(ctx)
			s.RequestHeader().Set("Authorization", "Bearer "+e.Token(testutil.Claims{"sub": "anna", "scope": "read", "jti": "x"}))
			for range 500 {
				if err := s.Send(wrapperspb.String("x")); err != nil {
					t.Fatalf("%s: Send(): %v", protocol, err)
				}
				if _, err := s.Receive(); err != nil {
					t.Fatalf("%s: Receive(): %v", protocol, err)
				}
			}
			if err := rules.Revoke(ctx, revocation.Rule{Issuer: e.Issuer.URL, ID: "x", Until: time.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
			if !waits {
				_ = s.Send(wrapperspb.String("x")) // which the handler must not see
			}
			giveUp := time.AfterFunc(5*time.Second, e.CloseClientConnections)
			_, err = s.Receive()
			giveUp.Stop()
			code, reason, challenge := outcome(err)
			if code != "unauthenticated" || reason != "invalid_token" {
				t.Fatalf("%s, waiting: %t: end = %s (%s) %q, want unauthenticated (invalid_token)", protocol, waits, code, reason, err)
			}
			if protocol == "Connect" && challenge != `Bearer error="invalid_token", scope="read"` {
				t.Errorf("%s: challenge = %q", protocol, challenge)
			}
			_ = errors.Join(s.CloseRequest(), s.CloseResponse()) // which may tell the same
			cancel()
			e.Server.Close() // waits for the handlers
			if got, want := seen.all(), []validator.Code{"", validator.CodeRevoked}; !slices.Equal(got, want) {
				t.Errorf("%s: observed codes = %q, want %q", protocol, got, want)
			}
		}
	}
}

// Over HTTP/1.1, the end is seen by the handler too. The connection is not used
// for the next request.
func TestGuard_cancelWithToken_http1(t *testing.T) {
	t.Parallel()

	rules, err := revocation.New(revocation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var seen events
	e := newEcho(t, middleware.Config{Revocations: rules, CancelWithToken: true, Observe: seen.observe})
	tls := e.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	tls.NextProtos = []string{"http/1.1"}
	client := connect.NewClient[word, word](&http.Client{Transport: &http.Transport{TLSClientConfig: tls}}, e.Server.URL+gather)
	for i, want := range []string{"unauthenticated", "ok"} {
		id := fmt.Sprint(i)
		s := client.CallClientStream(t.Context())
		s.RequestHeader().Set("Authorization", "Bearer "+e.Token(testutil.Claims{"sub": "anna", "scope": "read", "jti": id}))
		if err := s.Send(wrapperspb.String("x")); err != nil {
			t.Fatal(err)
		}
		for len(seen.all()) == 2*i { // until it is accepted
			runtime.Gosched()
		}
		if want != "ok" {
			if err := rules.Revoke(t.Context(), revocation.Rule{Issuer: e.Issuer.URL, ID: id, Until: time.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.CloseAndReceive()
		if code, _, _ := outcome(err); code != want {
			t.Errorf("stream %d: %v, want %s", i, err, want)
		}
	}
	if got, want := seen.all(), []validator.Code{"", validator.CodeRevoked, ""}; !slices.Equal(got, want) {
		t.Errorf("observed codes = %q, want %q", got, want)
	}
}

// A handler that waits for its context returns as well. It can't read what came
// before the end, and the end is observed.
func TestGuard_cancelWithToken_context(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := revocation.New(revocation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var seen events
	auth, err := middleware.New(middleware.Config{
		Validator: v, Revocations: rules, CancelWithToken: true, Observe: seen.observe, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := route(auth, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := rules.Revoke(r.Context(), revocation.Rule{Issuer: iss.URL, ID: "x", Until: time.Now().Add(time.Hour)}); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		if n, err := r.Body.Read(make([]byte, 9)); n > 0 || connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("Read() of what had come before = %d, %v, want Unauthenticated", n, err)
		}
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, watch, strings.NewReader("message"))
	r.Header.Set("Authorization", "Bearer "+iss.Token(testutil.Claims{"jti": "x"}))
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got, want := seen.all(), []validator.Code{"", validator.CodeRevoked}; !slices.Equal(got, want) {
		t.Errorf("observed codes = %q, want %q", got, want)
	}
}
