package validator_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// What a function of the caller panics with ends no program, accepts no token,
// and is in no text.
func TestValidate_panics(t *testing.T) {
	t.Parallel()

	var nilMap map[string]int
	throw := func(v any) validator.Check {
		return func(context.Context, *validator.Claims) error { panic(v) }
	}
	checks := func(checks ...validator.Check) func(*validator.Config) {
		return func(c *validator.Config) { c.Checks = checks }
	}
	for _, tt := range []struct {
		name   string
		change func(*validator.Config)
		text   string // in the error's
	}{
		{"a check", checks(throw("secret")), "panic of type string in "},
		{"the last check", checks(validator.Subjects("auth0|alice"), throw("secret")), "panic of type string in "},
		{"an error", checks(throw(&validator.Error{Code: "secret"})), "panic of type *validator.Error in "},
		{"nil", checks(throw(nil)), "panic of type *runtime.PanicNilError in "},
		{"the runtime's", checks(func(context.Context, *validator.Claims) error { nilMap["secret"]++; return nil }), "plainError in "},
		{"a handler's way to abort", checks(throw(http.ErrAbortHandler)), "panic of type *errors.errorString in "},
		{"a check of AnyOf", checks(validator.AnyOf(throw("secret"), validator.Subjects("auth0|alice"))), "panic of type string in "},
		{"a check of AllOf", checks(validator.AllOf(validator.Subjects("auth0|alice"), throw("secret"))), "panic of type string in "},
		{"CheckAs", checks(validator.CheckAs(func(context.Context, struct{}) error { panic("secret") })), "panic of type string in "},
		{
			"OrganizationFunc", checks(validator.OrganizationFunc(func(context.Context) (string, error) { panic("secret") })),
			"panic of type string in ",
		},
		{
			"Keys", func(c *validator.Config) {
				c.Keys = keySource(func(context.Context, string) ([]jwks.Key, error) { panic("secret") })
			}, "panic of type string in ",
		},
		{"Now", func(c *validator.Config) { c.Now = func() time.Time { panic("secret") } }, "panic of type string in "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			v := newValidator(t, tt.change)
			mux, err := validator.NewMux(v)
			if err != nil {
				t.Fatal(err)
			}
			muxFunc := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return v, nil })
			good := token(nil, object{"sub": "auth0|alice"})
			for name, validate := range map[string]func() (*validator.Claims, error){
				"Validate":                 func() (*validator.Claims, error) { return v.Validate(t.Context(), good) },
				"Explain":                  func() (*validator.Claims, error) { return nil, v.Explain(t.Context(), good).Err },
				"Validate of a Mux":        func() (*validator.Claims, error) { return mux.Validate(t.Context(), good) },
				"Validate of NewMuxFunc's": func() (*validator.Claims, error) { return muxFunc.Validate(t.Context(), good) },
			} {
				claims, err := validate()
				if claims != nil || validator.CodeOf(err) != validator.CodeInternal {
					t.Errorf("%s = %v, %v, want no claims and the code %s", name, claims, err, validator.CodeInternal)
					continue
				}
				if text := err.Error(); !strings.Contains(text, tt.text) || !strings.Contains(text, "panic_test.go:") || strings.Contains(text, "secret") {
					t.Errorf("%s = %q, want %q and this file in it, and not the value", name, text, tt.text)
				}
			}
		})
	}
}

// A token that was accepted before is no way around that.
func TestValidate_panicsRemembered(t *testing.T) {
	t.Parallel()

	broken := false
	v := newValidator(t, func(c *validator.Config) {
		c.CacheSize = 0
		c.Checks = []validator.Check{func(context.Context, *validator.Claims) error {
			if broken {
				panic("secret")
			}
			return nil
		}}
	})
	good := token(nil, nil)
	if _, err := v.Validate(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	broken = true
	if claims, err := v.Validate(t.Context(), good); claims != nil || validator.CodeOf(err) != validator.CodeInternal {
		t.Errorf("Validate = %v, %v, want no claims and the code %s", claims, err, validator.CodeInternal)
	}
	broken = false
	if _, err := v.Validate(t.Context(), good); err != nil {
		t.Errorf("Validate after a panic = %v, want nil", err)
	}
}

// The runtime can be told to let recover return nil after panic(nil).
func TestValidate_panicnil(t *testing.T) {
	t.Setenv("GODEBUG", "panicnil=1")

	v := newValidator(t, func(c *validator.Config) {
		c.Checks = []validator.Check{func(context.Context, *validator.Claims) error { panic(nil) }}
	})
	if claims, err := v.Validate(t.Context(), token(nil, nil)); claims != nil || validator.CodeOf(err) != validator.CodeInternal {
		t.Errorf("Validate = %v, %v, want no claims and the code %s", claims, err, validator.CodeInternal)
	}
}

// A check that ends its goroutine, as one that calls t.FailNow does, ends it.
func TestValidate_goexit(t *testing.T) {
	t.Parallel()

	v := newValidator(t, func(c *validator.Config) {
		c.Checks = []validator.Check{func(context.Context, *validator.Claims) error {
			runtime.Goexit()
			return nil
		}}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		claims, err := v.Validate(t.Context(), token(nil, nil))
		t.Errorf("Validate = %v, %v, want no return", claims, err)
	}()
	<-done
}

// What a panic in the function of a Mux was is in the error, and the tenant is
// not known to be gone.
func TestNewMuxFunc_panics(t *testing.T) {
	t.Parallel()

	mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { panic("secret") })
	_, err := mux.Validate(t.Context(), token(nil, nil))
	if validator.CodeOf(err) != validator.CodeUnavailable {
		t.Fatalf("Validate = %v, want the code %s", err, validator.CodeUnavailable)
	}
	for _, want := range []string{"panic of type string in ", "panic_test.go:"} {
		if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "secret") {
			t.Errorf("Validate = %q, want %q in it, and not the value", text, want)
		}
	}
}
