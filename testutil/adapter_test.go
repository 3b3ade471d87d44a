package testutil_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

type adapter = func(*middleware.Authenticator, []validator.Check, http.Handler) http.Handler

// The suite is passed by what it is made from.
func TestTestAdapter(t *testing.T) {
	t.Parallel()

	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		return auth.Require(checks...)(next)
	})
}

// Every way to break an adapter is found, and for what it is.
func TestTestAdapter_broken(t *testing.T) {
	t.Parallel()

	// broken makes an adapter of one function, since each of them differs from
	// a good one in its own place.
	broken := func(serve func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler)) adapter {
		return func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, auth, checks, next) })
		}
	}
	var (
		mu   sync.Mutex
		last context.Context // of a framework that reuses its contexts
	)

	for _, tt := range []struct {
		name    string
		wrap    adapter
		tests   []string // that must fail, among others
		failure string   // that must be among those of the first
	}{
		{
			"it forgets to abort",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				authenticated, refusal := auth.Guard(checks...).Do(w.Header(), r)
				if refusal != nil {
					refusal.ServeHTTP(w, r)
					authenticated = r
				}
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"token_missing", "insufficient_scope", "refused", "unavailable", "every method is guarded"},
			"the handler was called with",
		},
		{
			"it drops the checks",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				auth.Handler(next).ServeHTTP(w, r)
			}),
			[]string{"insufficient_scope", "accepted/checks", "refused", "optional/no token for a check", "a check inside its own Authenticator"},
			"checks run, by index = [], want [0]",
		},
		{
			"it drops all checks but the first",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				auth.Require(checks[:min(len(checks), 1)]...)(next).ServeHTTP(w, r)
			}),
			[]string{"refused/by the last of three", "accepted/checks"},
			"the handler was called with",
		},
		{
			"it loses the claims",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				if _, refusal := auth.Guard(checks...).Do(w.Header(), r); refusal != nil {
					refusal.ServeHTTP(w, r)
					return
				}
				next.ServeHTTP(w, r)
			}),
			[]string{"accepted", "optional/a good token", "claims are of one request", "a check inside its own Authenticator"},
			"the claims are in the context of the request that Guard.Do returns",
		},
		{
			"it loses the challenge",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				authenticated, refusal := auth.Guard(checks...).Do(http.Header{}, r)
				if refusal != nil {
					refusal.ServeHTTP(w, r)
					return
				}
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"token_missing", "invalid_request/two fields", "wrong_audience", "insufficient_scope", "unavailable"},
			`WWW-Authenticate = [], want ["Bearer"]`,
		},
		{
			"it sets the challenge when the header is sent",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				h := http.Header{}
				authenticated, refusal := auth.Guard(checks...).Do(h, r)
				if refusal != nil {
					w.WriteHeader(refusal.Status)
					maps.Copy(w.Header(), h)
					return
				}
				maps.Copy(w.Header(), h)
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"token_missing", "insufficient_scope"},
			`WWW-Authenticate = [], want ["Bearer"]`,
		},
		{
			"it adds a challenge of its own",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				authenticated, refusal := auth.Guard(checks...).Do(w.Header(), r)
				if refusal != nil {
					w.Header().Add("WWW-Authenticate", "Basic")
					refusal.ServeHTTP(w, r)
					return
				}
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"token_missing", "refused", "unavailable"},
			`WWW-Authenticate = ["Bearer" "Basic"], want ["Bearer"]`,
		},
		{
			"it has one status for all",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				authenticated, refusal := auth.Guard(checks...).Do(w.Header(), r)
				if refusal != nil {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"insufficient_scope", "refused", "unavailable", "a check that panics", "invalid_request/a list"},
			"status = 401, want 403",
		},
		{
			"it tells the client why",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				authenticated, refusal := auth.Guard(checks...).Do(w.Header(), r)
				if refusal != nil {
					http.Error(w, refusal.Error(), refusal.Status)
					return
				}
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"refused", "unavailable/with a time"},
			`want nothing of "cause-27182818" in it`,
		},
		{
			"it echoes the token",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				w.Header().Set("X-Request", r.Header.Get("Authorization"))
				auth.Require(checks...)(next).ServeHTTP(w, r)
			}),
			[]string{"accepted", "wrong_audience"},
			"in it",
		},
		{
			"it calls the handler twice",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				auth.Require(checks...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, r)
					next.ServeHTTP(w, r)
				})).ServeHTTP(w, r)
			}),
			[]string{"accepted", "every method is guarded"},
			"once",
		},
		{
			"it validates twice",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				if _, refusal := auth.Guard().Do(w.Header(), r); refusal != nil {
					refusal.ServeHTTP(w, r)
					return
				}
				auth.Require(checks...)(next).ServeHTTP(w, r)
			}),
			[]string{"accepted", "optional/a good token"},
			"validated 2 times",
		},
		{
			"it decides twice",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				admitted, refusal := auth.Guard().Do(w.Header(), r)
				if refusal != nil {
					refusal.ServeHTTP(w, r)
					return
				}
				auth.Require(checks...)(next).ServeHTTP(w, admitted) // which validates nothing again
			}),
			[]string{"accepted", "one event for each decision", "optional/a good token"},
			"call Guard.Do once for a request",
		},
		{
			"it does not tell the end of a token",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				admitted, refusal := auth.Guard(checks...).Do(w.Header(), r)
				if refusal != nil {
					refusal.ServeHTTP(w, r)
					return
				}
				next.ServeHTTP(w, admitted)
			}),
			[]string{"the end of a token is told"},
			"call Guard.Done when the handler has returned",
		},
		{
			"it takes the path for the pattern",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				r.Pattern = r.URL.Path
				auth.Require(checks...)(next).ServeHTTP(w, r)
			}),
			[]string{"accepted", "one event for each decision", "token_missing"},
			"Request.Pattern is the route's pattern, not the path",
		},
		{
			"it makes a context of its own",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				auth.Require(checks...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					claims, _ := middleware.ClaimsFromContext(r.Context())
					next.ServeHTTP(w, r.WithContext(middleware.ContextWithClaims(context.Background(), claims)))
				})).ServeHTTP(w, r)
			}),
			[]string{"accepted", "optional/no token"},
			"pass it on as it is",
		},
		{
			"it keeps claims for the next request",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				auth.Require(checks...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					if _, ok := middleware.ClaimsFromContext(r.Context()); ok {
						last = r.Context()
					} else if last != nil {
						r = r.WithContext(last)
					}
					mu.Unlock()
					next.ServeHTTP(w, r)
				})).ServeHTTP(w, r)
			}),
			[]string{"claims are of one request"},
			"the handler was called for",
		},
		{
			"it lets OPTIONS through",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				if r.Method == http.MethodOptions {
					next.ServeHTTP(w, r)
					return
				}
				auth.Require(checks...)(next).ServeHTTP(w, r)
			}),
			[]string{"every method is guarded"},
			"the handler was called with",
		},
		{
			"it makes a Guard for each request",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				auth.Require(checks...)(next).ServeHTTP(w, r)
			}),
			[]string{"checks are of one route"},
			"the checks are shared between routes",
		},
		{
			"it panics",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				authenticated, _ := auth.Guard(checks...).Do(w.Header(), r)
				next.ServeHTTP(w, authenticated) // which may be nil
			}),
			[]string{"token_missing", "refused"},
			"panicked",
		},
		{
			"it sends a header of its own after an accepted request",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				h := http.Header{}
				authenticated, refusal := auth.Guard(checks...).Do(h, r)
				if refusal != nil {
					maps.Copy(w.Header(), h)
					refusal.ServeHTTP(w, r)
					return
				}
				next.ServeHTTP(w, authenticated)
			}),
			[]string{"a nonce is asked for and renewed", "a token bound to a certificate"},
			"pass the response's header to Guard.Do",
		},
		{
			"it hides the checks from the Guard",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				hidden := make([]validator.Check, len(checks))
				for i, check := range checks {
					hidden[i] = func(ctx context.Context, c *validator.Claims) error { return check(ctx, c) }
				}
				auth.Require(hidden...)(next).ServeHTTP(w, r)
			}),
			[]string{"a 401 names the scopes"},
			"pass the checks themselves to Guard",
		},
		{
			"it takes DPoP's word",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				if r.Header.Get("DPoP") != "" {
					next.ServeHTTP(w, r)
					return
				}
				auth.Require(checks...)(next).ServeHTTP(w, r)
			}),
			[]string{"a proof is taken once", "a bound token is no bearer token"},
			"status = 202, want 401",
		},
		{
			"it refuses all",
			broken(func(w http.ResponseWriter, r *http.Request, auth *middleware.Authenticator, checks []validator.Check, next http.Handler) {
				w.WriteHeader(http.StatusUnauthorized)
			}),
			[]string{"accepted", "insufficient_scope"},
			"want the handler's",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			failures := testutil.AdapterFailures(tt.wrap)
			for i, test := range tt.tests {
				got := strings.Join(failures[test], "\n")
				if got == "" {
					t.Errorf("the suite's test %q passed, want it to fail; failed: %q", test, slices.Sorted(maps.Keys(failures)))
				}
				if i == 0 && !strings.Contains(got, tt.failure) {
					t.Errorf("the suite's test %q failed with\n%s\nwant %q in it", test, got, tt.failure)
				}
			}
		})
	}
}

// A suite that fails for good adapters would prove nothing by failing for bad
// ones.
func TestTestAdapter_good(t *testing.T) {
	t.Parallel()

	got := testutil.AdapterFailures(func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		guard := auth.Guard(checks...)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			authenticated, refusal := guard.Do(w.Header(), r)
			if refusal != nil {
				w.WriteHeader(refusal.Status) // without a body
				return
			}
			next.ServeHTTP(w, authenticated)
			guard.Done(authenticated.Context())
		})
	})
	if len(got) > 0 {
		t.Errorf("failures = %s, want none", fmt.Sprint(got))
	}
}
