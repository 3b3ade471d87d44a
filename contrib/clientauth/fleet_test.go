package clientauth_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

const fleetSize = 500

var storeKey = []byte("0123456789abcdef0123456789abcdef")

// sharing returns the Config of one process of a fleet.
func sharing(iss *mockissuer.Issuer, m *memory) clientauth.Config {
	cfg := config(iss)
	cfg.TokenURL = issuerURL + "oauth/token" // no process asks for the metadata
	cfg.Store, cfg.StoreKeys = m, [][]byte{storeKey}
	return cfg
}

func fleet(t *testing.T, iss *mockissuer.Issuer, m *memory) []*clientauth.Source {
	t.Helper()
	sources := make([]*clientauth.Source, fleetSize)
	for i := range sources {
		sources[i] = newSource(t, sharing(iss, m), clientauth.Request{Audience: audience})
	}
	return sources
}

// each calls Token of all processes at once, and returns how many tokens and
// how many errors there were.
func each(t *testing.T, sources []*clientauth.Source) (tokens map[string]int, failed int) {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	tokens = map[string]int{}
	for _, s := range sources {
		group.Go(func() {
			token, err := s.Token()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
				return
			}
			tokens[token.AccessToken]++
		})
	}
	group.Wait()
	return tokens, failed
}

// 500 processes that start at once make one token request, and 500 without a
// Store make 500.
func TestStore_start(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Endpoint: mockissuer.EndpointToken, Delay: time.Second})
		m := new(memory)
		start := time.Now()
		tokens, failed := each(t, fleet(t, iss, m))
		if got := iss.Count(mockissuer.EndpointToken); got != 1 || len(tokens) != 1 || failed > 0 {
			t.Errorf("%d processes made %d requests for %d tokens and %d failed, want 1, 1 and 0", fleetSize, got, len(tokens), failed)
		}
		if took := time.Since(start); took > 1300*time.Millisecond {
			t.Errorf("the last process had its token after %v, want at most 200ms after the request of 1s", took)
		}
		t.Logf("%d processes: %d request, %d calls of the Store", fleetSize, iss.Count(mockissuer.EndpointToken), m.count())
		for token := range tokens {
			if m.shows(token) || m.shows(secret) || m.shows(audience) {
				t.Error("the Store has the token, the secret or the audience in clear")
			}
		}
	})
}

// In an hour, a fleet makes as many requests as one process, and no call waits.
func TestStore_hour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: 5 * time.Minute}))
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Endpoint: mockissuer.EndpointToken, Delay: time.Second})
		m := new(memory)
		sources := fleet(t, iss, m)
		each(t, sources)
		var waited, ended atomic.Int64
		var group sync.WaitGroup
		stop := time.Now().Add(time.Hour)
		for _, s := range sources {
			group.Go(func() {
				for ; time.Now().Before(stop); time.Sleep(10 * time.Second) {
					began := time.Now()
					switch token, err := s.Token(); {
					case err != nil:
						t.Errorf("Token() = %v", err)
					case time.Since(began) > 0:
						waited.Add(1)
					case !time.Now().Before(token.Expiry):
						ended.Add(1)
					}
				}
			})
		}
		group.Wait()
		got := iss.Count(mockissuer.EndpointToken)
		t.Logf("an hour, %d processes: %d requests to the issuer, %d calls of the Store, %d callers waited", fleetSize, got, m.count(), waited.Load())
		if waited.Load() > 0 || ended.Load() > 0 {
			t.Errorf("%d callers waited and %d got a token that had ended, want none", waited.Load(), ended.Load())
		}
		if got < 12 || got > 20 {
			t.Errorf("%d requests in an hour of tokens of 5 minutes, want 12 to 20", got)
		}
	})
}

// In an outage, a fleet without a token asks once a second at most. Processes
// that start while a token lives get it without the issuer.
func TestStore_outage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: 10 * time.Minute}))
		m := new(memory)
		mustToken(t, newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}))
		iss.SetDown(true)
		before := iss.Count(mockissuer.EndpointToken)
		sources := fleet(t, iss, m)
		time.Sleep(9 * time.Minute) // the token is due, and lives yet
		if tokens, failed := each(t, sources); failed > 0 || len(tokens) != 1 {
			t.Errorf("in an outage, %d of %d new processes have no token, want all to have the stored one", failed, fleetSize)
		}
		time.Sleep(time.Minute) // the token has ended
		start, between := time.Now(), iss.Count(mockissuer.EndpointToken)
		if asked := between - before; asked > 61 {
			t.Errorf("%d requests while the token lived, want one a second at most", asked)
		}
		for time.Since(start) < time.Minute {
			if tokens, _ := each(t, sources); len(tokens) > 0 {
				t.Fatalf("a token has come from an issuer that is down")
			}
			time.Sleep(500 * time.Millisecond)
		}
		asked := iss.Count(mockissuer.EndpointToken) - between
		if asked < 10 || asked > 62 {
			t.Errorf("%d requests of %d processes in a minute of an outage, want at most one a second", asked, fleetSize)
		}
		iss.SetDown(false)
		between = iss.Count(mockissuer.EndpointToken)
		time.Sleep(31 * time.Second)
		if tokens, failed := each(t, sources); failed > 0 || len(tokens) != 1 {
			t.Errorf("after the outage there are %d tokens and %d fail, want 1 and 0", len(tokens), failed)
		}
		if got := iss.Count(mockissuer.EndpointToken) - between; got != 1 {
			t.Errorf("%d requests after the outage, want 1", got)
		}
	})
}

// If all processes' APIs reject the token, one request brings another.
func TestStore_rejectedByAPI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		m := new(memory)
		sources := fleet(t, iss, m)
		old, _ := each(t, sources)
		before := m.copied()
		api := roundTripper(func(r *http.Request) (*http.Response, error) {
			res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
			for token := range old {
				if r.Header.Get("Authorization") == "Bearer "+token {
					res.StatusCode = 401
					res.Header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				}
			}
			return res, nil
		})
		call := func() (failed int64) {
			var refused atomic.Int64
			var group sync.WaitGroup
			for _, s := range sources {
				transport, err := clientauth.NewTransport(s, clientauth.TransportConfig{Hosts: []string{"api.example.com"}, Base: api})
				if err != nil {
					t.Fatal(err)
				}
				group.Go(func() {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
					if err != nil {
						t.Error(err)
						return
					}
					res, err := transport.RoundTrip(req)
					if err != nil || res.StatusCode != 200 {
						refused.Add(1)
					}
				})
			}
			group.Wait()
			return refused.Load()
		}
		if refused := call(); refused > 0 {
			t.Errorf("%d of %d calls were rejected, want none after the renewal", refused, fleetSize)
		}
		if got := iss.Count(mockissuer.EndpointToken); got != 2 {
			t.Errorf("%d requests, want 2: one at the start, and one for the token that was rejected", got)
		}
		// An attacker puts the old value back. Processes that have a later one
		// do not take it, and one that starts gets over it by itself.
		m.change(func(name string, _ []byte) []byte { return before[name].data })
		time.Sleep(time.Minute)
		sources = append(sources[:1:1], newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}))
		if refused := call(); refused > 0 {
			t.Errorf("%d calls were rejected after an old value was put back, want none", refused)
		}
		if got := iss.Count(mockissuer.EndpointToken); got != 3 {
			t.Errorf("%d requests after an old value was put back, want 3", got)
		}
	})
}

// A process that dies with the lease delays the others by 3 seconds.
func TestStore_leaseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, nil)
		m := new(memory)
		cfg := sharing(iss, m)
		started := make(chan struct{})
		var once sync.Once
		dying := make(chan struct{})
		cfg.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			once.Do(func() { close(started) })
			<-dying
			return nil, http.ErrServerClosed
		})}
		dead := newSource(t, cfg, clientauth.Request{Audience: audience})
		go func() { _, _ = dead.Token() }()
		<-started
		start := time.Now()
		tokens, failed := each(t, fleet(t, iss, m)[:50])
		if took := time.Since(start); took < 2*time.Second || took > 3500*time.Millisecond || failed > 0 || len(tokens) != 1 {
			t.Errorf("%d tokens, %d failed, after %v, want 1 and 0 after 3s", len(tokens), failed, took)
		}
		if got := iss.Count(mockissuer.EndpointToken); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
		close(dying)
		time.Sleep(10 * time.Second)
	})
}

// A token that comes between a look and the lease is used, and the lease is
// given back.
func TestStore_comesInBetween(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	m := new(memory)
	first := newSource(t, sharing(iss, m), clientauth.Request{Audience: audience})
	m.set(func(_ context.Context, call string) error {
		if call == "lease" {
			m.set(nil)
			mustToken(t, first)
		}
		return nil
	})
	second := mustToken(t, newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}))
	if got := iss.Count(mockissuer.EndpointToken); got != 1 || second.AccessToken != mustToken(t, first).AccessToken {
		t.Errorf("%d requests, want 1, for one token", got)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.leases) > 0 {
		t.Error("a process keeps the lease that it doesn't need")
	}
}

// A report of an outage that an attacker puts back counts no longer than it did.
func TestStore_oldOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			retryAfter string
			later      time.Duration
			want       clientauth.Code
		}{
			{"", 0, clientauth.CodeUnavailable},
			{"", 1100 * time.Millisecond, ""},
			{"60", 50 * time.Second, clientauth.CodeUnavailable},
			{"60", 70 * time.Second, ""},
			{"86400", 4 * time.Minute, clientauth.CodeUnavailable},
			{"86400", 5*time.Minute + time.Second, ""},
		} {
			iss := newIssuer(t, nil)
			iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: 503, RetryAfter: tt.retryAfter, Endpoint: mockissuer.EndpointToken, Times: 1})
			m := new(memory)
			if _, err := newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}).Token(); codeOf(t, err) != clientauth.CodeUnavailable {
				t.Fatalf("Token() = %v, want code %q", err, clientauth.CodeUnavailable)
			}
			m.change(func(_ string, data []byte) []byte { return data }) // which the Store keeps for a day
			time.Sleep(tt.later)
			_, err := newSource(t, sharing(iss, m), clientauth.Request{Audience: audience}).Token()
			if codeOf(t, err) != tt.want {
				t.Errorf("Retry-After %q: Token() of another process after %v = %v, want code %q", tt.retryAfter, tt.later, err, tt.want)
			}
		}
	})
}

// A store that an attacker keeps all leases of.
type refusing struct{ *memory }

func (refusing) Lease(context.Context, string, string, time.Duration) (bool, error) {
	return false, nil
}

// A lease that never ends costs a process without a token six seconds once, and
// callers that have one nothing.
func TestStore_leaseForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t, lifetime(mockissuer.API{Lifetime: 5 * time.Minute}))
		cfg := sharing(iss, nil)
		cfg.Store = refusing{new(memory)}
		s := newSource(t, cfg, clientauth.Request{Audience: audience})
		start := time.Now()
		mustToken(t, s)
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second+500*time.Millisecond {
			t.Errorf("Token() took %v, want three fifths of the Timeout of 10s", took)
		}
		for range 60 * 60 {
			start := time.Now()
			if mustToken(t, s); time.Since(start) > 0 {
				t.Errorf("a caller waited for %v", time.Since(start))
			}
			time.Sleep(time.Second)
		}
		if got := iss.Count(mockissuer.EndpointToken); got < 12 || got > 18 {
			t.Errorf("%d requests in an hour, want 12 to 18", got)
		}
	})
}
