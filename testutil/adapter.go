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
// middleware does:
//
//   - It calls the handler once for each accepted request, with the claims in
//     the request's own context, and never for a rejected request.
//   - It runs all checks.
//   - It decides once, so that Observe is told of each decision once, and never
//     with the path in place of the route's pattern.
//   - A log or an Observe that panics changes no response.
//   - It tells the end of a token that the handler has outlived.
//   - The client gets the status and the header fields of every response, and
//     no part of the token.
//
// The body of a rejection is not checked.
//
// The function wrap returns the framework's guarded handler, made as a user of
// the adapter would make it. The handler calls next for every path and method,
// behind the adapter with these checks. The adapter must make its
// [middleware.Guard] when the route is made, from these checks.
//
//	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
//		e := echo.New()
//		e.Any("/*", echo.WrapHandler(next), echoauth.New(auth, checks...))
//		return e
//	})
//
// The first example of [middleware.Guard.Do] is an adapter that passes. If the
// adapter's handler is not an [http.Handler], use [TestTransport].
func TestAdapter(t *testing.T, wrap func(*middleware.Authenticator, []validator.Check, http.Handler) http.Handler) {
	t.Helper()
	testAdapter(webFramework(wrap), func(name string, test func(reporter)) {
		t.Run(name, func(t *testing.T) { test(t) })
	})
}

// A reporter is the part of a [testing.T] that the suite needs. With it, the
// suite itself can be tested.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

func testAdapter(adapter Transport, run func(name string, test func(reporter))) {
	tokens, err := newAdapterTokens()
	if err != nil {
		run("keys", func(t reporter) { t.Errorf("TestAdapter: %v", err) })
		return
	}
	for _, mount := range adapter.mounts() {
		for _, row := range adapterRows() {
			if mount.procedure != "" && row.query != "" {
				continue // a procedure has no query
			}
			run(mount.name(row.name), func(t reporter) { row.test(t, mount, tokens) })
		}
		for _, whole := range adapterTests() {
			run(mount.name(whole.name), func(t reporter) { whole.test(t, mount, tokens) })
		}
	}
	if adapter.Unnamed != "" {
		run("a procedure that no guard names", func(t reporter) { unnamed(t, adapter, tokens) })
	}
}

// An adapterRun is one guarded handler and what happens in it.
type adapterRun struct {
	t        reporter
	mount    mount
	exchange func(*http.Request) *http.Response

	mu        sync.Mutex
	validated int
	checked   []int
	handled   []handled
	codes     []string // of the rejections, as they are logged
	events    []middleware.Event
	panics    bool // the log and Observe, after they have noted what they are told
	kept      []kept
	during    func() // runs in the handler; nil for most tests
}

// handled is a call of the handler behind the adapter.
type handled struct {
	subject string // "-" without claims
	request string // what of the request should arrive unchanged
}

// The response of the suite's handler, and the secret that must never be in a
// response.
const (
	handlerStatus = http.StatusAccepted
	handlerBody   = "the handler's response"
	secretClaim   = "claim-31415926"
	secretCause   = "cause-27182818"
)

type outerKey struct{}

func newAdapterRun(t reporter, m mount, cfg middleware.Config, checks []validator.Check) *adapterRun {
	run := &adapterRun{t: t, mount: m}
	validate := cfg.Validator.Validate
	cfg.Validator = validateFunc(func(ctx context.Context, token string) (*validator.Claims, error) {
		run.mu.Lock()
		run.validated++
		run.mu.Unlock()
		run.keep("the token", token)
		return validate(ctx, token)
	})
	cfg.Logger = slog.New(codeHandler{run})
	cfg.Observe = run.observe
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
	run.exchange = m.serve(http.HandlerFunc(run.handle), Layer{auth, counted}) //nolint:bodyclose // it returns a function, and no response yet
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
		run.keep("sub of the claims", claims.Subject)
	}
	body, _ := io.ReadAll(r.Body)
	if run.during != nil {
		run.during()
	}
	call.request = fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", r.Header.Get("X-Test"), " ", string(body), " ", r.Context().Value(outerKey{}))

	run.mu.Lock()
	run.handled = append(run.handled, call)
	run.mu.Unlock()
	w.WriteHeader(handlerStatus)
	_, _ = io.WriteString(w, handlerBody)
}

// send sends a request with these Authorization fields, in which "%s" stands
// for the token. A panic is a failure. The suite causes none, so it is the
// adapter that has panicked.
func (run *adapterRun) send(method, target string, authorization []string, token string) *adapterResponse {
	return run.sendIn(context.Background(), method, target, authorization, token)
}

func (run *adapterRun) sendIn(ctx context.Context, method, target string, authorization []string, token string) *adapterResponse {
	ctx = context.WithValue(ctx, outerKey{}, "outer")
	method, target = run.mount.request(method, target)
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader("body"))
	r.Header.Set("X-Test", "header")
	for _, field := range authorization {
		r.Header.Add("Authorization", strings.ReplaceAll(field, "%s", token))
	}
	return run.serve(r)
}

func (run *adapterRun) serve(r *http.Request) *adapterResponse {
	defer func() {
		if v := recover(); v != nil {
			run.t.Errorf("%s %s panicked: %v: after a Refusal there is no request to go on with", r.Method, r.URL, v)
		}
	}()
	res := run.exchange(r)
	if res == nil {
		run.t.Errorf("%s %s: the response is nil, want one", r.Method, r.URL)
		return nil
	}
	var body []byte
	if res.Body != nil {
		body, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	return &adapterResponse{res.StatusCode, res.Header, string(body)}
}

// An adapterResponse has the header as it was sent. What an adapter adds later
// comes too late.
type adapterResponse struct {
	status int
	header http.Header
	body   string
}

// accepted reports faults of the response to a request that must reach the
// handler once and unchanged.
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
	method, target = run.mount.request(method, target)
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

// refused reports faults of the response to a request that must be rejected.
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
		if run.mount.procedure != "" && field.name == "Cache-Control" {
			continue // no cache is between the two ends of a call
		}
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

// coded reports a rejection for another reason than the row's. An adapter that
// changes a token, or doesn't find it, rejects it too.
func (run *adapterRun) coded(code string) {
	run.t.Helper()
	if !slices.Equal(run.codes, list(code)) {
		run.t.Errorf("code of the rejection = %q, want %q: give Guard.Do what the client sent, and all of it", run.codes, list(code))
	}
}

// A codeHandler reads the codes of rejections from the log, which has them
// whatever the response says.
type codeHandler struct{ run *adapterRun }

func (codeHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h codeHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h codeHandler) WithGroup(string) slog.Handler          { return h }

func (h codeHandler) Handle(_ context.Context, record slog.Record) error {
	if record.Message != "token refused" {
		return nil
	}
	record.Attrs(func(attr slog.Attr) bool {
		if attr.Key == "code" {
			h.run.mu.Lock()
			h.run.codes = append(h.run.codes, attr.Value.String())
			h.run.mu.Unlock()
		}
		return true
	})
	if h.run.panics {
		panic("the suite's log")
	}
	return nil
}

// secrets reports the secrets that a response discloses.
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

// checks reports checks that were not run, were run twice, or were run in
// another order.
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
