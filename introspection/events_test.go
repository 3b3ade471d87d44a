package introspection_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/validator"
)

// A watcher writes down events in brief.
type watcher struct {
	mu   sync.Mutex
	seen []string
}

func (w *watcher) observe(_ context.Context, e observe.Event) {
	text := fmt.Sprintf("begin %s at %s", e.Request, e.Host)
	switch e.Kind {
	case observe.RequestEnded:
		text = fmt.Sprintf("end %s %d %d %v", e.Outcome, e.Status, e.Bytes, e.Duration)
	case observe.StateChanged:
		text = fmt.Sprintf("%s→%s failing=%t misconfigured=%t", e.Was, e.State, e.Failing, e.Misconfigured)
	}
	if e.Part != observe.Introspection || e.Name != issuer || e.Time.IsZero() {
		text = fmt.Sprintf("%v at %v", e, e.Time) // is in no test
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, text)
}

func (w *watcher) take() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return strings.Join(seen, "; ")
}

func TestConfig_Observe(t *testing.T) {
	t.Parallel()
	const begin, up = "begin introspect at sso.example.com; ", "; EMPTY→FRESH failing=false misconfigured=false"
	const down, wrong = "; EMPTY→EXPIRED failing=true misconfigured=false", "; EMPTY→EXPIRED failing=true misconfigured=true"
	inactive := `{"active":false}`
	for _, tt := range []struct {
		name   string
		answer func(*http.Request, url.Values) (int, string)
		change func(*introspection.Config, *server)
		want   string
	}{
		{"active", says(good), nil, begin + fmt.Sprintf("end ok 200 %d 0s", len(good)) + up},
		{"inactive", says("%s", inactive), nil, begin + "end ok 200 16 0s" + up},
		{"slow", says("%s", inactive), func(_ *introspection.Config, s *server) { s.wait = 4 * time.Second }, begin + "end ok 200 16 4s" + up},
		{"silent", says("%s", inactive), func(_ *introspection.Config, s *server) { s.wait = 6 * time.Second }, begin + "end timeout 0 0 5s" + down},
		{"500", fails(500), nil, begin + "end status 500 0 0s" + down},
		{"401", fails(401), nil, begin + "end status 401 0 0s" + wrong},
		{"a redirect", fails(307), nil, begin + "end redirect 307 0 0s" + wrong},
		{"HTML", says("<html>"), nil, begin + "end malformed 200 6 0s" + down},
		{"no boolean", says(`{"active":"true"}`), nil, begin + "end malformed 200 17 0s" + down},
		{"huge", says("%s", strings.Repeat(" ", 1<<20)), nil, begin + "end too_large 0 0 0s" + down},
		{"no connection", nil, func(cfg *introspection.Config, _ *server) { cfg.Client.Transport = refuses{} }, begin + "end unreachable 0 0 0s" + down},
		{"no credentials", nil, func(cfg *introspection.Config, _ *server) {
			cfg.Auth = func(context.Context, *introspection.AuthRequest) error { return errors.New("the vault is sealed") }
		}, begin + "end failed 0 0 0s" + down},
		{"discovered", func(r *http.Request, _ url.Values) (int, string) {
			if strings.HasSuffix(r.URL.Path, "/i") {
				return 200, inactive
			}
			return 200, `{"issuer":"https://sso.example.com","introspection_endpoint":"https://tokens.example.com/i"}`
		}, func(cfg *introspection.Config, _ *server) { cfg.Endpoint = "" },
			"begin metadata at sso.example.com; end ok 200 92 0s; begin introspect at tokens.example.com; end ok 200 16 0s" + up},
		{"another issuer's metadata", says(`{"issuer":"https://b/"}`), func(cfg *introspection.Config, _ *server) { cfg.Endpoint = "" },
			"begin metadata at sso.example.com; end other_issuer 200 23 0s; begin metadata at sso.example.com; end other_issuer 200 23 0s" + wrong},
		{"userinfo rejects", fails(401), func(cfg *introspection.Config, _ *server) {
			cfg.InsecureUserInfo, cfg.ClientID, cfg.Auth, cfg.Audiences = true, "", nil, nil
		}, "begin userinfo at sso.example.com; end ok 401 0 0s" + up},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, w := &server{answer: tt.answer}, &watcher{}
			cfg := config(s)
			cfg.Observe = w.observe
			if tt.change != nil {
				tt.change(&cfg, s)
			}
			_, _ = newIntrospector(t, cfg).Validate(t.Context(), "token")
			got := w.take()
			// A call that lasts too long ends while its request does.
			if sorted(got) != sorted(tt.want) {
				t.Errorf("%s: events = %q, want %q", tt.name, got, tt.want)
			}
		})
	}
}

func sorted(events string) string {
	all := strings.Split(events, "; ")
	slices.Sort(all)
	return strings.Join(all, "; ")
}

type refuses struct{}

func (refuses) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }

// A change of state is told once, and as Status has it.
func TestConfig_Observe_states(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: says(`{"active":false}`)}
		var changes []string
		var in *introspection.Introspector
		cfg := config(s)
		cfg.Observe = func(_ context.Context, e observe.Event) {
			if e.Kind != observe.StateChanged {
				return
			}
			changes = append(changes, e.State)
			if state := in.Status().State; string(state) != e.State { // no lock is held
				t.Errorf("Status().State = %s while %s is told", state, e.State)
			}
		}
		in = newIntrospector(t, cfg)
		ask := func(n int) {
			for i := range n {
				_, _ = in.Validate(t.Context(), fmt.Sprint("token", s.count(), "-", i))
			}
			synctest.Wait()
		}
		ask(3)
		s.set(fails(500))
		ask(3)
		s.set(says(`{"active":false}`))
		ask(3)
		if got, want := fmt.Sprint(changes), "[FRESH EXPIRED FRESH]"; got != want {
			t.Errorf("states told = %s, want %s", got, want)
		}
	})
}

// A panic in Observe changes no decision.
func TestConfig_Observe_panic(t *testing.T) {
	t.Parallel()
	cfg := config(&server{answer: says(good)})
	cfg.Observe = func(context.Context, observe.Event) { panic("Observe") }
	in := newIntrospector(t, cfg)
	if _, err := in.Validate(t.Context(), "token"); err != nil {
		t.Errorf("Validate() with an Observe that panics: %v, want no error", err)
	}
	cfg.Client.Transport.(*server).set(fails(500))
	if _, err := in.Validate(t.Context(), "another"); validator.CodeOf(err) != validator.CodeUnavailable {
		t.Errorf("Validate() with an Observe that panics, 500: %v, want %q", err, validator.CodeUnavailable)
	}
}

type panickingLog struct{ slog.Handler }

func (panickingLog) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingLog) Handle(context.Context, slog.Record) error { panic("a fault of the handler") }

// A log that panics changes no decision, whether a record is of New, of the
// first failure, of a mistake or of the first success.
func TestConfig_Logger_panic(t *testing.T) {
	t.Parallel()
	s := &server{answer: says(good)}
	cfg := config(s)
	cfg.Logger = slog.New(panickingLog{})
	cfg.Observe = func(context.Context, observe.Event) { panic("Observe") }
	began := time.Now()
	var hours atomic.Int64 // a call that was answered may still read the clock
	cfg.Now = func() time.Time { return began.Add(time.Duration(hours.Load()) * time.Hour) }
	cfg.Endpoint, cfg.InsecureHTTP = "http://sso.example.com/introspect", true // which New warns of
	in := newIntrospector(t, cfg)
	for i, tt := range []struct {
		answer func(*http.Request, url.Values) (int, string)
		want   validator.Code
	}{
		{says(good), ""},
		{fails(500), validator.CodeUnavailable},
		{says(good), ""},
		{fails(401), validator.CodeUnavailable}, // a mistake: level Error
		{says(good), ""},
	} {
		s.set(tt.answer)
		hours.Add(1)
		if _, err := in.Validate(t.Context(), fmt.Sprint("token", i)); validator.CodeOf(err) != tt.want {
			t.Errorf("call %d: Validate() error = %v, want code %q", i, err, tt.want)
		}
	}
}
