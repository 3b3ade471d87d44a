package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// lateFeed is a revocation.Feed that is late if its error is not nil.
type lateFeed struct{ err atomic.Pointer[error] }

func (*lateFeed) Publish(context.Context, revocation.Rule) error { return nil }
func (f *lateFeed) Current() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

func newRevocations(t testing.TB, feed revocation.Feed) *revocation.List {
	t.Helper()
	list, err := revocation.New(revocation.Config{Feed: feed})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var event middleware.Event
	feed := new(lateFeed)
	list := newRevocations(t, feed)
	auth := newAuth(t, middleware.Config{
		Validator:   v,
		Revocations: list,
		Logger:      slog.New(slog.NewTextHandler(&log, nil)),
		Observe:     func(_ context.Context, e middleware.Event) { event = e },
	})
	called := 0
	h := auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	anna, bert := iss.Token(testutil.Claims{"sub": "anna"}), iss.Token(testutil.Claims{"sub": "bert"})

	// Twice, so that the token is remembered.
	for range 2 {
		if w := serve(h, "Bearer "+anna); w.Code != 200 {
			t.Fatalf("status = %d, want 200", w.Code)
		}
	}
	if !event.Remembered {
		t.Error("the token is not remembered, so the test shows less than it should")
	}
	rule := revocation.Rule{Issuer: iss.URL, Subject: "anna", IssuedBefore: time.Now()}
	if err := list.Revoke(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	called = 0
	w := serve(h, "Bearer "+anna)
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") != `Bearer error="invalid_token"` || called != 0 {
		t.Errorf("response = %d %v, %d calls, want 401 invalid_token and none", w.Code, w.Header(), called)
	}
	if event.Outcome != middleware.Rejected || event.Code != validator.CodeRevoked || event.Status != 401 || event.Issuer != iss.URL {
		t.Errorf("event = %+v, want a rejection with %q", event, validator.CodeRevoked)
	}
	for _, want := range []string{"level=INFO", "status=401", "code=token_revoked", "issuer=" + iss.URL, "kid=", "a rule by iss, sub revokes the tokens issued up to"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %s in it", log.String(), want)
		}
	}
	if strings.Contains(log.String(), "anna") {
		t.Errorf("log = %s, which names the subject", log.String())
	}
	if w := serve(h, "Bearer "+bert); w.Code != 200 {
		t.Errorf("status of another subject = %d, want 200", w.Code)
	}

	// A List that doesn't know is no reason to accept, and none for a new token.
	late := errors.New("the feed is late")
	feed.err.Store(&late)
	w = serve(h, "Bearer "+bert)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("response of a late list = %d %v, want 503 with Retry-After", w.Code, w.Header())
	}
	if event.Service != revocation.Service || event.Code != validator.CodeUnavailable {
		t.Errorf("event = %+v, want service %q", event, revocation.Service)
	}
	if w := serve(h, "Bearer "+anna); w.Code != 401 {
		t.Errorf("status of the revoked token = %d, want 401", w.Code)
	}
	if w := serve(h, "Bearer bad"); w.Code != 401 {
		t.Errorf("status of a bad token = %d, want 401, since nothing needs to be known about it", w.Code)
	}
}

// Within one request, an inner Guard asks again. Its claims are those of the
// outer one, and may have been revoked in the meantime.
func TestRevocations_inside(t *testing.T) {
	t.Parallel()
	list := newRevocations(t, nil)
	auth := newAuth(t, middleware.Config{Revocations: list})
	inner := auth.Handler(new(spy))
	revoke := true
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if revoke {
			rule := revocation.Rule{Issuer: "https://issuer.example/", Subject: "anna", IssuedBefore: time.Now()}
			if err := list.Revoke(r.Context(), rule); err != nil {
				t.Error(err)
			}
		}
		inner.ServeHTTP(w, r)
	}))
	if w := serve(h, "Bearer bert"); w.Code != 200 {
		t.Errorf("status = %d, want 200", w.Code)
	}
	if w := serve(h, "Bearer anna"); w.Code != 401 {
		t.Errorf("status of what is revoked in between = %d, want 401", w.Code)
	}
}

// A revoked token's proof is not remembered, so revoked tokens can't fill the
// store of proofs.
func TestRevocations_dpop(t *testing.T) {
	t.Parallel()
	iss, key := testutil.NewIssuer(t), testutil.DPoPKey(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	proofs := new(dpop.MemoryStore)
	verifier, err := dpop.New(dpop.Config{Replays: proofs})
	if err != nil {
		t.Fatal(err)
	}
	list := newRevocations(t, nil)
	auth := newAuth(t, middleware.Config{Validator: v, DPoP: verifier, Revocations: list, Origin: middleware.FixedOrigin("https://api.example.com")})
	token := iss.Token(testutil.Claims{"cnf": key.Confirmation()})
	ask := func(token string) validator.Code {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "DPoP "+token)
		r.Header.Set("DPoP", key.Proof(http.MethodGet, "https://api.example.com/orders", token))
		_, err = do(auth, r)
		return validator.CodeOf(err)
	}
	if code := ask(token); code != "" || proofs.Len() != 1 {
		t.Fatalf("code = %q, %d proofs, want none and 1", code, proofs.Len())
	}
	if err := list.Revoke(t.Context(), revocation.Rule{Issuer: iss.URL, IssuedBefore: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if code := ask(token); code != validator.CodeRevoked || proofs.Len() != 1 {
		t.Errorf("code = %q, %d proofs, want %q and 1", code, proofs.Len(), validator.CodeRevoked)
	}
	// The binding comes first.
	if code := ask(iss.Token(testutil.Claims{"cnf": testutil.DPoPKey(t).Confirmation()})); code != validator.CodeBinding {
		t.Errorf("code of another key's token = %q, want %q", code, validator.CodeBinding)
	}
}

// A panic in the List's Feed is no acceptance.
func TestRevocations_panic(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, middleware.Config{Revocations: newRevocations(t, panicFeed{})})
	if w := serve(auth.Handler(new(spy)), "Bearer anna"); w.Code != 500 {
		t.Errorf("status = %d, want 500", w.Code)
	}
	auth = newAuth(t, middleware.Config{Revocations: new(revocation.List)})
	if w := serve(auth.Handler(new(spy)), "Bearer anna"); w.Code != 503 {
		t.Errorf("status with a List that New has not made = %d, want 503", w.Code)
	}
}

type panicFeed struct{ revocation.Feed }

func (panicFeed) Current() error { panic("a feed's own fault") }
