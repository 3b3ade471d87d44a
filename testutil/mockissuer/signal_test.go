package mockissuer_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A service receives the issuer's signals in every way that there is. Each way
// has a list of its own.
type service struct {
	iss  *mockissuer.Issuer
	log  []string // the ways, in the order in which signals have arrived
	mu   sync.Mutex
	down bool

	lists map[string]*revocation.List
	mux   *http.ServeMux
}

const (
	service1 = "https://api.example.com"
	secret   = "Bearer stream-secret"
)

// RoundTrip brings the issuer's requests to the service.
func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.log = append(s.log, r.URL.Path)
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, errors.New("nothing listens")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w.Result(), nil
}

// arrived returns how many signals have arrived by each way.
func (s *service) arrived(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.log {
		if p == path {
			n++
		}
	}
	return n
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{lists: make(map[string]*revocation.List), mux: http.NewServeMux()}
	cfg := mockissuer.Demo()
	cfg.URL = "https://issuer.example.com/"
	cfg.Clients[0].BackChannelLogoutURI = service1 + "/logout"
	cfg.Streams = []mockissuer.Stream{
		{Audience: "push", URL: service1 + "/push", Authorization: secret},
		{Audience: "poll", Authorization: secret},
	}
	cfg.Sender = &http.Client{Transport: s}
	var err error
	if s.iss, err = mockissuer.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.iss.Close() })
	keys, err := jwks.NewCache(jwks.Config{Issuer: s.iss.URL, Client: s.iss.Client(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"logout", "push", "poll"} {
		if s.lists[way], err = revocation.New(revocation.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	sender := validator.Config{Issuers: []string{s.iss.URL}, Audiences: []string{"demo-client"}, Keys: keys}
	logger := slog.New(slog.DiscardHandler)
	logout, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{Sender: sender, List: s.lists["logout"], Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	s.mux.Handle("/logout", logout)
	receivers := make(map[string]*revocation.EventReceiver)
	for _, way := range []string{"push", "poll"} {
		sender.Audiences = []string{way}
		cfg := revocation.EventConfig{Sender: sender, List: s.lists[way], Logger: logger}
		if way == "push" {
			cfg.Authorization = secret
		}
		if receivers[way], err = revocation.NewEventReceiver(cfg); err != nil {
			t.Fatal(err)
		}
	}
	s.mux.Handle("/push", receivers["push"])
	poller, err := revocation.NewEventPoller(revocation.PollConfig{
		Receiver: receivers["poll"], URL: "https://issuer.example.com" + string(mockissuer.EndpointPoll), Client: s.iss.Client(),
		Authorize: func(r *http.Request) error { r.Header.Set("Authorization", secret); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = poller.Poll(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

// claims returns those of a token of alice's in this session.
func (s *service) claims(t *testing.T, sub, sid string) *validator.Claims {
	t.Helper()
	body, err := json.Marshal(map[string]any{"iss": s.iss.URL, "sub": sub, "sid": sid, "iat": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := validator.NewClaims(body)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// revoked returns by which ways it is known that the token is revoked.
func (s *service) revoked(t *testing.T, c *validator.Claims) string {
	t.Helper()
	var ways []string
	for _, way := range []string{"logout", "push", "poll"} {
		rule, err := s.lists[way].Revoked(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if rule != nil {
			ways = append(ways, way)
		}
	}
	return strings.Join(ways, " ")
}

// What the issuer revokes is revoked at its receivers, whatever goes wrong on
// the way but a signature by another key.
func TestSignals(t *testing.T) {
	t.Parallel()
	const all = "logout push poll"
	for _, tt := range []struct {
		name   string
		fault  mockissuer.Fault
		soon   string // by which ways the session is revoked after a tenth of a second
		later  string // after two minutes
		status int    // of the deliveries
		pushes int    // that have arrived
	}{
		{"no fault", mockissuer.Fault{}, all, all, 200, 1},
		{"late", mockissuer.Fault{Kind: mockissuer.FaultLate, Delay: 30 * time.Second}, "", all, 200, 1},
		{"twice", mockissuer.Fault{Kind: mockissuer.FaultTwice}, all, all, 0, 2},
		{"unreachable once", mockissuer.Fault{Kind: mockissuer.FaultUnreachable, Times: 2}, "poll", all, 200, 1},
		{"unreachable", mockissuer.Fault{Kind: mockissuer.FaultUnreachable}, "poll", "poll", 0, 0},
		{"out of order, and no other one comes", mockissuer.Fault{Kind: mockissuer.FaultOutOfOrder}, "", all, 200, 1},
		{"a wrong key", mockissuer.Fault{Kind: mockissuer.FaultWrongKey}, "", "", 400, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t)
			if tt.fault.Kind != "" {
				s.iss.Fail(tt.fault)
			}
			mine, other := s.claims(t, "auth0|alice", "s-1"), s.claims(t, "auth0|alice", "s-2")
			s.iss.RevokeSession("s-1")
			time.Sleep(100 * time.Millisecond)
			if got := s.revoked(t, mine); got != tt.soon {
				t.Errorf("%s: after 100ms, the session is revoked by %q, want %q", tt.name, got, tt.soon)
			}
			time.Sleep(5 * time.Minute)
			if got := s.revoked(t, mine); got != tt.later {
				t.Errorf("%s: later, the session is revoked by %q, want %q", tt.name, got, tt.later)
			}
			if got := s.revoked(t, other); got != "" {
				t.Errorf("%s: another session is revoked by %q", tt.name, got)
			}
			if got := s.arrived("/push"); got != tt.pushes {
				t.Errorf("%s: %d pushes have arrived, want %d", tt.name, got, tt.pushes)
			}
			deliveries := s.iss.Deliveries()
			if len(deliveries) != 3 {
				t.Fatalf("%s: %d deliveries, want 3", tt.name, len(deliveries))
			}
			for _, d := range deliveries {
				if d.Pending {
					t.Errorf("%s: %s to %q is pending, want it done", tt.name, d.Kind, d.URL)
				}
				if tt.status != 0 && d.Status/100 != tt.status/100 {
					t.Errorf("%s: %s to %q has the status %d and the error %v, want one like %d", tt.name, d.Kind, d.URL, d.Status, d.Err, tt.status)
				}
				if (d.Err == nil) != (d.Status/100 == 2) {
					t.Errorf("%s: %s to %q has the status %d and the error %v", tt.name, d.Kind, d.URL, d.Status, d.Err)
				}
			}
		})
	}
}

// A signal that is out of order comes after the next one.
func TestSignals_outOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultOutOfOrder, Times: 3})
		first, second := s.claims(t, "auth0|alice", "s-1"), s.claims(t, "auth0|alice", "s-2")
		s.iss.RevokeSession("s-1")
		s.iss.RevokeSession("s-2")
		time.Sleep(100 * time.Millisecond)
		if got, want := s.revoked(t, first)+"|"+s.revoked(t, second), "|logout push poll"; got != want {
			t.Errorf("after 100ms, the sessions are revoked by %q, want %q", got, want)
		}
		time.Sleep(5 * time.Second)
		if got := s.revoked(t, first); got != "logout push poll" {
			t.Errorf("after 5s, the first session is revoked by %q, want all", got)
		}
	})
}

// Logout ends all sessions of a user, and no other's.
func TestLogout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		alice, bert := s.claims(t, "auth0|alice", "s-1"), s.claims(t, "auth0|bert", "s-1")
		s.iss.Logout("auth0|alice")
		time.Sleep(100 * time.Millisecond)
		if got := s.revoked(t, alice); got != "logout push poll" {
			t.Errorf("the user is revoked by %q, want all", got)
		}
		if got := s.revoked(t, bert); got != "" {
			t.Errorf("another user is revoked by %q, want none", got)
		}
		time.Sleep(time.Minute)
		late := s.claims(t, "auth0|alice", "s-9")
		late.IssuedAt = time.Now()
		if got := s.revoked(t, late); got != "" {
			t.Errorf("a token from after the logout is revoked by %q, want none", got)
		}
	})
}

// Other events arrive too.
func TestSendEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		alice := s.claims(t, "auth0|alice", "")
		s.iss.SendEvent("https://schemas.openid.net/secevent/risc/event-type/account-disabled",
			map[string]any{"format": "iss_sub", "iss": s.iss.URL, "sub": "auth0|alice"}, map[string]any{"reason": "hijacking"})
		time.Sleep(100 * time.Millisecond)
		if got := s.revoked(t, alice); got != "push poll" {
			t.Errorf("the user is revoked by %q, want by push and poll", got)
		}
	})
}

// A service that is down gets its signals when it is up again, within the
// attempts of two minutes, and Close ends them.
func TestSignals_serviceDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.down = true
		alice := s.claims(t, "auth0|alice", "s-1")
		s.iss.RevokeSession("s-1")
		time.Sleep(20 * time.Second)
		s.mu.Lock()
		s.down = false
		s.mu.Unlock()
		time.Sleep(20 * time.Second)
		if got := s.revoked(t, alice); got != "logout push poll" {
			t.Errorf("the session is revoked by %q, want all", got)
		}
		s.mu.Lock()
		s.down = true
		s.mu.Unlock()
		s.iss.RevokeSession("s-2")
		time.Sleep(time.Second)
		begun := time.Now()
		if err := s.iss.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("Close() took %v, want it to end the deliveries", took)
		}
		n := s.arrived("/push")
		s.iss.RevokeSession("s-3")
		time.Sleep(time.Hour)
		if got := s.arrived("/push"); got != n {
			t.Errorf("%d pushes after Close(), want none", got-n)
		}
	})
}

// The poll endpoint is that of RFC 8936, and for the stream's receiver alone.
func TestPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testPoll)
}

func testPoll(t *testing.T) {
	cfg := mockissuer.Demo()
	cfg.URL = "https://issuer.example.com/"
	cfg.Streams = []mockissuer.Stream{{Audience: "one", Authorization: "Bearer 1"}, {Audience: "two", Authorization: "Bearer 2"}}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer iss.Close()
	poll := func(authorization, body string) (int, map[string]string, bool) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://issuer.example.com"+string(mockissuer.EndpointPoll), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		res, err := iss.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Sets          map[string]string
			MoreAvailable bool
		}
		if res.StatusCode == 200 {
			if err := json.Unmarshal(text, &answer); err != nil {
				t.Fatal(err)
			}
		}
		return res.StatusCode, answer.Sets, answer.MoreAvailable
	}
	for _, tt := range []struct {
		authorization, body string
		want                int
	}{
		{"", `{"returnImmediately":true}`, 401}, {"Bearer 3", `{"returnImmediately":true}`, 401},
		{"Bearer 1", `{`, 400}, {"Bearer 1", `{"returnImmediately":true}`, 200},
	} {
		if status, sets, _ := poll(tt.authorization, tt.body); status != tt.want || len(sets) != 0 {
			t.Errorf("poll(%q, %s) = %d with %d SETs, want %d without any", tt.authorization, tt.body, status, len(sets), tt.want)
		}
	}
	for _, sid := range []string{"1", "2", "3"} {
		iss.RevokeSession(sid)
	}
	time.Sleep(time.Second)
	status, sets, more := poll("Bearer 1", `{"maxEvents":2}`)
	if status != 200 || len(sets) != 2 || !more {
		t.Errorf("the first poll: %d with %d SETs, more: %t, want 2 and more", status, len(sets), more)
	}
	var acks []string
	for id := range sets {
		acks = append(acks, id)
	}
	body, err := json.Marshal(map[string]any{"ack": acks[:1], "setErrs": map[string]any{acks[1]: map[string]string{"err": "invalid_key"}}, "maxEvents": 0})
	if err != nil {
		t.Fatal(err)
	}
	if _, sets, _ := poll("Bearer 1", string(body)); len(sets) != 0 {
		t.Errorf("a poll that only acknowledges gets %d SETs", len(sets))
	}
	if _, sets, more := poll("Bearer 1", `{}`); len(sets) != 1 || more || sets[acks[0]] != "" || sets[acks[1]] != "" {
		t.Errorf("the third poll has %d SETs, more: %t, want the one that is left", len(sets), more)
	}
	if _, sets, _ := poll("Bearer 2", `{}`); len(sets) != 3 {
		t.Errorf("the other stream has %d SETs, want 3", len(sets))
	}
	pending := 0
	for _, d := range iss.Deliveries() {
		if d.Pending {
			pending++
		}
	}
	if pending != 4 {
		t.Errorf("%d deliveries are pending, want 4", pending)
	}
}

// A login's refresh token ends with its session, and the signals name its user.
func TestRevokeSession_login(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		_, answer := askToken(t, s.iss, exchange(codeFor(t, s.iss, visit().with(params{"scope": "openid offline_access orders:read"}))))
		idToken, _ := answer["id_token"].(string)
		sid, _ := part(t, idToken, 1)["sid"].(string)
		s.iss.RevokeSession(sid)
		time.Sleep(100 * time.Millisecond)
		// An access token of this issuer has no sid, and is known by its user.
		if got := s.revoked(t, s.claims(t, "auth0|alice", "")); got != "logout push poll" {
			t.Errorf("the user's token is revoked by %q, want all", got)
		}
		if res, _ := askToken(t, s.iss, refreshing(answer)); res.StatusCode != http.StatusForbidden {
			t.Errorf("refreshing after RevokeSession() = %d, want 403", res.StatusCode)
		}
	})
}
