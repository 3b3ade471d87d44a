package testutil

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// An adapterTest is a test of more than one request.
type adapterTest struct {
	name string
	test func(t reporter, m mount, tokens *adapterTokens)
}

func adapterTests() []adapterTest {
	return []adapterTest{
		{"every method is guarded", everyMethod},
		{"checks are of one route", checksOfOneRoute},
		{"a 401 names the scopes", scopesNamed},
		{"claims are of one request", claimsOfOneRequest},
		{"claims are of one request, at the same time", claimsAtTheSameTime},
		{"what is kept does not change", keptAsItWas},
		{"the context ends with the request's", contextEnds},
		{"one event for each decision", oneEvent},
		{"a log that panics", logPanics},
		{"the end of a token is told", endTold},
		{"a check inside its own Authenticator", checkInside},
		{"a check inside another Authenticator", checkInsideAnother},
		{"a proof is taken once", proofTakenOnce},
		{"a proof is taken by two Authenticators", proofTakenByTwo},
		{"a nonce is asked for and renewed", nonceRenewed},
		{"a bound token is no bearer token", boundIsNoBearer},
		{"a token bound to a certificate", boundToCertificate},
	}
}

// everyMethod tests all methods. An OPTIONS request is not a preflight by its
// method alone.
func everyMethod(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	if m.procedure != "" {
		methods = []string{"POST"}
	}
	for _, method := range methods {
		run, token := tokens.run(t, m, middleware.Config{}, nil)
		if run == nil {
			return
		}
		run.refused(run.send(method, "/orders", nil, ""), 401, []string{"Bearer"}, "")
		run.accepted(run.send(method, "/orders", []string{"Bearer %s"}, token), method, "/orders", adapterSubject)
	}
}

// checksOfOneRoute tests that routes don't share checks. Checks appended to
// common ones may share their array with those of the next route.
func checksOfOneRoute(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	withSpare := m.with(func(next http.Handler, layer Layer) func(*http.Request) *http.Response {
		common := make([]validator.Check, 0, len(layer.Checks)+1)
		send := m.serve(next, Layer{layer.Auth, append(common, layer.Checks...)}) //nolint:bodyclose // it returns a function, and no response yet
		_ = append(common, func(context.Context, *validator.Claims) error { return nil })
		return send
	})
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

// scopesNamed tests the challenge's scopes. They are known for the library's
// own checks alone, so these are not counted here.
func scopesNamed(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	own := func(context.Context, *validator.Claims) error { return nil }
	asItIs := m.with(func(next http.Handler, layer Layer) func(*http.Request) *http.Response {
		return m.serve(next, Layer{layer.Auth, []validator.Check{own, validator.Scopes("orders:write", "orders:read"), own}}) //nolint:bodyclose // it returns a function, and no response yet
	})
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

// claimsOfOneRequest tests that each request has its own claims. Frameworks
// reuse their contexts.
func claimsOfOneRequest(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	run, token := tokens.run(t, m, middleware.Config{Optional: true}, nil)
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

func claimsAtTheSameTime(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	run, _ := tokens.run(t, m, middleware.Config{}, nil)
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
		method, target := m.request("GET", "/"+subject)
		want = append(want, subject+" "+method+" "+target+" header body outer")
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

// keptAsItWas tests that strings don't change after the request. Transports
// reuse their buffers, and a string must not be made of them. What a service
// keeps is compared after other requests.
func keptAsItWas(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	var run *adapterRun
	cfg := middleware.Config{Token: func(r *http.Request) (string, error) {
		run.keep("the method", r.Method)
		run.keep("the host", r.Host)
		run.keep("the request target", r.RequestURI)
		run.keep("the path", r.URL.Path)
		run.keep("the client's address", r.RemoteAddr)
		for name, values := range r.Header {
			run.keep("the name of a field", name)
			for _, value := range values {
				run.keep("the field "+strings.Clone(name), value)
			}
		}
		return middleware.BearerToken(r)
	}}
	if run, _ = tokens.run(t, m, cfg, nil); run == nil {
		return
	}
	for i := range 16 {
		subject := fmt.Sprintf("user%02d", i)
		token, err := tokens.token(nil, Claims{"sub": subject}, false)
		if err != nil {
			t.Errorf("token: %v", err)
			return
		}
		run.send("GET", "/"+subject, []string{"Bearer %s"}, token)
	}
	if len(run.handled) != 16 {
		t.Errorf("the handler was called %d times, want 16", len(run.handled))
	}
	for _, k := range run.kept {
		if k.value != k.copied {
			t.Errorf("%s that was kept = %q, want %q, as it was: copy the strings that the transport makes of its buffer",
				k.what, k.value, k.copied)
			return // one says it
		}
	}
}

// A kept value is one that a service keeps after the request.
type kept struct{ what, value, copied string }

func (run *adapterRun) keep(what, value string) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.kept = append(run.kept, kept{what, value, strings.Clone(value)})
}

// contextEnds tests that a check stops waiting when the client does.
func contextEnds(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	waits := func(ctx context.Context, _ *validator.Claims) error {
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("a check's context did not end with the request's: give Guard.Do a request with the transport's context")
		}
		return context.Cause(ctx)
	}
	run, token := tokens.run(t, m, middleware.Config{}, []validator.Check{waits})
	if run == nil {
		return
	}
	res := run.sendIn(ctx, "GET", "/", []string{"Bearer %s"}, token)
	if len(run.handled) > 0 {
		t.Errorf("the handler was called with %q, want no call: a check has failed", run.handled)
	}
	run.secrets(res, token)
	run.checks(1)
	method, _ := m.request("GET", "/")
	run.observed(middleware.Event{
		Outcome: middleware.Abandoned, Status: 403, Code: validator.CodeRefused, Subject: adapterSubject, Scheme: "Bearer", Method: method,
	})
}

// unnamed tests that a procedure that no table names, such as one added to a
// service later, is rejected.
func unnamed(t reporter, adapter Transport, tokens *adapterTokens) {
	t.Helper()
	for _, optional := range []bool{false, true} {
		m := mount{serve: adapter.Serve, procedure: adapter.Unnamed}
		run, token := tokens.run(t, m, middleware.Config{Optional: optional}, nil)
		if run == nil {
			return
		}
		for _, authorization := range [][]string{nil, {"Bearer %s"}} {
			res := run.send("POST", adapter.Unnamed, authorization, token)
			if len(run.handled) > 0 {
				t.Errorf("the handler was called for %s, want no call: reject what no guard names", adapter.Unnamed)
			}
			if res != nil && res.status < 400 {
				t.Errorf("status for %s = %d, want a rejection", adapter.Unnamed, res.status)
			}
		}
	}
}

// checkInside tests a guarded group with a route that has checks of its own.
func checkInside(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	inner := []validator.Check{validator.Scopes("orders:write")}
	nested := m.with(func(next http.Handler, layer Layer) func(*http.Request) *http.Response {
		return m.serve(next, Layer{Auth: layer.Auth}, layer) //nolint:bodyclose // it returns a function, and no response yet
	})
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

// checkInsideAnother tests that claims that another Authenticator has accepted
// are validated again.
func checkInsideAnother(t reporter, m mount, tokens *adapterTokens) {
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
	nested := m.with(func(next http.Handler, layer Layer) func(*http.Request) *http.Response {
		return m.serve(next, Layer{Auth: lax}, layer) //nolint:bodyclose // it returns a function, and no response yet
	})
	run, token := tokens.run(t, nested, middleware.Config{}, nil)
	if run == nil {
		return
	}
	run.refused(run.send("GET", "/", []string{"Bearer opaque"}, ""), 401, []string{`Bearer error="invalid_token"`}, "")
	run.accepted(run.send("GET", "/", []string{"Bearer %s"}, token), "GET", "/", adapterSubject)
}

func (a *adapterTokens) run(
	t reporter, m mount, cfg middleware.Config, checks []validator.Check,
) (run *adapterRun, token string) {
	t.Helper()
	return a.runWith(t, m, cfg, checks, nil)
}

func (a *adapterTokens) runWith(
	t reporter, m mount, cfg middleware.Config, checks []validator.Check, claims Claims,
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
	return newAdapterRun(t, m, cfg, checks), token
}
