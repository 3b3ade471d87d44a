package testutil

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// TestAdapter checks that an adapter for a web framework responds as package
// middleware does: that it calls the handler once for each accepted request,
// with the claims in the request's own context, and never for a rejected one;
// that it runs all checks; that the client gets the status and the header of
// every response, and nothing of the token. What the body of a rejection is, is
// not looked at.
//
// wrap builds the framework's guarded handler, as a user of the adapter would:
// one that calls next for every path and method, behind the adapter with these
// checks. The adapter has to make its [middleware.Guard] when the route is
// made, of the checks themselves.
//
//	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
//		e := echo.New()
//		e.Any("/*", echo.WrapHandler(next), echoauth.New(auth, checks...))
//		return e
//	})
//
// The first example of [middleware.Guard.Do] is an adapter that passes.
func TestAdapter(t *testing.T, wrap func(*middleware.Authenticator, []validator.Check, http.Handler) http.Handler) {
	t.Helper()
	testAdapter(wrap, func(name string, test func(reporter)) {
		t.Run(name, func(t *testing.T) { test(t) })
	})
}

// A reporter is what of a [testing.T] the suite needs, so that the suite itself
// can be tested.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

type wrapper = func(*middleware.Authenticator, []validator.Check, http.Handler) http.Handler

func testAdapter(wrap wrapper, run func(name string, test func(reporter))) {
	tokens, err := newAdapterTokens()
	if err != nil {
		run("keys", func(t reporter) { t.Errorf("TestAdapter: %v", err) })
		return
	}
	for _, row := range adapterRows() {
		run(row.name, func(t reporter) { row.test(t, wrap, tokens) })
	}
	for _, whole := range adapterTests() {
		run(whole.name, func(t reporter) { whole.test(t, wrap, tokens) })
	}
}

// An adapterRun is one guarded handler and what happens in it.
type adapterRun struct {
	t       reporter
	handler http.Handler

	mu        sync.Mutex
	validated int
	checked   []int
	handled   []handled
}

// handled is a call of the handler behind the adapter.
type handled struct {
	subject string // "-" without claims
	request string // what of the request should arrive unchanged
}

// What the suite's handler answers, and what must never be in a response.
const (
	handlerStatus = http.StatusAccepted
	handlerBody   = "the handler's response"
	secretClaim   = "claim-31415926"
	secretCause   = "cause-27182818"
)

type outerKey struct{}

func newAdapterRun(t reporter, wrap wrapper, cfg middleware.Config, checks []validator.Check) *adapterRun {
	run := &adapterRun{t: t}
	validate := cfg.Validator.Validate
	cfg.Validator = validateFunc(func(ctx context.Context, token string) (*validator.Claims, error) {
		run.mu.Lock()
		run.validated++
		run.mu.Unlock()
		return validate(ctx, token)
	})
	cfg.Logger = slog.New(slog.DiscardHandler)
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Errorf("middleware.New() error = %v", err)
		return nil
	}

	counted := make([]validator.Check, len(checks))
	for i, check := range checks {
		counted[i] = func(ctx context.Context, c *validator.Claims) error {
			run.mu.Lock()
			run.checked = append(run.checked, i)
			run.mu.Unlock()
			return check(ctx, c)
		}
	}
	run.handler = wrap(auth, counted, http.HandlerFunc(run.handle))
	return run
}

type validateFunc func(ctx context.Context, token string) (*validator.Claims, error)

func (f validateFunc) Validate(ctx context.Context, token string) (*validator.Claims, error) {
	return f(ctx, token)
}

func (run *adapterRun) handle(w http.ResponseWriter, r *http.Request) {
	call := handled{subject: "-"}
	if claims, ok := middleware.ClaimsFromContext(r.Context()); ok {
		call.subject = claims.Subject
	}
	body, _ := io.ReadAll(r.Body)
	call.request = fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("X-Test"), " ", string(body), " ", r.Context().Value(outerKey{}))

	run.mu.Lock()
	run.handled = append(run.handled, call)
	run.mu.Unlock()
	w.WriteHeader(handlerStatus)
	_, _ = io.WriteString(w, handlerBody)
}

// send sends a request with these Authorization fields, "%s" in them being the
// token. A panic is a failure, since none is the suite's own: adapters have to
// answer.
func (run *adapterRun) send(method, target string, authorization []string, token string) *adapterResponse {
	ctx := context.WithValue(context.Background(), outerKey{}, "outer")
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader("body"))
	r.Header.Set("X-Test", "header")
	for _, field := range authorization {
		r.Header.Add("Authorization", strings.ReplaceAll(field, "%s", token))
	}
	return run.serve(r)
}

func (run *adapterRun) serve(r *http.Request) *adapterResponse {
	w := httptest.NewRecorder()
	defer func() {
		if v := recover(); v != nil {
			run.t.Errorf("%s %s panicked: %v: after a Refusal there is no request to go on with", r.Method, r.URL, v)
		}
	}()
	run.handler.ServeHTTP(w, r)
	return &adapterResponse{w.Code, w.Result().Header, w.Body.String()}
}

// An adapterResponse has the header as it was sent: what an adapter adds later
// comes too late.
type adapterResponse struct {
	status int
	header http.Header
	body   string
}

// accepted reports what is wrong with the response to a request that is to
// reach the handler, once and whole.
func (run *adapterRun) accepted(res *adapterResponse, method, target, subject string) {
	run.t.Helper()
	if res == nil {
		return
	}
	if res.status != handlerStatus || method != http.MethodHead && res.body != handlerBody {
		run.t.Errorf("response = %d %q, want the handler's, %d %q", res.status, res.body, handlerStatus, handlerBody)
	}
	if got := res.header.Values("WWW-Authenticate"); len(got) > 0 {
		run.t.Errorf("WWW-Authenticate = %q, want none in the handler's response", got)
	}
	want := handled{subject, method + " " + target + " header body outer"}
	switch got := run.handled; {
	case len(got) == 0:
		run.t.Errorf("the handler was not called, want one call: go on with the request that Guard.Do returns")
	case len(got) > 1:
		run.t.Errorf("the handler was called with %q, want one call: once for a request", got)
	case got[0].subject != want.subject:
		run.t.Errorf("the handler was called with the claims of %q, want those of %q (- is none): "+
			"the claims are in the context of the request that Guard.Do returns, go on with that", got[0].subject, want.subject)
	case got[0] != want:
		run.t.Errorf("the handler was called with the request %q, want %q (method, URL, a header, the body, a value of the context): "+
			"the request that Guard.Do returns has all of the one that it got, pass it on as it is", got[0].request, want.request)
	}
}

// refused reports what is wrong with the response to a request that is to be
// refused.
func (run *adapterRun) refused(res *adapterResponse, status int, challenge []string, retry string) {
	run.t.Helper()
	if res == nil {
		return
	}
	if res.status != status {
		run.t.Errorf("status = %d, want %d: respond with the Refusal's", res.status, status)
	}
	for _, field := range []struct {
		name string
		want []string
	}{
		{"WWW-Authenticate", challenge},
		{"Retry-After", list(retry)},
		{"Cache-Control", []string{"no-store"}},
	} {
		if got := res.header.Values(field.name); !slices.Equal(got, field.want) {
			run.t.Errorf("%s = %q, want %q: pass the response's header to Guard.Do, before it is sent, and leave it as it is",
				field.name, got, field.want)
		}
	}
	if len(run.handled) > 0 {
		run.t.Errorf("the handler was called with %q, want no call: return, or abort the framework's chain, after a Refusal",
			run.handled)
	}
}

// secrets reports what a response gives away.
func (run *adapterRun) secrets(res *adapterResponse, token string) {
	run.t.Helper()
	if res == nil {
		return
	}
	var dump strings.Builder
	_ = res.header.Write(&dump)
	dump.WriteString(res.body)
	for _, secret := range []string{token, secretClaim, secretCause} {
		if secret != "" && strings.Contains(dump.String(), secret) {
			run.t.Errorf("response = %q, want nothing of %q in it: the Refusal's error is for the log", dump.String(), secret)
		}
	}
}

// checks reports checks that were not run, or run twice, or in another order.
func (run *adapterRun) checks(n int) {
	run.t.Helper()
	want := []int{}
	for i := range n {
		want = append(want, i)
	}
	if !slices.Equal(run.checked, want) {
		run.t.Errorf("checks run, by index = %v, want %v: pass all of them to Guard, and run none yourself", run.checked, want)
	}
	if run.validated > 1 {
		run.t.Errorf("the token was validated %d times, want once: call Guard.Do once, and go on with the request that it returns",
			run.validated)
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
