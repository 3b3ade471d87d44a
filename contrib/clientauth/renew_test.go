package clientauth_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An hour of traffic with tokens of five minutes from an issuer that takes a
// second: none of our callers waits but for the first token. A caller of
// x/oauth2 waits at each renewal, in the same run. It is alone, because that
// source holds a mutex during a request, for which a bubble's clock stands
// still.
func TestSource_hour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: 5 * time.Minute}))
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Endpoint: mockissuer.EndpointToken, Delay: time.Second})
		standard := (&clientcredentials.Config{
			ClientID: "demo-client", ClientSecret: secret, TokenURL: issuerURL + "oauth/token", AuthStyle: oauth2.AuthStyleInParams,
			EndpointParams: url.Values{"audience": {audience}},
		}).TokenSource(context.WithValue(t.Context(), oauth2.HTTPClient, iss.Client()))
		for _, tt := range []struct {
			name    string
			source  oauth2.TokenSource
			callers int
			waits   bool
		}{
			{"clientauth", newSource(t, config(iss), clientauth.Request{Audience: audience}), 20, false},
			{"x/oauth2", standard, 1, true},
		} {
			before := iss.Count(mockissuer.EndpointToken)
			var waited, calls, ended atomic.Int64
			var group sync.WaitGroup
			if _, err := tt.source.Token(); err != nil {
				t.Fatal(err)
			}
			stop := time.Now().Add(time.Hour)
			for range tt.callers {
				group.Go(func() {
					for ; time.Now().Before(stop); time.Sleep(500 * time.Millisecond) {
						began := time.Now()
						token, err := tt.source.Token()
						switch {
						case err != nil:
							t.Errorf("%s: Token() = %v", tt.name, err)
						case time.Since(began) > 0:
							waited.Add(1)
						case !time.Now().Before(token.Expiry):
							ended.Add(1)
						}
						calls.Add(1)
					}
				})
			}
			group.Wait()
			requests := iss.Count(mockissuer.EndpointToken) - before
			t.Logf("%s: an hour, %d calls: %d requests to the issuer, %d callers waited", tt.name, calls.Load(), requests, waited.Load())
			if (waited.Load() > 0) != tt.waits || ended.Load() > 0 {
				t.Errorf("%s: %d of %d callers waited and %d got a token that had ended, want waiting callers: %t", tt.name,
					waited.Load(), calls.Load(), ended.Load(), tt.waits)
			}
			if requests < 12 || requests > 18 {
				t.Errorf("%s: %d requests in an hour of tokens of 5 minutes, want 12 to 18", tt.name, requests)
			}
		}
	})
}

// Processes that start together don't renew together.
func TestSource_spread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: time.Hour}))
		var sources []*clientauth.Source
		for range 200 {
			s := newSource(t, config(iss), clientauth.Request{Audience: audience})
			mustToken(t, s)
			sources = append(sources, s)
		}
		most, before := 0, iss.Count(mockissuer.EndpointToken)
		for range 60 {
			time.Sleep(time.Minute)
			for _, s := range sources {
				mustToken(t, s)
			}
			synctest.Wait()
			now := iss.Count(mockissuer.EndpointToken)
			most, before = max(most, now-before), now
		}
		if most > 80 { // all in 6 minutes: 33 each
			t.Errorf("%d of 200 processes renew in one minute, want about 33", most)
		}
	})
}

// In an outage the token is used while it lives, and the issuer is asked less
// and less often. When it is back, so are the tokens.
func TestSource_outage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: 10 * time.Minute}))
		cfg := config(iss)
		logger, log := logTo()
		cfg.Logger = logger
		client, err := clientauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := client.Source(clientauth.Request{Audience: audience})
		if err != nil {
			t.Fatal(err)
		}
		other, err := client.Source(clientauth.Request{Audience: audience, Organization: "demo"})
		if err != nil {
			t.Fatal(err)
		}
		old := mustToken(t, s)
		iss.SetDown(true)
		before := iss.Count(mockissuer.EndpointToken)
		start := time.Now()
		for time.Since(start) < 9*time.Minute+45*time.Second {
			if token, err := s.Token(); err != nil || token.AccessToken != old.AccessToken {
				t.Fatalf("Token() %v into the outage = %v, want the old one", time.Since(start), err)
			}
			_, err := other.Token()
			if codeOf(t, err) != clientauth.CodeUnavailable || validator.CodeOf(err) != validator.CodeUnavailable {
				t.Fatalf("Token() without an old one = %v, want code %q", err, clientauth.CodeUnavailable)
			}
			time.Sleep(100 * time.Millisecond)
		}
		asked := iss.Count(mockissuer.EndpointToken) - before
		if asked < 15 || asked > 60 { // 30 s apart, most of the time
			t.Errorf("%d requests in an outage of 10 minutes, want 20 to 50", asked)
		}
		time.Sleep(30 * time.Second)
		if _, err := s.Token(); codeOf(t, err) != clientauth.CodeUnavailable {
			t.Errorf("Token() when the old one has ended = %v, want code %q", err, clientauth.CodeUnavailable)
		}
		iss.SetDown(false)
		time.Sleep(31 * time.Second)
		mustToken(t, s)
		synctest.Wait()
		if text := log.String(); strings.Count(text, "no new token") != 1 || strings.Count(text, "answers again") != 1 {
			t.Errorf("the log of an outage is %s, want one record when it begins and one when it ends", text)
		}
	})
}

// Retry-After is heeded, up to 5 minutes.
func TestSource_retryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field       string
		least, most time.Duration
	}{
		{"90", 90 * time.Second, 100 * time.Second},
		{"86400", 5 * time.Minute, 331 * time.Second},
		{"", 0, 250 * time.Millisecond},
		{"-1", 0, 250 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer(t, nil)
			iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: 429, RetryAfter: tt.field, Endpoint: mockissuer.EndpointToken, Times: 1})
			s := newSource(t, config(iss), clientauth.Request{Audience: audience})
			start := time.Now()
			_, err := s.Token()
			e, ok := err.(interface{ RetryAfter() time.Duration })
			if !ok || e.RetryAfter() < tt.least || e.RetryAfter() > tt.most {
				t.Fatalf("Retry-After %q: Token() = %v, want one that waits", tt.field, err)
			}
			for err != nil {
				time.Sleep(10 * time.Millisecond)
				_, err = s.Token()
			}
			if took := time.Since(start); took < tt.least || took > tt.most+20*time.Millisecond {
				t.Errorf("Retry-After %q: the next request came after %v, want %v to %v", tt.field, took, tt.least, tt.most)
			}
		})
	}
}

// A client whose secret is wrong asks less and less often, and the tokens of
// its other requests are not kept from it.
func TestSource_rejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		client, err := clientauth.New(config(iss))
		if err != nil {
			t.Fatal(err)
		}
		wrong, err := client.Source(clientauth.Request{Audience: "https://unknown.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		right, err := client.Source(clientauth.Request{Audience: audience})
		if err != nil {
			t.Fatal(err)
		}
		for range 600 {
			if _, err := wrong.Token(); codeOf(t, err) != clientauth.CodeRejected {
				t.Fatalf("Token() = %v, want code %q", err, clientauth.CodeRejected)
			}
			mustToken(t, right)
			time.Sleep(time.Second)
		}
		if got := iss.Count(mockissuer.EndpointToken); got < 15 || got > 60 {
			t.Errorf("%d requests in 10 minutes, want 25 to 50", got)
		}
	})
}

// A clock that steps makes no token live longer than it does.
func TestSource_clockSteps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		step time.Duration
		want int // requests after the step
	}{
		{"not at all", 0, 1},
		{"ahead within the life", 20 * time.Minute, 1},
		{"ahead beyond the end", 2 * time.Hour, 2},
		{"back a little", -5 * time.Second, 1},
		{"back a day", -24 * time.Hour, 2},
		{"ahead by 100 years", 100 * 365 * 24 * time.Hour, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			var step atomic.Int64
			l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(3600) }}
			cfg := l.config()
			cfg.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(step.Load())) }
			s := newSource(t, cfg, clientauth.Request{})
			mustToken(t, s)
			step.Store(int64(tt.step))
			for range 10 {
				mustToken(t, s)
			}
			synctest.Wait()
			if got := l.count(); got != tt.want {
				t.Errorf("a step %s: %d requests, want %d", tt.name, got, tt.want)
			}
		})
	}
}

// A pause ends if the clock is set back while it lasts.
func TestSource_clockBackInOutage(t *testing.T) {
	t.Parallel()
	now := time.Now().Round(0)
	l := &liar{answer: func(n int, _ *http.Request) (int, string, string) {
		if n == 1 {
			return 503, "text/plain", ""
		}
		return 200, "application/json", good(3600)
	}}
	cfg := l.config()
	cfg.Now = func() time.Time { return now }
	s := newSource(t, cfg, clientauth.Request{})
	if _, err := s.Token(); codeOf(t, err) != clientauth.CodeUnavailable {
		t.Fatalf("Token() = %v, want code %q", err, clientauth.CodeUnavailable)
	}
	now = now.Add(-time.Hour)
	mustToken(t, s)
}

// A token that ends at once is not asked for in a loop.
func TestSource_shortLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(1) }}
		s := newSource(t, l.config(), clientauth.Request{})
		for range 100_000 {
			mustToken(t, s)
			time.Sleep(time.Millisecond)
		}
		if got := l.count(); got > 160 {
			t.Errorf("%d requests in 100 seconds for tokens of a second, want at most 160", got)
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	good := clientauth.Config{Issuer: "https://sso.example.com", ClientID: "a", Auth: clientauth.ClientSecretPost("b")}
	for _, tt := range []struct {
		name   string
		change func(*clientauth.Config)
		want   string
	}{
		{"good", func(*clientauth.Config) {}, ""},
		{"by URL", func(c *clientauth.Config) { c.Issuer, c.TokenURL = "", "https://sso.example.com/token" }, ""},
		{"a name that is no URL, with the endpoint", func(c *clientauth.Config) { c.Issuer, c.TokenURL = "accounts", "https://sso.example.com/token" }, ""},
		{"on loopback", func(c *clientauth.Config) { c.Issuer = "http://127.0.0.1:8080" }, ""},
		{"in clear text", func(c *clientauth.Config) { c.Issuer = "http://sso.example.com" }, "Issuer"},
		{"in clear text, on purpose", func(c *clientauth.Config) { c.Issuer, c.InsecureHTTP = "http://sso.example.com", true }, ""},
		{"credentials in the URL", func(c *clientauth.Config) { c.TokenURL = "https://a:hunter2@sso.example.com" }, "TokenURL"},
		{"no issuer", func(c *clientauth.Config) { c.Issuer = "" }, "Issuer"},
		{"no name", func(c *clientauth.Config) { c.ClientID = "" }, "ClientID"},
		{"no authentication", func(c *clientauth.Config) { c.Auth = nil }, "Auth"},
		{"a key that nothing made", func(c *clientauth.Config) { c.Key = new(clientauth.Key) }, "Key"},
		{"a nil Validator", func(c *clientauth.Config) { c.Validator = (*validator.Validator)(nil) }, "Validator"},
		{"negative times", func(c *clientauth.Config) { c.Timeout = -1 }, "Timeout"},
		{"a negative cache", func(c *clientauth.Config) { c.CacheSize = -1 }, "CacheSize"},
		{"huge tokens", func(c *clientauth.Config) { c.MaxTokenSize = 1 << 20 }, "MaxTokenSize"},
	} {
		cfg := good
		tt.change(&cfg)
		_, err := clientauth.New(cfg)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), "Config."+tt.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: New() = %v, want a fault of %q", tt.name, err, tt.want)
		}
	}
	client, err := clientauth.New(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		request clientauth.Request
		ok      bool
	}{
		{"empty", clientauth.Request{}, true},
		{"a scope", clientauth.Request{Scopes: []string{"orders:read"}}, true},
		{"two scopes in one", clientauth.Request{Scopes: []string{"orders:read orders:write"}}, false},
		{"a resource", clientauth.Request{Resource: "urn:orders"}, true},
		{"a resource with a fragment", clientauth.Request{Resource: "https://orders#x"}, false},
		{"a relative resource", clientauth.Request{Resource: "orders"}, false},
		{"a parameter", clientauth.Request{Params: url.Values{"connection": {"a"}}}, true},
		{"another grant", clientauth.Request{Params: url.Values{"grant_type": {"password"}}}, false},
	} {
		if _, err := client.Source(tt.request); (err == nil) != tt.ok {
			t.Errorf("Source(%s) = %v, want none: %t", tt.name, err, tt.ok)
		}
	}
	for name, call := range map[string]func() error{
		"Client.Source": func() error { _, err := new(clientauth.Client).Source(clientauth.Request{}); return err },
		"Source.Token":  func() error { _, err := new(clientauth.Source).Token(); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("%s of the zero value = nil, want an error", name)
		}
	}
}

// Whatever prints a Config, a Client or a Source shows no secret and no token.
func TestShow(t *testing.T) {
	t.Parallel()
	l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(60) }}
	cfg := l.config()
	cfg.Key = newKey(t, nil)
	cfg.Auth = clientauth.ClientSecretPost("hunter2")
	client, err := clientauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Key = nil
	s := newSource(t, cfg, clientauth.Request{Audience: audience})
	mustToken(t, s)
	logger, log := logTo()
	for _, v := range []any{cfg, &cfg, client, *client, s, *s, *newKey(t, nil)} {
		logger.Info("x", slog.Any("v", v))
		for _, format := range []string{"%v", "%+v", "%#v", "%x", "%s"} {
			if got := printed(format, v); strings.Contains(got, "hunter2") || strings.Contains(got, "opaque") || !strings.HasPrefix(got, "clientauth.") {
				t.Errorf("Sprintf(%q, %T) = %s", format, v, got)
			}
		}
	}
	if got := log.String(); strings.Contains(got, "hunter2") || strings.Contains(got, "opaque") {
		t.Errorf("a log shows %s", got)
	}
}
