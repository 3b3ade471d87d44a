package middleware_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

type valuable struct{ value string }

func (valuable) Error() string { return "secret" }

// failing is an error that is a nil pointer, as of a function that returns its
// own type of error.
type failing struct{ text string }

func (f *failing) Error() string { return f.text }

func TestPanics(t *testing.T) {
	t.Parallel()

	throw := func(v any) validator.Check {
		return func(context.Context, *validator.Claims) error { panic(v) }
	}
	var (
		nilMap   map[string]int
		nilError *validator.Error
		nilOther *failing
	)
	for _, tt := range []struct {
		name   string
		cfg    middleware.Config
		checks []validator.Check
		status int
		text   []string // in the record
	}{
		{"a check", middleware.Config{}, []validator.Check{throw("secret")}, 500, []string{"panic of type string in ", "fault_test.go:"}},
		{"a check's error", middleware.Config{}, []validator.Check{throw(valuable{"secret"})}, 500, []string{"middleware_test.valuable"}},
		{"a value that can't be compared", middleware.Config{}, []validator.Check{throw([]string{"secret"})}, 500, []string{"[]string"}},
		{"nil", middleware.Config{}, []validator.Check{throw(nil)}, 500, []string{"PanicNilError"}},
		{
			"the runtime's", middleware.Config{},
			[]validator.Check{func(_ context.Context, c *validator.Claims) error { nilMap[c.Subject]++; return nil }},
			500, []string{"plainError", "fault_test.go:"},
		},
		{
			"nil claims' use", middleware.Config{},
			[]validator.Check{func(context.Context, *validator.Claims) error { var c *validator.Claims; c.Subject = "x"; return nil }},
			500, []string{"runtime.errorString", "fault_test.go:"},
		},
		{"the last check", middleware.Config{}, []validator.Check{pass, throw("secret")}, 500, nil},
		{
			"Token",
			middleware.Config{Token: func(*http.Request) (string, error) { panic("secret") }, Optional: true},
			nil, 500, []string{"panic of type string"},
		},
		{
			"Validator",
			middleware.Config{Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { panic("secret") })},
			nil, 500, []string{"panic of type string"},
		},
		{
			"Validator without result",
			middleware.Config{Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, nil })},
			nil, 500, []string{"neither claims nor an error"},
		},
		{"a nil *Error", middleware.Config{}, []validator.Check{refuse(nilError)}, 500, []string{"nil *validator.Error"}},
		{"a nil error of another type", middleware.Config{}, []validator.Check{refuse(nilOther)}, 403, []string{"without text"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var log strings.Builder
			tt.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			var s spy
			w := serve(newAuth(t, tt.cfg).Require(tt.checks...)(&s), "Bearer anna")

			if w.Code != tt.status || s.seen != nil {
				t.Errorf("status = %d, handler called for %q, want %d, never", w.Code, s.seen, tt.status)
			}
			if got := w.Header().Values("WWW-Authenticate"); got != nil {
				t.Errorf("WWW-Authenticate = %q, want none", got)
			}
			if got := w.Body.String(); got != http.StatusText(tt.status)+"\n" {
				t.Errorf("body = %q", got)
			}
			level := "level=ERROR"
			if tt.status == 403 {
				level = "level=INFO"
			}
			for _, want := range append(tt.text, level, "msg=\"token refused\"") {
				if !strings.Contains(log.String(), want) {
					t.Errorf("log = %s\nwant %q in it", &log, want)
				}
			}
			if strings.Contains(log.String(), "secret") || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("log = %s\nwant one line without the value", &log)
			}
		})
	}
}

// The runtime can be told to let recover return nil after panic(nil).
func TestPanics_panicnil(t *testing.T) {
	t.Setenv("GODEBUG", "panicnil=1")

	var s spy
	h := newAuth(t, middleware.Config{}).Require(func(context.Context, *validator.Claims) error { panic(nil) })(&s)
	if w := serve(h, "Bearer anna"); w.Code != 500 || s.seen != nil {
		t.Errorf("status = %d, handler called for %q, want 500, never", w.Code, s.seen)
	}
}

// A check that ends its goroutine, as one that calls t.FailNow does, lets
// nothing through.
func TestPanics_goexit(t *testing.T) {
	t.Parallel()

	var s spy
	h := newAuth(t, middleware.Config{}).Require(func(context.Context, *validator.Claims) error {
		runtime.Goexit()
		return nil
	})(&s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(h, "Bearer anna")
		t.Error("the goroutine went on")
	}()
	<-done
	if s.seen != nil {
		t.Errorf("handler called for %q, want never", s.seen)
	}
}

// A handler's way to abort a response is not ours to answer.
func TestPanics_abort(t *testing.T) {
	t.Parallel()

	var s spy
	defer func() {
		if got := recover(); got != http.ErrAbortHandler || s.seen != nil {
			t.Errorf("recover() = %v, handler called for %q, want %v, never", got, s.seen, http.ErrAbortHandler)
		}
	}()
	h := newAuth(t, middleware.Config{}).Require(func(context.Context, *validator.Claims) error {
		panic(http.ErrAbortHandler)
	})(&s)
	serve(h, "Bearer anna")
}

// It is the server's to answer also where the Validator has contained it. An
// error that is returned aborts nothing.
func TestPanics_abortContained(t *testing.T) {
	t.Parallel()

	issuer := testutil.NewIssuer(t)
	abort := func(checks ...validator.Check) (w *httptest.ResponseRecorder, aborted bool) {
		cfg := issuer.Config("https://api.example.com")
		cfg.Checks = checks
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var s spy
		defer func() {
			aborted = recover() == http.ErrAbortHandler
			if s.seen != nil {
				t.Errorf("handler called for %q, want never", s.seen)
			}
		}()
		return serve(newAuth(t, middleware.Config{Validator: v}).Handler(&s), "Bearer "+issuer.Token(nil)), false
	}
	if w, aborted := abort(func(context.Context, *validator.Claims) error { panic(http.ErrAbortHandler) }); !aborted {
		t.Errorf("a check in Config.Checks that panics with ErrAbortHandler: status = %d, want that panic", w.Code)
	}
	if w, aborted := abort(func(context.Context, *validator.Claims) error { return http.ErrAbortHandler }); aborted || w.Code != 403 {
		t.Errorf("a check in Config.Checks that returns ErrAbortHandler: panicked %t, want 403", aborted)
	}
	if w, aborted := abort(func(context.Context, *validator.Claims) error { panic("secret") }); aborted || w.Code != 500 {
		t.Errorf("a check in Config.Checks that panics: panicked %t, want 500", aborted)
	}
}

// A panic of the guarded handler is its own server's to handle.
func TestPanics_handler(t *testing.T) {
	t.Parallel()

	want := errors.New("the handler's")
	defer func() {
		if got := recover(); got != want {
			t.Errorf("recover() = %v, want %v", got, want)
		}
	}()
	h := newAuth(t, middleware.Config{}).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(want) }))
	serve(h, "Bearer anna")
}

// An Authenticator that New didn't make rejects all requests.
func TestAuthenticator_zero(t *testing.T) {
	t.Parallel()

	var s spy
	var zero middleware.Authenticator
	if w := serve(zero.Handler(&s), "Bearer anna"); w.Code != 500 || s.seen != nil {
		t.Errorf("Handler() of a zero Authenticator = %d, handler called for %q, want 500, never", w.Code, s.seen)
	}
}
