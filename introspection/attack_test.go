package introspection_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/validator"
)

// A call that began before Forget is not joined by later requests, and its
// answer is not remembered.
func TestIntrospector_forgetInFlight(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{600 * time.Millisecond, 1100 * time.Millisecond} { // in flight, and after it
		synctest.Test(t, func(t *testing.T) {
			var revoked atomic.Bool
			var calls atomic.Int64
			cfg := config(&server{})
			cfg.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				calls.Add(1)
				answer := good
				if revoked.Load() {
					answer = `{"active":false}`
				}
				time.Sleep(time.Second) // on its way
				w := httptest.NewRecorder()
				_, _ = w.WriteString(answer)
				return w.Result(), nil
			})}
			in := newIntrospector(t, cfg)
			first := make(chan error, 1)
			go func() {
				_, err := in.Validate(t.Context(), "token")
				first <- err
			}()
			time.Sleep(500 * time.Millisecond)
			revoked.Store(true)
			in.Forget("token")
			time.Sleep(at - 500*time.Millisecond)
			for i := range 2 {
				if _, err := in.Validate(t.Context(), "token"); validator.CodeOf(err) != validator.CodeRevoked {
					t.Errorf("%v: Validate() %d after Forget: %v, want %q", at, i, err, validator.CodeRevoked)
				}
			}
			if err := <-first; err != nil || calls.Load() != 2 {
				t.Errorf("%v: Validate() before Forget: %v with %d calls, want none with 2", at, err, calls.Load())
			}
		})
	}
}

// A server, or a firewall before it, that rejects requests with certain tokens
// does not keep others from being asked about.
func TestIntrospector_poison(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 413} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{}
			s.set(func(_ *http.Request, form url.Values) (int, string) {
				if strings.HasPrefix(form.Get("token"), "../../etc/passwd") {
					return status, ""
				}
				return 200, good
			})
			var log strings.Builder
			cfg := config(s)
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			in := newIntrospector(t, cfg)
			for i := range 200 {
				for j := range 10 {
					_, err := in.Validate(t.Context(), fmt.Sprint("../../etc/passwd", i, ".", j))
					if validator.CodeOf(err) != validator.CodeUnavailable && i > 0 {
						t.Fatalf("%d: Validate(the poison) error = %v, want %q", status, err, validator.CodeUnavailable)
					}
				}
				if i > 0 && i%60 == 0 {
					time.Sleep(30 * time.Second) // the honest one comes seldom
				}
				if _, err := in.Validate(t.Context(), fmt.Sprint("honest", i)); err != nil && i > 0 {
					t.Fatalf("%d: Validate(an honest token) error = %v after %d with poison", status, err, 10*i)
				}
				time.Sleep(100 * time.Millisecond)
				if i == 0 {
					time.Sleep(2 * time.Minute) // what came before the first good answer
					if _, err := in.Validate(t.Context(), "first"); err != nil {
						t.Fatal(err)
					}
				}
			}
			synctest.Wait()
			if n := strings.Count(log.String(), "\n"); n > 12 {
				t.Errorf("%d: %d lines are logged, want few:\n%.2000s", status, n, &log)
			}
		})
	}
}

// Failures that alternate with successes fill no log.
func TestIntrospector_flapping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(func(_ *http.Request, form url.Values) (int, string) {
			if strings.HasPrefix(form.Get("token"), "bad") {
				return 500, ""
			}
			return 200, good
		})
		var log strings.Builder
		cfg := config(s)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		in := newIntrospector(t, cfg)
		for i := range 3000 { // five minutes
			_, _ = in.Validate(t.Context(), fmt.Sprint("bad", i))
			_, _ = in.Validate(t.Context(), fmt.Sprint("good", i))
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "\n"); n > 12 {
			t.Errorf("%d lines in five minutes, want 2 a minute at most", n)
		}
	})
}

// While the metadata can't be fetched, the endpoint that is known is asked.
func TestIntrospector_metadataSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int64
		silent := false
		var mu sync.Mutex
		s := &server{answer: says(good)}
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return s.RoundTrip(r)
			}
			fetches.Add(1)
			mu.Lock()
			hang := silent
			mu.Unlock()
			if hang {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			time.Sleep(100 * time.Millisecond)
			w := httptest.NewRecorder()
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"introspection_endpoint":%q}`, issuer, endpoint)
			return w.Result(), nil
		})}
		cfg := config(s)
		cfg.Endpoint, cfg.Client = "", client
		in := newIntrospector(t, cfg)

		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if _, err := in.Validate(t.Context(), fmt.Sprint("first", i)); err != nil {
					t.Errorf("Validate() error = %v", err)
				}
			})
		}
		wg.Wait()
		if n := fetches.Load(); n != 1 {
			t.Errorf("%d fetches of the metadata for 50 tokens at once, want 1", n)
		}

		mu.Lock()
		silent = true
		mu.Unlock()
		fetches.Store(0)
		time.Sleep(25 * time.Hour)
		for i := range 120 {
			if _, err := in.Validate(t.Context(), fmt.Sprint("token", i)); err != nil {
				t.Fatalf("Validate() while the metadata is silent: %v", err)
			}
			time.Sleep(time.Second)
		}
		if n := fetches.Load(); n > 2 {
			t.Errorf("%d fetches of silent metadata in two minutes, want 2 at most", n)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// One request that is given up ends nothing for the others.
func TestIntrospector_canceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{wait: time.Second, answer: says(good)}
		in := newIntrospector(t, config(s))
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := in.Validate(ctx, "token")
			first <- err
		}()
		synctest.Wait()
		second := make(chan error, 1)
		go func() {
			_, err := in.Validate(t.Context(), "token")
			second <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-first; validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("Validate() that is given up: %v, want %q and context.Canceled", err, validator.CodeUnavailable)
		}
		if err := <-second; err != nil || s.count() != 1 {
			t.Errorf("Validate() beside it: %v with %d calls, want none with 1", err, s.count())
		}
		if _, err := in.Validate(ctx, "token"); err != nil {
			t.Errorf("Validate() of a known token without time: %v, want none", err)
		}
	})
}

// The clock's steps keep nothing longer than it may be kept.
func TestIntrospector_clockSteps(t *testing.T) {
	t.Parallel()
	s := &server{answer: says(good)}
	now := time.Now()
	cfg := config(s)
	cfg.Now = func() time.Time { return now }
	in := newIntrospector(t, cfg)
	want := func(step string, code validator.Code) {
		t.Helper()
		if _, err := in.Validate(t.Context(), "token"); validator.CodeOf(err) != code {
			t.Errorf("%s: Validate() error = %v, want %q", step, err, code)
		}
	}
	want("first", "")
	s.set(says(`{"active":false}`))
	now = now.Add(-24 * time.Hour)
	want("a day back", validator.CodeRevoked)
	s.set(says(good))
	now = now.Add(48 * time.Hour)
	want("two days ahead", "")
	s.set(says(`{"active":false}`))
	now = now.Add(-time.Second)
	want("a second back", validator.CodeRevoked)
	s.set(says(good))
	now = now.Add(-time.Minute)
	want("a minute back, not active remembered for later", "")
}

// Two Introspectors know nothing of each other, whatever the token.
func TestIntrospector_separate(t *testing.T) {
	t.Parallel()
	a, b := &server{answer: says(good)}, &server{answer: says(`{"active":false}`)}
	inA, inB := newIntrospector(t, config(a)), newIntrospector(t, config(b))
	for range 2 {
		if _, err := inA.Validate(t.Context(), "token"); err != nil {
			t.Errorf("Validate() of the one: %v", err)
		}
		if _, err := inB.Validate(t.Context(), "token"); validator.CodeOf(err) != validator.CodeRevoked {
			t.Errorf("Validate() of the other: %v, want %q", err, validator.CodeRevoked)
		}
	}
}

// What a server sends is bounded, and what it asks to be kept is not sent back.
func TestIntrospector_hostileServer(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write([]byte(`{"active":true,"aud":"https://api.example.com","x":"`))
	_, _ = io.Copy(zip, io.LimitReader(zeros{}, 64<<20))
	_ = zip.Close()
	var cookies, other atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	t.Cleanup(elsewhere.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) > 0 {
			cookies.Add(1)
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x", Path: "/"})
		switch r.PostFormValue("token") {
		case "bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "endless":
			for range 10_000 {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<10)); err != nil {
					return
				}
			}
		case "header":
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		case "307", "308":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		default:
			_, _ = io.WriteString(w, good)
		}
	}))
	t.Cleanup(s.Close)
	cfg := config(&server{})
	cfg.Endpoint, cfg.Client = s.URL, nil
	in := newIntrospector(t, cfg)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, token := range []string{"bomb", "endless", "header", "307"} {
		if _, err := in.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeUnavailable {
			t.Errorf("Validate(%s) error = %v, want %q", token, err, validator.CodeUnavailable)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 && !racing.Enabled {
		t.Errorf("four hostile answers allocate %d bytes", took)
	}
	if _, err := in.Validate(t.Context(), "token"); err != nil || cookies.Load() > 0 || other.Load() > 0 {
		t.Errorf("Validate() error = %v, with %d cookies and %d requests elsewhere, want none", err, cookies.Load(), other.Load())
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// An Authentication can't change what is asked about, and its mistakes end no
// program.
func TestAuthentication_own(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]introspection.Authentication{
		"another token": func(_ context.Context, r *introspection.AuthRequest) error {
			r.Form.Set("token", "another")
			return nil
		},
		"another form": func(_ context.Context, r *introspection.AuthRequest) error {
			r.Form = url.Values{"client_id": {"x"}}
			return nil
		},
		"nothing": func(_ context.Context, r *introspection.AuthRequest) error {
			r.Form, r.Header = nil, nil
			return nil
		},
	} {
		s := &server{answer: says(good)}
		cfg := config(s)
		cfg.Auth = auth
		if _, err := newIntrospector(t, cfg).Validate(t.Context(), "token"); err != nil || len(s.asked[0]["token"]) != 1 || s.asked[0].Get("token") != "token" {
			t.Errorf("%s: Validate() error = %v, and %v is asked about", name, err, s.asked)
		}
	}

	synctest.Test(t, func(t *testing.T) {
		cfg := config(&server{answer: says(good)})
		cfg.Auth = func(ctx context.Context, _ *introspection.AuthRequest) error {
			<-ctx.Done() // a token endpoint that hangs
			return ctx.Err()
		}
		began := time.Now()
		_, err := newIntrospector(t, cfg).Validate(t.Context(), "token")
		if validator.CodeOf(err) != validator.CodeUnavailable || time.Since(began) != introspection.DefaultTimeout {
			t.Errorf("Validate() error = %v after %v, want %q after %v", err, time.Since(began), validator.CodeUnavailable, introspection.DefaultTimeout)
		}
		cfg.Auth = func(context.Context, *introspection.AuthRequest) error { panic("the-token") }
		if _, err := newIntrospector(t, cfg).Validate(t.Context(), "token"); validator.CodeOf(err) != validator.CodeUnavailable || strings.Contains(err.Error(), "the-token") {
			t.Errorf("Validate() error = %v, want %q", err, validator.CodeUnavailable)
		}
		synctest.Wait()
	})
}

// Answers that name what to change.
func TestIntrospector_advice(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		400: "Config.Auth", 401: "Config.Auth", 403: "Config.Auth", 404: "Config.Endpoint", 405: "Config.Endpoint", 302: "redirects are not followed",
	} {
		_, err := newIntrospector(t, config(&server{answer: fails(status)})).Validate(t.Context(), "token")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() with a %d: %v, want %q in it", status, err, want)
		}
	}
}

// A firewall's 403 says nothing about a token.
func TestIntrospector_userInfoForbidden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		challenge string
		want      validator.Code
	}{{"", validator.CodeUnavailable}, {`Bearer error="insufficient_scope"`, validator.CodeRevoked}} {
		s := &server{answer: fails(403)}
		if tt.challenge != "" {
			s.header = http.Header{"Www-Authenticate": {tt.challenge}}
		}
		cfg := introspection.Config{
			Issuer: issuer, Endpoint: endpoint, InsecureUserInfo: true, Client: &http.Client{Transport: s}, Logger: slog.New(slog.DiscardHandler),
		}
		if _, err := newIntrospector(t, cfg).Validate(t.Context(), "token"); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate() with a 403 and the challenge %q: %v, want %q", tt.challenge, err, tt.want)
		}
	}
}

// A userinfo response without a user is none, whatever its status is, and keeps
// no other token from being asked about.
func TestIntrospector_userInfoOfNoUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(func(r *http.Request, _ url.Values) (int, string) {
			switch token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
			case strings.HasPrefix(token, "good"):
				return 200, `{"sub":"auth0|1"}`
			case strings.HasPrefix(token, "empty"):
				return 200, `{}`
			case strings.HasPrefix(token, "number"):
				return 200, `{"sub":1}`
			case strings.HasPrefix(token, "blank"):
				return 200, `{"sub":"","email":"anna@example.com"}`
			}
			return 200, `{"error":"invalid_token"}`
		})
		in := newIntrospector(t, introspection.Config{
			Issuer: issuer, Endpoint: endpoint, InsecureUserInfo: true, Client: &http.Client{Transport: s}, Logger: slog.New(slog.DiscardHandler),
		})
		for i := range 20 {
			if claims, err := in.Validate(t.Context(), fmt.Sprint("good", i)); err != nil || claims.Subject != "auth0|1" {
				t.Errorf("%d: Validate(a good token) = %v, %v", i, claims, err)
			}
			for j, token := range []string{"empty", "number", "blank", "error", "empty", "number", "blank", "error"} {
				claims, err := in.Validate(t.Context(), fmt.Sprint(token, i, "-", j))
				if validator.CodeOf(err) != validator.CodeUnavailable {
					t.Errorf("%d: Validate(%s) = %v, %v, want %q", i, token, claims, err, validator.CodeUnavailable)
				}
				if want := "GET " + endpoint + ": not a userinfo response: sub is "; err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%d: Validate(%s) error = %v, want %q in it", i, token, err, want)
				}
			}
		}
	})
}

// What is remembered takes no more memory than the Config says, whatever the
// answers are.
func TestIntrospector_room(t *testing.T) {
	if racing.Enabled {
		t.Skip("the heap is not the library's alone")
	}
	for name, member := range map[string]string{
		"short":         `"x":1`,
		"long":          `"x":"` + strings.Repeat("x", 100<<10) + `"`,
		"scopes":        `"scope":"` + strings.Repeat("a ", 50<<10) + `"`,
		"permissions":   `"permissions":["a"` + strings.Repeat(`,"a"`, 25<<10) + `]`,
		"escapes":       `"sub":"` + strings.Repeat(`\t`, 50<<10) + `"`,
		"long audience": `"client_id":"x"`,
	} {
		s := &server{answer: says(`{"active":true,"aud":"https://api.example.com",%s}`, member)}
		cfg := config(s)
		cfg.MaxRate = -1
		in := newIntrospector(t, cfg)
		before := heap()
		n := 10_000
		if len(member) > 1000 {
			n = 400
		}
		for i := range n {
			if _, err := in.Validate(t.Context(), fmt.Sprint("token", i)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		s.mu.Lock()
		s.asked, s.paths = nil, nil
		s.mu.Unlock()
		took := heap() - before
		t.Logf("%s: %d KiB for %d tokens", name, took>>10, n)
		if took > 9<<20 {
			t.Errorf("%s: %d bytes are kept, want 8 MiB at most", name, took)
		}
		runtime.KeepAlive(in)
	}
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
