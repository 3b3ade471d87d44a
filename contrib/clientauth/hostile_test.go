package clientauth_test

import (
	"context"
	"errors"
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

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/validator"
)

// A function of the caller's that ends its goroutine takes no slot for ever,
// and keeps no caller waiting.
func TestSource_goexit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*clientauth.Config){
		"a client": func(c *clientauth.Config) {
			c.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil })}
		},
		"an Authentication": func(c *clientauth.Config) {
			c.Auth = func(context.Context, *clientauth.AuthRequest) error { runtime.Goexit(); return nil }
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := (&liar{}).config()
			change(&cfg)
			s := newSource(t, cfg, clientauth.Request{})
			for range 100 { // there are 32 slots
				start := time.Now()
				_, err := s.Token()
				if codeOf(t, err) != clientauth.CodeConfig || time.Since(start) > 0 {
					t.Fatalf("%s: Token() = %v after %v, want code %q at once", name, err, time.Since(start), clientauth.CodeConfig)
				}
				time.Sleep(time.Minute)
			}
		})
	}
}

type panickingLog struct{ slog.Handler }

func (panickingLog) Enabled(context.Context, slog.Level) bool { panic(secret) }

// A log or a clock that panics ends no goroutine of the Client, and no program.
func TestSource_panicsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &liar{answer: func(n int, _ *http.Request) (int, string, string) {
			if n%2 == 1 {
				return 503, "text/plain", ""
			}
			return 200, "application/json", good(60)
		}}
		cfg := l.config()
		cfg.Logger = slog.New(panickingLog{})
		m := &memory{hook: func(context.Context, string) error { return errors.New("down") }}
		cfg.Store, cfg.StoreKeys = m, [][]byte{storeKey}
		s := newSource(t, cfg, clientauth.Request{})
		if _, err := s.Token(); codeOf(t, err) != clientauth.CodeUnavailable {
			t.Errorf("Token() = %v, want code %q", err, clientauth.CodeUnavailable)
		}
		time.Sleep(time.Minute)
		mustToken(t, s)
	})
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		l := &liar{answer: func(int, *http.Request) (int, string, string) {
			broken.Store(true)
			return 200, "application/json", good(60)
		}}
		cfg := l.config()
		cfg.Now = func() time.Time {
			if broken.Load() {
				panic(secret)
			}
			return time.Now()
		}
		s := newSource(t, cfg, clientauth.Request{})
		if _, err := s.Token(); codeOf(t, err) != clientauth.CodeConfig {
			t.Errorf("Token() with a clock that panics = %v, want code %q", err, clientauth.CodeConfig)
		}
		broken.Store(false)
		l.mu.Lock()
		l.answer = func(int, *http.Request) (int, string, string) { return 200, "application/json", good(60) }
		l.mu.Unlock()
		time.Sleep(time.Minute)
		mustToken(t, s)
	})
}

// Whatever form of a secret comes back from the issuer or from the way there,
// it is in no text.
func TestSource_echoes(t *testing.T) {
	t.Parallel()
	const odd = `p%:+ "ü/&`
	for _, tt := range []struct {
		name string
		auth clientauth.Authentication
	}{
		{"post", clientauth.ClientSecretPost(odd)},
		{"basic", clientauth.ClientSecretBasic(odd)},
	} {
		for _, json := range []bool{false, true} {
			for _, fails := range []bool{false, true} {
				cfg := (&liar{}).config()
				cfg.Auth, cfg.JSON = tt.auth, json
				cfg.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					// As a server's or a proxy's message has it.
					said := strings.ReplaceAll(strings.ReplaceAll(string(body), `\`, `\\`), `"`, `\"`) + " " + r.Header.Get("Authorization")
					if fails {
						return nil, errors.New("no route for " + string(body) + " " + r.Header.Get("Authorization"))
					}
					w := httptest.NewRecorder()
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(400)
					_, _ = w.WriteString(`{"error":"invalid_request","error_description":"` + said + `"}`)
					return w.Result(), nil
				})}
				_, err := newSource(t, cfg, clientauth.Request{}).Token()
				if err == nil {
					t.Fatal("Token() error = nil, want one")
				}
				for _, form := range []string{odd, url.QueryEscape(odd), `p%:+ \"ü/&`, `p%:+ \"ü/\u0026`, strings.TrimPrefix(basicOf(t, odd), "Basic ")} {
					if text := printed("%v", err) + printed("%+v", err) + printed("%q", err); strings.Contains(text, form) {
						t.Errorf("%s, JSON %t, fails %t: the error has the secret in the form %s: %s", tt.name, json, fails, form, text)
					}
				}
			}
		}
	}
}

func basicOf(t *testing.T, secret string) string {
	t.Helper()
	r := &clientauth.AuthRequest{ClientID: "demo-client", Header: http.Header{}, Form: url.Values{}}
	if err := clientauth.ClientSecretBasic(secret)(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r.Header.Get("Authorization")
}

// What goes into a request stays in its parameter.
func TestSource_injection(t *testing.T) {
	t.Parallel()
	const evil = "x\r\nX-Evil: 1&grant_type=password&client_id=admin\x00"
	for _, json := range []bool{false, true} {
		var got *http.Request
		var body string
		l := &liar{answer: func(_ int, r *http.Request) (int, string, string) {
			raw, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got, body = r, string(raw)
			return 200, "application/json", good(60)
		}}
		cfg := l.config()
		cfg.JSON = json
		mustToken(t, newSource(t, cfg, clientauth.Request{Audience: evil, Organization: evil, Params: url.Values{"x\r\n&y": {evil}}}))
		if len(got.Header["X-Evil"]) > 0 || strings.ContainsAny(body, "\r\n\x00") || strings.Contains(body, "&grant_type=password") {
			t.Errorf("JSON %t: sent %q with %v, want each value in its parameter", json, body, got.Header)
		}
		client, err := clientauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Source(clientauth.Request{Scopes: []string{evil}}); err == nil {
			t.Error("Source() with a scope of several lines: error = nil")
		}
	}
}

// An API that answers 401 and then nothing more keeps no caller waiting, and
// gets no more than the token and the one that was renewed.
func TestTransport_slow401(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(3600) }}
		l.answer = func(n int, _ *http.Request) (int, string, string) {
			return 200, "application/json", strings.Replace(good(3600), "opaque", "opaque"+strings.Repeat("x", n), 1)
		}
		never := make(chan struct{})
		var open atomic.Int64
		transport, err := clientauth.NewTransport(newSource(t, l.config(), clientauth.Request{}), clientauth.TransportConfig{
			Hosts: []string{"api.example.com"},
			Base: roundTripper(func(r *http.Request) (*http.Response, error) {
				calls++
				open.Add(1)
				return &http.Response{
					StatusCode: 401, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}, Request: r,
					ContentLength: -1, Body: &dripping{never: never, open: &open},
				}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			res, err := transport.RoundTrip(req)
			if err != nil {
				t.Errorf("RoundTrip() error = %v", err)
				return
			}
			_ = res.Body.Close()
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Error("RoundTrip() waits for the body of a response that nobody reads")
		}
		close(never)
		<-done
		if calls != 2 || time.Since(start) > time.Second || open.Load() != 0 {
			t.Errorf("%d calls in %v, %d bodies open, want 2 at once and none", calls, time.Since(start), open.Load())
		}
	})
}

// A dripping body sends nothing until it is closed.
type dripping struct {
	never chan struct{}
	open  *atomic.Int64
}

func (d *dripping) Read([]byte) (int, error) { <-d.never; return 0, io.EOF }
func (d *dripping) Close() error             { d.open.Add(-1); return nil }

// A body that was made for a request that is not repeated is closed. A request
// is not repeated with the token that was rejected.
func TestTransport_bodies(t *testing.T) {
	t.Parallel()
	sent := 0
	l := &liar{answer: func(n int, _ *http.Request) (int, string, string) { return 200, "application/json", good(3600) }}
	transport, err := clientauth.NewTransport(newSource(t, l.config(), clientauth.Request{}), clientauth.TransportConfig{
		Hosts: []string{"api.example.com"},
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			sent++
			return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}, Request: r, Body: http.NoBody}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	var open atomic.Int64
	body := func() (io.ReadCloser, error) {
		open.Add(1)
		return &dripping{open: &open}, nil
	}
	for range 3 { // the later ones within ten seconds of a renewal
		first, _ := body()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/", first)
		if err != nil {
			t.Fatal(err)
		}
		req.GetBody = body
		res, err := transport.RoundTrip(req)
		if err != nil || res.StatusCode != 401 || open.Load() != 0 {
			t.Errorf("RoundTrip() = %v, %v, and %d bodies are open, want 401 and none", res, err, open.Load())
		}
		if res != nil {
			_ = res.Body.Close()
		}
	}
	if sent != 3 {
		t.Errorf("3 requests were sent %d times, want 3, since the issuer has no other token", sent)
	}
}

// A token that an API has rejected is renewed once in ten seconds, however many
// ask for it, and an older one brings the one that is kept.
func TestSource_Renew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		same := false
		l := &liar{answer: func(n int, _ *http.Request) (int, string, string) {
			if same {
				n = 1
			}
			time.Sleep(time.Second)
			return 200, "application/json", strings.Replace(good(3600), "opaque", "opaque"+strings.Repeat("x", n), 1)
		}}
		s := newSource(t, l.config(), clientauth.Request{})
		first := mustToken(t, s)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if token, err := s.Renew(t.Context(), first); err != nil || token.AccessToken == first.AccessToken {
					t.Errorf("Renew() = %v, %v, want another token", token, err)
				}
			})
		}
		group.Wait()
		second := mustToken(t, s)
		if token, err := s.Renew(t.Context(), first); err != nil || token.AccessToken != second.AccessToken || l.count() != 2 {
			t.Errorf("Renew(an older one) error = %v after %d requests, want the one that is kept, after 2", err, l.count())
		}
		if _, err := s.Renew(t.Context(), second); codeOf(t, err) != clientauth.CodeToken || l.count() != 2 {
			t.Errorf("Renew() within 10s = %v after %d requests, want code %q after 2", err, l.count(), clientauth.CodeToken)
		}
		time.Sleep(10 * time.Second)
		third, err := s.Renew(t.Context(), second)
		if err != nil || l.count() != 3 {
			t.Fatalf("Renew() after 10s = %v after %d requests, want another token, after 3", err, l.count())
		}
		same = true
		time.Sleep(10 * time.Second)
		if token, err := s.Renew(t.Context(), third); err != nil || token.AccessToken != first.AccessToken {
			t.Errorf("Renew() = %v, want what the issuer returns", err)
		}
		time.Sleep(10 * time.Second)
		if _, err := s.Renew(t.Context(), first); codeOf(t, err) != clientauth.CodeToken {
			t.Errorf("Renew() with an issuer that returns the same token = %v, want code %q", err, clientauth.CodeToken)
		}
		if _, err := s.Renew(t.Context(), nil); err == nil {
			t.Error("Renew(nil) error = nil, want one")
		}
	})
}

// Of an answer without end, no more is read than an answer may have.
func TestSource_endless(t *testing.T) {
	t.Parallel()
	body := &endless{left: 32 << 20}
	cfg := (&liar{}).config()
	cfg.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: r}, nil
	})}
	_, err := newSource(t, cfg, clientauth.Request{}).Token()
	if got := codeOf(t, err); got != clientauth.CodeAnswer || body.read > 256<<10 || !body.closed {
		t.Errorf("Token() = %v, code %q after %d bytes, closed: %t, want %q after 128 KiB", err, got, body.read, body.closed, clientauth.CodeAnswer)
	}
}

// An endless body has more than is to be read.
type endless struct {
	left, read int
	closed     bool
}

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.left)
	if n == 0 {
		return 0, io.EOF
	}
	for i := range p[:n] {
		p[i] = ' '
	}
	e.left, e.read = e.left-n, e.read+n
	return n, nil
}

func (e *endless) Close() error { e.closed = true; return nil }

// A token or a secret that the issuer sends back in another member gets into no
// text, and into no challenge.
func TestSource_echoesElsewhere(t *testing.T) {
	t.Parallel()
	var token = "the-new-token-" + strings.Repeat("0123456789", 30)
	for _, tt := range []struct {
		name   string
		status int
		kind   string
		body   string
	}{
		{"the token as its type", 200, "application/json", `{"access_token":"` + token + `","token_type":"` + token + `"}`},
		{"the token as its life", 200, "application/json", `{"access_token":"` + token + `","token_type":"Bearer","expires_in":"` + token + `"}`},
		{"the token as a name, twice", 200, "application/json", `{"access_token":"` + token + `","` + token + `":1,"` + token + `":2}`},
		{"the secret as its type", 200, "application/json", `{"access_token":"a","token_type":"` + secret + `"}`},
		{"the secret as its life", 200, "application/json", `{"access_token":"a","token_type":"Bearer","expires_in":"` + secret + `"}`},
		{"the secret as a name, twice", 200, "application/json", `{"` + secret + `":1,"` + secret + `":2}`},
		{"the secret as a media type", 200, "text/" + secret, ``},
		{"the secret as a nested name", 200, "application/json", `{"a":{"` + secret + `":1,"` + secret + `":2}}`},
		{"the secret as an error", 400, "application/json", `{"error":"` + secret + `"}`},
		{"the secret as a level", 400, "application/json", `{"error":"insufficient_user_authentication","acr_values":"` + secret + `"}`},
	} {
		l := &liar{answer: func(int, *http.Request) (int, string, string) { return tt.status, tt.kind, tt.body }}
		logger, log := logTo()
		cfg := l.config()
		cfg.Logger = logger
		_, err := newSource(t, cfg, clientauth.Request{}).Token()
		var e *clientauth.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: Token() = %v, want a *clientauth.Error", tt.name, err)
		}
		var own *validator.Error
		_ = errors.As(err, &own)
		all := printed("%v", err) + printed("%+v", e) + printed("%v", e.ACRValues) + printed("%v", own) + printed("%v", own.ACRValues) + log.String()
		for _, s := range []string{secret, token[:20]} {
			if strings.Contains(all, s) {
				t.Errorf("%s: %q is in a text: %s", tt.name, s, all)
			}
		}
	}
}

// An API that is slow to reject every token gets two requests. That the issuer
// may be asked again after ten seconds does not make it more.
func TestTransport_slowRejections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &liar{answer: func(n int, _ *http.Request) (int, string, string) {
			return 200, "application/json", strings.Replace(good(3600), "opaque", "opaque"+strings.Repeat("x", n), 1)
		}}
		requests := 0
		transport, err := clientauth.NewTransport(newSource(t, l.config(), clientauth.Request{}), clientauth.TransportConfig{
			Hosts: []string{"api.example.com"},
			Base: roundTripper(func(r *http.Request) (*http.Response, error) {
				requests++
				time.Sleep(11 * time.Second)
				status := 401
				if requests > 5 {
					status = 200 // so that this ends
				}
				return &http.Response{StatusCode: status, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}, Body: http.NoBody, Request: r}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if status := call(t, transport, http.MethodGet, "https://api.example.com/", nil); status != 401 || requests != 2 || l.count() != 2 {
			t.Errorf("status %d after %d requests and %d for tokens, want 401 after 2 and 2", status, requests, l.count())
		}
	})
}

// An Authentication can add parameters, and changes none of the grant.
func TestSource_authentication(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(url.Values){
		"replaces": func(form url.Values) {
			form.Set("audience", "https://evil.example")
			form.Set("grant_type", "password")
		},
		"removes": func(form url.Values) { clear(form) },
		"adds":    func(form url.Values) { form["audience"] = append(form["audience"], "https://evil.example") },
	} {
		var got url.Values
		l := &liar{answer: func(_ int, r *http.Request) (int, string, string) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			got = r.PostForm
			return 200, "application/json", good(3600)
		}}
		cfg := l.config()
		cfg.Auth = func(_ context.Context, r *clientauth.AuthRequest) error {
			change(r.Form)
			r.Form.Set("client_secret", secret)
			return nil
		}
		s := newSource(t, cfg, clientauth.Request{Audience: audience})
		for range 2 {
			mustToken(t, s)
		}
		if got["audience"][0] != audience || len(got["audience"]) != 1 || got.Get("grant_type") != "client_credentials" || got.Get("client_secret") != secret {
			t.Errorf("%s: sent %v, want the audience and the grant of the request", name, got)
		}
	}
}
