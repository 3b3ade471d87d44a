package clientauth_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A value that is not what a process with the keys has stored for this very
// request is not used, and the process gets a token from the issuer.
func TestStore_attacks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(name string, data []byte, others [][]byte) []byte
		shared bool
	}{
		{"as it was", func(_ string, data []byte, _ [][]byte) []byte { return data }, true},
		{"a bit of the token", func(_ string, data []byte, _ [][]byte) []byte { data[len(data)/2] ^= 1; return data }, false},
		{"the last bit", func(_ string, data []byte, _ [][]byte) []byte { data[len(data)-1] ^= 1; return data }, false},
		{"a bit of the nonce", func(_ string, data []byte, _ [][]byte) []byte { data[1] ^= 1; return data }, false},
		{"another version", func(_ string, data []byte, _ [][]byte) []byte { data[0]++; return data }, false},
		{"of another organization", func(_ string, _ []byte, others [][]byte) []byte { return others[0] }, false},
		{"without the last byte", func(_ string, data []byte, _ [][]byte) []byte { return data[:len(data)-1] }, false},
		{"with another byte", func(_ string, data []byte, _ [][]byte) []byte { return append(data, 0) }, false},
		{"the version alone", func(_ string, data []byte, _ [][]byte) []byte { return data[:1] }, false},
		{"empty", func(string, []byte, [][]byte) []byte { return []byte{} }, false},
		{"the nonce alone", func(_ string, data []byte, _ [][]byte) []byte { return data[:13] }, false},
		{"in clear", func(string, []byte, [][]byte) []byte {
			return []byte(`{"seq":9,"token":"x","type":"Bearer","requested":1,"lifetime":99999999}`)
		}, false},
		{"a gigantic one", func(_ string, data []byte, _ [][]byte) []byte {
			return append(data, make([]byte, clientauth.MaxStored)...)
		}, false},
	} {
		iss := newIssuer(t, nil)
		m, other := new(memory), new(memory)
		mustToken(t, newSource(t, sharing(iss, other), clientauth.Request{Audience: audience, Organization: "demo"}))
		var others [][]byte
		for _, v := range other.copied() {
			others = append(others, v.data)
		}
		first := mustToken(t, newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}))
		before := iss.Count(mockissuer.EndpointToken)
		m.change(func(name string, data []byte) []byte { return tt.change(name, data, others) })
		logger, log := logTo()
		cfg := sharing(iss, m)
		cfg.Logger = logger
		got := mustToken(t, newSource(t, cfg, clientauth.Request{Audience: audience}))
		if shared := got.AccessToken == first.AccessToken; shared != tt.shared || shared != (iss.Count(mockissuer.EndpointToken) == before) {
			t.Errorf("%s: the stored token was used: %t, want %t", tt.name, shared, tt.shared)
		}
		if reported := strings.Contains(log.String(), "a stored token is not used"); reported == (tt.shared || tt.name == "empty") {
			t.Errorf("%s: the log is %q, want a record of it: %t", tt.name, log.String(), !tt.shared)
		}
		// And the issuer's token is stored in its place.
		if again := mustToken(t, newSource(t, sharing(iss, m), clientauth.Request{Audience: audience})); again.AccessToken != got.AccessToken {
			t.Errorf("%s: the next process has another token", tt.name)
		}
	}
}

// A token is shared by those alone that would have got the same.
func TestStore_names(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, func(cfg *mockissuer.Config) {
		other := cfg.Clients[0]
		other.ID = "other-client"
		cfg.Clients = append(cfg.Clients, other)
	})
	key := newKey(t, nil)
	base := clientauth.Request{Audience: audience, Scopes: []string{"orders:read"}}
	for _, tt := range []struct {
		name   string
		config func(*clientauth.Config)
		change func(*clientauth.Request)
		shared bool
	}{
		{"the same", nil, nil, true},
		{"the scopes twice", nil, func(r *clientauth.Request) { r.Scopes = []string{"orders:read", "orders:read"} }, true},
		{"another client", func(c *clientauth.Config) { c.ClientID = "other-client" }, nil, false},
		{"another issuer", func(c *clientauth.Config) { c.Issuer = "https://other.example.com" }, nil, false},
		{"another organization", nil, func(r *clientauth.Request) { r.Organization = "demo" }, false},
		{"other scopes", nil, func(r *clientauth.Request) { r.Scopes = []string{"orders:write"} }, false},
		{"by resource", nil, func(r *clientauth.Request) { r.Audience, r.Resource = "", audience }, false},
		{"another key", func(c *clientauth.Config) { c.Key = newKey(t, nil) }, nil, false},
		{"no key", func(c *clientauth.Config) { c.Key = nil }, nil, false},
		{"a certificate", func(c *clientauth.Config) {
			_, certificate := newKeyAndCertificate(t)
			c.Certificate = &tls.Certificate{Certificate: [][]byte{certificate.Raw}}
		}, nil, false},
		{"another secret of the Store", func(c *clientauth.Config) { c.StoreKeys = [][]byte{bytes.Repeat([]byte("x"), 32)} }, nil, false},
		{"the secret as an old one", func(c *clientauth.Config) { c.StoreKeys = [][]byte{bytes.Repeat([]byte("x"), 32), storeKey} }, nil, true},
	} {
		m := new(memory)
		cfg := sharing(iss, m)
		cfg.Key = key
		first := mustToken(t, newSource(t, cfg, base))
		r := base
		if tt.config != nil {
			tt.config(&cfg)
		}
		if tt.change != nil {
			tt.change(&r)
		}
		if got := mustToken(t, newSource(t, cfg, r)); (got.AccessToken == first.AccessToken) != tt.shared {
			t.Errorf("%s: the token was shared: %t, want %t", tt.name, !tt.shared, tt.shared)
		}
	}
}

// While the processes of a fleet are given another key, in the three steps that
// Config.StoreKeys describes, they share all the time.
func TestStore_keyRotation(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	old, next := storeKey, bytes.Repeat([]byte("n"), 32)
	steps := [][][]byte{{old}, {old, next}, {next, old}, {next}}
	for i := 1; i < len(steps); i++ {
		for _, order := range [][][][]byte{{steps[i-1], steps[i]}, {steps[i], steps[i-1]}} {
			m := new(memory)
			var tokens []string
			for _, keys := range order {
				cfg := sharing(iss, m)
				cfg.StoreKeys = keys
				tokens = append(tokens, mustToken(t, newSource(t, cfg, clientauth.Request{Audience: audience})).AccessToken)
			}
			if tokens[0] != tokens[1] {
				t.Errorf("step %d: a process with the keys %q has not the token of one with %q", i, order[1], order[0])
			}
		}
	}
}

// A token from the Store is validated by the process that uses it.
func TestStore_validates(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	key := newKey(t, nil)
	for _, tt := range []struct {
		name   string
		change func(*validator.Config)
		config func(*clientauth.Config)
		want   clientauth.Code
		shared bool
	}{
		{"good", func(*validator.Config) {}, func(*clientauth.Config) {}, "", true},
		{"another audience", func(c *validator.Config) { c.Audiences = []string{"https://other.example.com"} }, func(*clientauth.Config) {}, clientauth.CodeToken, false},
		{"too few scopes", func(c *validator.Config) { c.Checks = []validator.Check{validator.Scopes("admin")} }, func(*clientauth.Config) {}, clientauth.CodeToken, false},
		{"a shorter limit", func(*validator.Config) {}, func(c *clientauth.Config) { c.MaxTokenSize = 100 }, clientauth.CodeAnswer, false},
		{"a shorter life", func(*validator.Config) {}, func(c *clientauth.Config) { c.MaxLifetime = time.Minute }, clientauth.CodeAnswer, false},
	} {
		m := new(memory)
		cfg := sharing(iss, m)
		cfg.Key = key
		mustToken(t, newSource(t, cfg, clientauth.Request{Audience: audience}))
		before := iss.Count(mockissuer.EndpointToken)
		cfg.Validator = newValidator(t, iss, tt.change)
		tt.config(&cfg)
		_, err := newSource(t, cfg, clientauth.Request{Audience: audience}).Token()
		if codeOf(t, err) != tt.want || (iss.Count(mockissuer.EndpointToken) == before) != tt.shared {
			t.Errorf("%s: Token() = %v, want code %q, from the Store: %t", tt.name, err, tt.want, tt.shared)
		}
	}
}

// A clock that differs makes no process use a token that has ended.
func TestStore_clocks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		maker  time.Duration // the clock of the process that stores
		after  time.Duration // when another one looks
		shared bool
	}{
		{"at once", 0, 0, true},
		{"before the end", 0, 9 * time.Minute, true},
		{"just before the end", 0, 10*time.Minute - 5*time.Second, false},
		{"after the end", 0, 11 * time.Minute, false},
		{"a clock that is a little ahead", 20 * time.Second, 0, true},
		{"a clock that is ahead", time.Minute, 0, false},
		{"a clock that is far ahead", 24 * time.Hour, 0, false},
		{"a clock that is behind", -5 * time.Minute, 0, true},
		{"a clock that is behind by more than a life", -time.Hour, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", good(600) }}
			m := new(memory)
			cfg := l.config()
			cfg.Store, cfg.StoreKeys = m, [][]byte{storeKey}
			cfg.Now = func() time.Time { return time.Now().Add(tt.maker) }
			mustToken(t, newSource(t, cfg, clientauth.Request{}))
			m.change(func(_ string, data []byte) []byte { return data }) // and the Store keeps it for a day
			time.Sleep(tt.after)
			cfg.Now = nil
			token := mustToken(t, newSource(t, cfg, clientauth.Request{}))
			if shared := l.count() == 1; shared != tt.shared {
				t.Errorf("%s: the stored token was used: %t, want %t", tt.name, shared, tt.shared)
			}
			if left := time.Until(token.Expiry); left <= 0 || left > 10*time.Minute {
				t.Errorf("%s: the token is said to live for %v, want at most its 10 minutes", tt.name, left)
			}
		})
	}
}

// Whatever a Store does, a process has its token in time.
func TestStore_fails(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	for _, tt := range []struct {
		name string
		hook func(ctx context.Context, call string) error
		most time.Duration
	}{
		{"down", func(context.Context, string) error { return down }, 0},
		{"slow", func(ctx context.Context, _ string) error {
			select {
			case <-time.After(time.Hour):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, time.Second},
		{"a context of its own", func(context.Context, string) error { return context.Canceled }, 0},
		{"hangs", nil, time.Second},
		{"panics", func(context.Context, string) error { panic(secret) }, 0},
		{"no lease", func(_ context.Context, call string) error {
			if call == "lease" {
				return down
			}
			return nil
		}, 0},
		{"nothing can be saved", func(_ context.Context, call string) error {
			if call == "save" {
				return down
			}
			return nil
		}, 0},
		{"saving hangs", nil, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			free := make(chan struct{})
			hook := tt.hook
			if hook == nil {
				hook = func(_ context.Context, call string) error {
					if tt.name == "hangs" || call == "save" {
						<-free
					}
					return nil
				}
			}
			iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: 5 * time.Minute}))
			m := &memory{hook: hook}
			logger, log := logTo()
			cfg := sharing(iss, m)
			cfg.Logger = logger
			s := newSource(t, cfg, clientauth.Request{Audience: audience})
			start := time.Now()
			mustToken(t, s)
			if took := time.Since(start); took > tt.most {
				t.Errorf("%s: Token() took %v, want at most %v", tt.name, took, tt.most)
			}
			for range 60 * 4 { // an hour: renewed ahead, as without a Store
				start := time.Now()
				if mustToken(t, s); time.Since(start) > 0 {
					t.Errorf("%s: a caller waited for %v", tt.name, time.Since(start))
				}
				time.Sleep(15 * time.Second)
			}
			synctest.Wait()
			if got := iss.Count(mockissuer.EndpointToken); got < 12 || got > 18 {
				t.Errorf("%s: %d requests in an hour, want 12 to 18", tt.name, got)
			}
			if got := strings.Count(log.String(), "the store fails"); got == 0 || strings.Contains(log.String(), secret) {
				t.Errorf("%s: the log is %s, want a record that the store fails", tt.name, log)
			}
			m.set(nil)
			close(free)
			time.Sleep(5 * time.Minute)
			mustToken(t, s)
			time.Sleep(time.Second)
			if !strings.Contains(log.String(), "the store answers again") {
				t.Errorf("%s: the log is %s, want a record that the store answers again", tt.name, log)
			}
		})
	}
}

// An error of a process's own, such as a wrong secret, is not the others'.
func TestStore_rejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		m := new(memory)
		cfg := sharing(iss, m)
		cfg.Auth = clientauth.ClientSecretPost("an old one")
		_, err := newSource(t, cfg, clientauth.Request{Audience: audience}).Token()
		if codeOf(t, err) != clientauth.CodeRejected {
			t.Fatalf("Token() = %v, want code %q", err, clientauth.CodeRejected)
		}
		start := time.Now()
		mustToken(t, newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}))
		if took := time.Since(start); took > 0 {
			t.Errorf("Token() of another process took %v, want no wait for the one that failed", took)
		}
	})
}

// A token in a user's name is shared by requests of the same user alone.
func TestStore_onBehalf(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, withStock)
	m := new(memory)
	tokens := map[string]bool{}
	var subjects []string
	for _, user := range []string{"user-1", "user-2"} {
		token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"sub": user, "aud": audience, "exp": iss.Now().Add(10 * time.Minute)}})
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, token)
	}
	for _, subject := range slices.Concat(subjects, subjects) {
		client, err := clientauth.New(sharing(iss, m))
		if err != nil {
			t.Fatal(err)
		}
		s, err := client.Exchange(subject, clientauth.Request{Audience: stockAudience})
		if err != nil {
			t.Fatal(err)
		}
		tokens[mustToken(t, s).AccessToken] = true
		if m.shows(subject) {
			t.Error("the Store has the user's token in clear")
		}
	}
	if got := iss.Count(mockissuer.EndpointToken); got != 2 || len(tokens) != 2 {
		t.Errorf("%d requests for %d tokens of two users, want 2 for 2", got, len(tokens))
	}
}

func TestNew_store(t *testing.T) {
	t.Parallel()
	good := clientauth.Config{
		Issuer: "https://sso.example.com", ClientID: "a", Auth: clientauth.ClientSecretPost("b"),
		Store: new(memory), StoreKeys: [][]byte{storeKey},
	}
	for _, tt := range []struct {
		name   string
		change func(*clientauth.Config)
		want   string
	}{
		{"good", func(*clientauth.Config) {}, ""},
		{"eight keys", func(c *clientauth.Config) { c.StoreKeys = slices.Repeat(c.StoreKeys, 8) }, ""},
		{"nine keys", func(c *clientauth.Config) { c.StoreKeys = slices.Repeat(c.StoreKeys, 9) }, "Config.StoreKeys"},
		{"no key", func(c *clientauth.Config) { c.StoreKeys = nil }, "Config.StoreKeys"},
		{"no Store", func(c *clientauth.Config) { c.Store = nil }, "Config.StoreKeys"},
		{"a nil Store", func(c *clientauth.Config) { c.Store = (*memory)(nil) }, "Config.Store"},
		{"a long key", func(c *clientauth.Config) { c.StoreKeys = [][]byte{bytes.Repeat(storeKey, 4)} }, ""},
		{"a short key", func(c *clientauth.Config) { c.StoreKeys = [][]byte{storeKey, storeKey[:31]} }, "Config.StoreKeys[1]"},
	} {
		cfg := good
		tt.change(&cfg)
		_, err := clientauth.New(cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New() = %v, want a fault of %q", tt.name, err, tt.want)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%x"} {
			if text := printed(format, cfg); strings.Contains(text, string(storeKey)) || strings.Contains(text, "3031323334") {
				t.Errorf("%s: Sprintf(%q) = %s", tt.name, format, text)
			}
		}
	}
}
