package testutil

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// An adapterTest is of more than one request.
type adapterTest struct {
	name string
	test func(t reporter, wrap wrapper, tokens *adapterTokens)
}

func adapterTests() []adapterTest {
	return []adapterTest{
		{"every method is guarded", everyMethod},
		{"checks are of one route", checksOfOneRoute},
		{"a 401 names the scopes", scopesNamed},
		{"claims are of one request", claimsOfOneRequest},
		{"claims are of one request, at the same time", claimsAtTheSameTime},
		{"a check inside its own Authenticator", checkInside},
		{"a check inside another Authenticator", checkInsideAnother},
		{"a proof is taken once", proofTakenOnce},
		{"a nonce is asked for and renewed", nonceRenewed},
		{"a bound token is no bearer token", boundIsNoBearer},
		{"a token bound to a certificate", boundToCertificate},
	}
}

// everyMethod: also OPTIONS, which is not a preflight because it says so.
func everyMethod(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		run, token := tokens.run(t, wrap, middleware.Config{}, nil)
		if run == nil {
			return
		}
		run.refused(run.send(method, "/orders", nil, ""), 401, []string{"Bearer"}, "")
		run.accepted(run.send(method, "/orders", []string{"Bearer %s"}, token), method, "/orders", adapterSubject)
	}
}

// checksOfOneRoute: checks appended to common ones may share their array with
// those of the next route.
func checksOfOneRoute(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	withSpare := func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		common := make([]validator.Check, 0, len(checks)+1)
		h := wrap(auth, append(common, checks...), next)
		_ = append(common, func(context.Context, *validator.Claims) error { return nil })
		return h
	}
	run, token := tokens.run(t, withSpare, middleware.Config{}, []validator.Check{validator.Scopes("orders:write")})
	if run == nil {
		return
	}
	res := run.send("GET", "/", []string{"Bearer %s"}, token)
	if res != nil && res.status == handlerStatus {
		t.Errorf("another route's check was run in place of this one's: the checks are shared between routes. " +
			"Make the Guard when the route is made, or copy the checks: append(common, one) and append(common, other) may be one array")
		return
	}
	run.refused(res, 403, []string{`Bearer error="insufficient_scope", scope="orders:write"`}, "")
}

// scopesNamed: which they are is known of the library's own checks alone, so
// these are not counted here.
func scopesNamed(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	own := func(context.Context, *validator.Claims) error { return nil }
	asItIs := func(auth *middleware.Authenticator, _ []validator.Check, next http.Handler) http.Handler {
		return wrap(auth, []validator.Check{own, validator.Scopes("orders:write", "orders:read"), own}, next)
	}
	run, _ := tokens.run(t, asItIs, middleware.Config{}, nil)
	if run == nil {
		return
	}
	const scope = `scope="orders:write orders:read"`
	res := run.send("GET", "/", nil, "")
	if res != nil && slices.Equal(res.header.Values("WWW-Authenticate"), []string{"Bearer"}) {
		t.Errorf("WWW-Authenticate = Bearer, want Bearer %s: pass the checks themselves to Guard, and not functions that call them", scope)
		return
	}
	run.refused(res, 401, []string{"Bearer " + scope}, "")
	run.refused(run.send("GET", "/", []string{"Bearer opaque"}, ""), 401, []string{`Bearer error="invalid_token", ` + scope}, "")
}

// claimsOfOneRequest: frameworks reuse their contexts.
func claimsOfOneRequest(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	run, token := tokens.run(t, wrap, middleware.Config{Optional: true}, nil)
	if run == nil {
		return
	}
	bert, err := tokens.token(nil, Claims{"sub": "bert"}, false)
	if err != nil {
		t.Errorf("token: %v", err)
		return
	}
	for range 3 {
		run.send("GET", "/", []string{"Bearer %s"}, token)
		run.send("GET", "/", nil, "")
		run.send("GET", "/", []string{"Bearer"}, "")
		run.send("GET", "/", []string{"Bearer %s"}, bert)
	}
	var got []string
	for _, call := range run.handled {
		got = append(got, call.subject)
	}
	want := slices.Repeat([]string{adapterSubject, "-", "bert"}, 3)
	if !slices.Equal(got, want) {
		t.Errorf("the handler was called for %q, want %q", got, want)
	}
}

func claimsAtTheSameTime(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	run, _ := tokens.run(t, wrap, middleware.Config{}, nil)
	if run == nil {
		return
	}
	const users = 32
	var wg sync.WaitGroup
	var want []string
	for i := range users {
		subject := fmt.Sprintf("user%02d", i)
		token, err := tokens.token(nil, Claims{"sub": subject}, false)
		if err != nil {
			t.Errorf("token: %v", err)
			return
		}
		want = append(want, subject+" GET /"+subject+" header body outer")
		wg.Go(func() {
			run.send("GET", "/"+subject, []string{"Bearer %s"}, token)
			run.send("GET", "/"+subject, nil, "")
		})
	}
	wg.Wait()

	var got []string
	for _, call := range run.handled {
		got = append(got, call.subject+" "+call.request)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the handler was called for %q, want %q", got, want)
	}
}

// checkInside: a group is guarded, and a route in it has checks of its own.
func checkInside(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	inner := []validator.Check{validator.Scopes("orders:write")}
	nested := func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		return wrap(auth, nil, wrap(auth, checks, next))
	}
	for _, scope := range []string{"orders:read", "orders:write"} {
		run, token := tokens.runWith(t, nested, middleware.Config{}, inner, Claims{"scope": scope})
		if run == nil {
			return
		}
		res := run.send("GET", "/orders", []string{"Bearer %s"}, token)
		if scope == "orders:write" {
			run.accepted(res, "GET", "/orders", adapterSubject)
		} else {
			run.refused(res, 403, []string{`Bearer error="insufficient_scope", scope="orders:write"`}, "")
		}
		run.checks(len(inner))
	}
}

// checkInsideAnother: what another Authenticator accepted is validated again.
func checkInsideAnother(t reporter, wrap wrapper, tokens *adapterTokens) {
	t.Helper()
	lax, err := middleware.New(middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Subject: "anyone"}, nil
		}),
	})
	if err != nil {
		t.Errorf("middleware.New() error = %v", err)
		return
	}
	nested := func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		return wrap(lax, nil, wrap(auth, checks, next))
	}
	run, token := tokens.run(t, nested, middleware.Config{}, nil)
	if run == nil {
		return
	}
	run.refused(run.send("GET", "/", []string{"Bearer opaque"}, ""), 401, []string{`Bearer error="invalid_token"`}, "")
	run.accepted(run.send("GET", "/", []string{"Bearer %s"}, token), "GET", "/", adapterSubject)
}

func (a *adapterTokens) run(
	t reporter, wrap wrapper, cfg middleware.Config, checks []validator.Check,
) (run *adapterRun, token string) {
	t.Helper()
	return a.runWith(t, wrap, cfg, checks, nil)
}

func (a *adapterTokens) runWith(
	t reporter, wrap wrapper, cfg middleware.Config, checks []validator.Check, claims Claims,
) (run *adapterRun, token string) {
	t.Helper()
	v, err := a.validator(nil)
	if err != nil {
		t.Errorf("validator.New() error = %v", err)
		return nil, ""
	}
	if token, err = a.token(nil, claims, false); err != nil {
		t.Errorf("token: %v", err)
		return nil, ""
	}
	cfg.Validator = v
	return newAdapterRun(t, wrap, cfg, checks), token
}
