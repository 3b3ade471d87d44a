package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A long is a service whose handler runs until its context is done, or for ten
// hours.
type long struct {
	iss    *testutil.Issuer
	auth   *middleware.Authenticator
	log    bytes.Buffer
	events []middleware.Event
	cause  error // of the last handler's context
}

func newLong(t *testing.T, cfg middleware.Config) *long {
	t.Helper()
	l := &long{iss: testutil.NewIssuer(t, mockissuer.Config{URL: "https://issuer.example.com"})}
	v, err := validator.New(l.iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Validator = v
	cfg.Logger = slog.New(slog.NewTextHandler(&l.log, nil))
	cfg.Observe = func(_ context.Context, e middleware.Event) { l.events = append(l.events, e) }
	l.auth = newAuth(t, cfg)
	l.log.Reset() // what New has logged
	return l
}

func (l *long) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Hour)
	defer cancel()
	<-ctx.Done()
	l.cause = context.Cause(r.Context())
}

// A request that goes on ends with its token, and that is a rejection like any
// other.
func TestCancelWithToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		cfg     middleware.Config
		revokes bool // and not only another user's tokens
		lasts   time.Duration
		code    validator.Code // or none
		nested  bool
	}{
		{"revoked", middleware.Config{CancelWithToken: true}, true, 10 * time.Minute, validator.CodeRevoked, false},
		{"revoked, behind two Guards", middleware.Config{CancelWithToken: true}, true, 10 * time.Minute, validator.CodeRevoked, true},
		{"another is revoked", middleware.Config{CancelWithToken: true}, false, time.Hour + validator.DefaultLeeway, validator.CodeExpired, false},
		{"without the option", middleware.Config{}, true, 10 * time.Hour, "", false},
		{"report only", middleware.Config{CancelWithToken: true, InsecureReportOnly: true}, true, 10 * time.Hour, "", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			list := newRevocations(t, nil)
			tt.cfg.Revocations = list
			l := newLong(t, tt.cfg)

			h := l.auth.Handler(l)
			if tt.nested {
				h = l.auth.Handler(l.auth.Require(pass)(l))
			}
			begun := time.Now()
			time.AfterFunc(10*time.Minute, func() {
				subject := "bert"
				if tt.revokes {
					subject = "anna"
				}
				rule := revocation.Rule{Issuer: l.iss.URL, Subject: subject, IssuedBefore: time.Now()}
				if err := list.Revoke(context.Background(), rule); err != nil {
					t.Error(err)
				}
			})
			serve(h, "Bearer "+l.iss.Token(testutil.Claims{"sub": "anna", "exp": begun.Add(time.Hour).Unix()}))
			if took := time.Since(begun); took != tt.lasts {
				t.Errorf("%s: the handler has run for %v, want %v", tt.name, took, tt.lasts)
			}
			if got := validator.CodeOf(l.cause); got != tt.code {
				t.Errorf("%s: the cause is %v, want %q", tt.name, l.cause, tt.code)
			}
			accepted, rejected := 0, 0
			for _, e := range l.events {
				switch e.Outcome {
				case middleware.Accepted:
					accepted++
				case middleware.Rejected:
					rejected++
					if e.Code != tt.code || e.Status != 401 || e.Issuer != l.iss.URL {
						t.Errorf("%s: the event of the end is %v", tt.name, e)
					}
				}
			}
			want, guards := 0, 1
			if tt.code != "" {
				want = 1
			}
			if tt.nested {
				guards = 2
			}
			if accepted != guards || rejected != want || strings.Count(l.log.String(), "token refused") != want {
				t.Errorf("%s: %d accepted and %d rejected, want %d and %d; the log: %s", tt.name, accepted, rejected, guards, want, &l.log)
			}
			synctest.Wait()
			if n := list.Status().Watches; n != 0 {
				t.Errorf("%s: %d are watched after the request, want none", tt.name, n)
			}
		})
	}
}

// Without Revocations, a request ends when its token expires.
func TestCancelWithToken_expiryAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLong(t, middleware.Config{CancelWithToken: true})
		begun := time.Now()
		serve(l.auth.Handler(l), "Bearer "+l.iss.Token(testutil.Claims{"exp": begun.Add(time.Minute).Unix()}))
		if took := time.Since(begun); took != time.Minute+validator.DefaultLeeway || validator.CodeOf(l.cause) != validator.CodeExpired {
			t.Errorf("the handler has run for %v and ended by %v, want %v and %q", took, l.cause, time.Minute+validator.DefaultLeeway, validator.CodeExpired)
		}
	})
}

// A client that goes away, and a handler that returns, leave nothing, and are no
// rejection. So is a request that a check rejects.
func TestCancelWithToken_end(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := newRevocations(t, nil)
		l := newLong(t, middleware.Config{CancelWithToken: true, Revocations: list})
		token := "Bearer " + l.iss.Token(nil)
		for _, tt := range []struct {
			name string
			h    http.Handler
			want int // events
		}{
			{"a client that goes away", l.auth.Handler(l), 1},
			{"a handler that returns", l.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				if n := list.Status().Watches; n != 1 {
					t.Errorf("%d are watched during a request, want 1", n)
				}
			})), 1},
			{"a check that rejects", l.auth.Require(refuse(errors.New("no")))(l), 1},
			{"a second Guard's check that rejects", l.auth.Handler(l.auth.Require(refuse(errors.New("no")))(l)), 2},
		} {
			l.events = nil
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
			r.Header.Set("Authorization", token)
			tt.h.ServeHTTP(httptest.NewRecorder(), r)
			synctest.Wait()
			if n := list.Status().Watches; n != 0 || len(l.events) != tt.want {
				t.Errorf("%s: %d are watched, %d events, want none and %d", tt.name, n, len(l.events), tt.want)
			}
			cancel()
		}
	})
}

// A request that can't be watched is rejected, and the next one is not.
func TestCancelWithToken_full(t *testing.T) {
	t.Parallel()
	list, err := revocation.New(revocation.Config{MaxWatches: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := newLong(t, middleware.Config{CancelWithToken: true, Revocations: list})
	token := "Bearer " + l.iss.Token(nil)
	var inner http.Handler
	h := l.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if w := serve(inner, token); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("the second request: %d %v, want 503 with Retry-After", w.Code, w.Header())
		}
	}))
	inner = l.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the second request is accepted") }))
	if w := serve(h, token); w.Code != 200 {
		t.Errorf("the first request: %d, want 200", w.Code)
	}
}

// Watch is for adapters: it ends by a rule, and never by the time.
func TestGuard_Watch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := newRevocations(t, nil)
		l := newLong(t, middleware.Config{Revocations: list})
		guard := l.auth.Guard()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+l.iss.Token(testutil.Claims{"sub": "anna", "exp": time.Now().Add(time.Minute).Unix()}))
		if got, err := guard.Watch(r.Context()); err != nil || got != r.Context() {
			t.Errorf("Watch() of a context without claims = %v, %v, want the same", got, err)
		}
		r, refusal := guard.Do(http.Header{}, r)
		if refusal != nil {
			t.Fatal(refusal)
		}
		watched, err := guard.Watch(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := middleware.ClaimsFromContext(watched); !ok {
			t.Error("the context has no claims")
		}
		time.Sleep(time.Hour)
		if watched.Err() != nil {
			t.Errorf("after an hour, the cause is %v, want none", context.Cause(watched))
		}
		if err := list.Revoke(ctx, revocation.Rule{Issuer: l.iss.URL, Subject: "anna", IssuedBefore: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if code := validator.CodeOf(context.Cause(watched)); code != validator.CodeRevoked {
			t.Errorf("after Revoke(), the code is %q, want %q", code, validator.CodeRevoked)
		}
		l.events = nil
		if _, refusal := guard.Reject(http.Header{}, r, context.Cause(watched)); refusal.Status != 401 || l.events[0].Issuer != l.iss.URL {
			t.Errorf("Reject() = %v, event %v, want a 401 of the issuer", refusal, l.events)
		}
		if _, err := guard.Watch(r.Context()); validator.CodeOf(err) != validator.CodeRevoked {
			t.Errorf("Watch() of a revoked token = %v, want %q", err, validator.CodeRevoked)
		}
	})
}
