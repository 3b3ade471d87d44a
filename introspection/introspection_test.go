package introspection_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

const (
	issuer   = "https://sso.example.com"
	endpoint = issuer + "/introspect"
	api      = "https://api.example.com"
)

// A server answers in place of an introspection endpoint.
type server struct {
	mu     sync.Mutex
	answer func(r *http.Request, form url.Values) (status int, body string)
	header http.Header
	asked  []url.Values
	paths  []string
	wait   time.Duration
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked, s.paths = append(s.asked, form), append(s.paths, r.Method+" "+r.URL.String())
	wait := s.wait
	s.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status, text := s.answer(r, form)
	w := httptest.NewRecorder()
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.WriteString(text)
	return w.Result(), nil
}

func (s *server) set(answer func(*http.Request, url.Values) (int, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// says answers 200 with this body.
func says(format string, args ...any) func(*http.Request, url.Values) (int, string) {
	return func(*http.Request, url.Values) (int, string) { return 200, fmt.Sprintf(format, args...) }
}

func fails(status int) func(*http.Request, url.Values) (int, string) {
	return func(*http.Request, url.Values) (int, string) { return status, "" }
}

func config(s *server) introspection.Config {
	return introspection.Config{
		Issuer: issuer, Endpoint: endpoint, Audiences: []string{api}, ClientID: "orders-api",
		Auth: introspection.ClientSecretBasic("s3cret"), Client: &http.Client{Transport: s},
		Logger: slog.New(slog.DiscardHandler),
	}
}

func newIntrospector(t testing.TB, cfg introspection.Config) *introspection.Introspector {
	t.Helper()
	in, err := introspection.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

const good = `{"active":true,"iss":"https://sso.example.com","aud":"https://api.example.com","sub":"anna","scope":"orders:read orders:write","client_id":"shop","username":"anna@example.com"}`

func TestIntrospector(t *testing.T) {
	t.Parallel()
	s := &server{answer: says(good)}
	in := newIntrospector(t, config(s))
	claims, err := in.Validate(t.Context(), "opaque+token/~1==")
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != "anna" || !claims.HasScope("orders:write") || claims.ClientID != "shop" || claims.Issuer != issuer {
		t.Errorf("Validate() = %+v", claims)
	}
	var more struct {
		Username string `json:"username"`
	}
	if err := claims.Decode(&more); err != nil || more.Username != "anna@example.com" {
		t.Errorf("Decode() = %+v, %v", more, err)
	}
	if got := s.asked[0].Encode(); got != "token=opaque%2Btoken%2F~1%3D%3D&token_type_hint=access_token" {
		t.Errorf("the body was %s", got)
	}
	if got := s.paths[0]; got != "POST "+endpoint {
		t.Errorf("the request was %s, want no token in it", got)
	}
	if _, err := in.Validate(t.Context(), "opaque+token/~1=="); err != nil || s.count() != 1 {
		t.Errorf("Validate() of a known token: %d calls, error = %v; want 1, none", s.count(), err)
	}
}

// What may be missing in an answer, and what may not.
func TestIntrospector_absent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, answer string
		change       func(*introspection.Config)
		code         validator.Code
	}{
		{"no iss", `{"active":true,"aud":"https://api.example.com"}`, nil, ""},
		{"another iss", `{"active":true,"iss":"https://other.example.com","aud":"https://api.example.com"}`, nil, validator.CodeIssuer},
		{"no aud", `{"active":true}`, nil, validator.CodeAudience},
		{"no aud, guaranteed", `{"active":true}`, func(c *introspection.Config) { c.AudienceGuaranteedBy = issuer }, ""},
		{"another aud, guaranteed", `{"active":true,"aud":"x"}`, func(c *introspection.Config) { c.AudienceGuaranteedBy = issuer }, validator.CodeAudience},
		{"no aud, and a claim for it", `{"active":true,"client_id":"https://api.example.com"}`,
			func(c *introspection.Config) { c.AudienceClaim = "client_id" }, ""},
		{"no aud, and another claim for it", `{"active":true,"client_id":"x"}`,
			func(c *introspection.Config) { c.AudienceClaim = "client_id" }, validator.CodeAudience},
		{"a custom domain", `{"active":true,"iss":"https://login.example.com","aud":"https://api.example.com"}`,
			func(c *introspection.Config) { c.Issuers = []string{"https://login.example.com"} }, ""},
		{"inactive", `{"active":false}`, nil, validator.CodeRevoked},
		{"inactive, and more", `{"active":false,"aud":"https://api.example.com","sub":"anna"}`, nil, validator.CodeRevoked},
		{"expired", `{"active":true,"aud":"https://api.example.com","exp":1}`, nil, validator.CodeExpired},
		{"not yet", `{"active":true,"aud":"https://api.example.com","nbf":99999999999}`, nil, validator.CodeNotYetValid},
		{"a refresh token", `{"active":true,"aud":"https://api.example.com","token_type":"refresh_token"}`, nil, validator.CodeType},
		{"a refresh token of Keycloak", `{"active":true,"aud":"https://api.example.com","typ":"Refresh"}`, nil, validator.CodeType},
		{"Bearer", `{"active":true,"aud":"https://api.example.com","token_type":"bearer"}`, nil, ""},
		{"MAC", `{"active":true,"aud":"https://api.example.com","token_type":"mac"}`, nil, validator.CodeType},
		{"DPoP without a key", `{"active":true,"aud":"https://api.example.com","token_type":"DPoP"}`, nil, validator.CodeBinding},
		{"DPoP", `{"active":true,"aud":"https://api.example.com","token_type":"DPoP","cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}`,
			nil, validator.CodeBinding},
		{"aud null", `{"active":true,"aud":null}`, nil, validator.CodeClaim},
		{"exp as text", `{"active":true,"aud":"https://api.example.com","exp":"1"}`, nil, validator.CodeClaim},
		{"active as text", `{"active":"true","aud":"https://api.example.com"}`, nil, validator.CodeUnavailable},
		{"active a number", `{"active":1,"aud":"https://api.example.com"}`, nil, validator.CodeUnavailable},
		{"no active", `{"aud":"https://api.example.com"}`, nil, validator.CodeUnavailable},
		{"active twice", `{"active":true,"active":false,"aud":"https://api.example.com"}`, nil, validator.CodeUnavailable},
		{"Active", `{"Active":true,"aud":"https://api.example.com"}`, nil, validator.CodeUnavailable},
		{"an array", `[{"active":true}]`, nil, validator.CodeUnavailable},
		{"HTML", `<html>`, nil, validator.CodeUnavailable},
		{"nothing", ``, nil, validator.CodeUnavailable},
		{"too large", `{"active":true,"x":"` + strings.Repeat("x", 128<<10) + `"}`, nil, validator.CodeUnavailable},
		{"plain, and signed is required", good, func(c *introspection.Config) { c.RequireSigned = true }, validator.CodeUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &server{answer: says("%s", tt.answer)}
			cfg := config(s)
			if tt.change != nil {
				tt.change(&cfg)
			}
			in := newIntrospector(t, cfg)
			for range 2 { // asked, and remembered
				_, err := in.Validate(t.Context(), "token")
				if got := validator.CodeOf(err); got != tt.code {
					t.Errorf("Validate() code = %q (%v), want %q", got, err, tt.code)
				}
				if unavailable := errors.Is(err, introspection.ErrUnavailable); unavailable != (tt.code == validator.CodeUnavailable) {
					t.Errorf("Validate() error = %v, is ErrUnavailable = %t", err, unavailable)
				}
			}
			if report := in.Explain(t.Context(), "token"); report.Code() != tt.code {
				t.Errorf("Explain() = %v, want %q", report, tt.code)
			}
		})
	}
}

// A token that can be none is rejected without a call.
func TestIntrospector_form(t *testing.T) {
	t.Parallel()
	s := &server{answer: says(good)}
	in := newIntrospector(t, config(s))
	for _, token := range []string{"", "=", "a b", "a\n", "é", "a%20", strings.Repeat("a", 16<<10+1)} {
		if _, err := in.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeMalformed || s.count() != 0 {
			t.Errorf("Validate(%.20q) error = %v and %d calls, want %q and none", token, err, s.count(), validator.CodeMalformed)
		}
	}
	if _, err := in.Validate(t.Context(), strings.Repeat("a", 16<<10)); err != nil {
		t.Errorf("Validate() of the longest token: %v", err)
	}
}

func TestIntrospector_ages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: says(good)}
		cfg := config(s)
		cfg.MaxAge, cfg.StaleFor = time.Minute, time.Hour
		in := newIntrospector(t, cfg)
		want := func(calls int, code validator.Code) {
			t.Helper()
			_, err := in.Validate(t.Context(), "token")
			if got := validator.CodeOf(err); got != code || s.count() != calls {
				t.Errorf("after %v: Validate() error = %v with %d calls, want %q with %d", time.Now(), err, s.count(), code, calls)
			}
		}
		want(1, "")
		time.Sleep(time.Minute - 1)
		want(1, "")
		time.Sleep(time.Nanosecond)
		want(2, "")
		s.set(fails(500))
		time.Sleep(time.Minute)
		want(3, "") // stale
		time.Sleep(time.Hour - 1)
		want(4, "")
		time.Sleep(time.Nanosecond)
		want(5, validator.CodeUnavailable)
		s.set(says(`{"active":false}`))
		want(6, validator.CodeRevoked)
		s.set(fails(500))
		time.Sleep(5 * time.Second)
		want(6, validator.CodeRevoked)
		time.Sleep(5 * time.Second)
		want(7, validator.CodeUnavailable) // what was revoked is not stale, but gone
	})
}

// While calls fail there are few, and the error says when to come again.
func TestIntrospector_outage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: says(good)}
		in := newIntrospector(t, config(s))
		if _, err := in.Validate(t.Context(), "known"); err != nil {
			t.Fatal(err)
		}
		s.set(fails(503))
		calls := s.count()
		for i := range 600 {
			_, err := in.Validate(t.Context(), fmt.Sprint("token", i))
			var after interface{ RetryAfter() time.Duration }
			if validator.CodeOf(err) != validator.CodeUnavailable || !errors.As(err, &after) || after.RetryAfter() < time.Second {
				t.Fatalf("Validate() error = %v, want one with Retry-After", err)
			}
			time.Sleep(time.Second)
		}
		if n := s.count() - calls; n > 50 {
			t.Errorf("an outage of 10 minutes: %d calls, want at most 50", n)
		}
		if state := in.Status(); state.State != jwks.Expired || state.LastError == nil {
			t.Errorf("Status() = %+v", state)
		}
		s.set(says(good))
		began := time.Now()
		for {
			if _, err := in.Validate(t.Context(), "new"); err == nil {
				break
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 31*time.Second {
			t.Errorf("the endpoint is back: served after %v, want at most 31s", took)
		}
		if state := in.Status(); state.State != jwks.Fresh || state.LastError != nil {
			t.Errorf("Status() = %+v", state)
		}
	})
}

func TestIntrospector_silent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: says(good), wait: time.Hour}
		in := newIntrospector(t, config(s))
		began := time.Now()
		if _, err := in.Validate(t.Context(), "token"); validator.CodeOf(err) != validator.CodeUnavailable || time.Since(began) != 5*time.Second {
			t.Errorf("Validate() error = %v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := in.Validate(ctx, "token")
		if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Validate() error = %v, want the context's", err)
		}
		synctest.Wait()
		time.Sleep(time.Hour)
	})
}

// Requests for one token share a call.
func TestIntrospector_together(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: says(good), wait: time.Second}
		in := newIntrospector(t, config(s))
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := in.Validate(t.Context(), "token"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if s.count() != 1 {
			t.Errorf("%d calls, want 1", s.count())
		}
	})
}

// A mistake in the Config is told at Error, once a minute.
func TestIntrospector_mistake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: fails(401)}
		var log strings.Builder
		cfg := config(s)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		in := newIntrospector(t, cfg)
		for i := range 120 {
			_, err := in.Validate(t.Context(), fmt.Sprint(i))
			if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, jwks.ErrConfig) {
				t.Fatalf("Validate() error = %v, want %q and ErrConfig", err, validator.CodeUnavailable)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait() // a record is written when the answer is known already
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
			t.Errorf("%d lines at Error in two minutes, want 2:\n%s", n, &log)
		}
		if strings.Contains(log.String(), "s3cret") {
			t.Errorf("the log has the secret:\n%s", &log)
		}
	})
}

// A check that panics lets nothing in, and ends nothing.
func TestIntrospector_panic(t *testing.T) {
	t.Parallel()
	cfg := config(&server{answer: says(good)})
	cfg.Checks = []validator.Check{func(context.Context, *validator.Claims) error { panic("the-token") }}
	in := newIntrospector(t, cfg)
	_, err := in.Validate(t.Context(), "token")
	if validator.CodeOf(err) != validator.CodeInternal || strings.Contains(err.Error(), "the-token") {
		t.Errorf("Validate() error = %v, want %q", err, validator.CodeInternal)
	}
	if report := in.Explain(t.Context(), "token"); report.Code() != validator.CodeInternal {
		t.Errorf("Explain() = %v, want %q", report, validator.CodeInternal)
	}
}
