package middleware_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// A panickingLog panics in one of its methods.
type panickingLog struct {
	slog.Handler
	inEnabled bool
	value     any
}

func (h panickingLog) Enabled(context.Context, slog.Level) bool {
	if h.inEnabled {
		panic(h.value)
	}
	return true
}
func (h panickingLog) Handle(context.Context, slog.Record) error { panic(h.value) }

// panickingLogs are loggers that no response may depend on.
func panickingLogs() map[string]*slog.Logger {
	return map[string]*slog.Logger{
		"Handle panics":                      slog.New(panickingLog{value: "secret"}),
		"Enabled panics":                     slog.New(panickingLog{value: "secret", inEnabled: true}),
		"Handle panics with ErrAbortHandler": slog.New(panickingLog{value: http.ErrAbortHandler}),
		"there is no handler":                new(slog.Logger),
	}
}

// A log that panics, and an Observe that does, change no response and lose no
// event.
func TestConfig_Logger_panics(t *testing.T) {
	t.Parallel()

	reject := func(code validator.Code) func(context.Context, string) (*validator.Claims, error) {
		return func(context.Context, string) (*validator.Claims, error) {
			return nil, &validator.Error{Code: code, Err: errors.New("x")}
		}
	}
	for _, tt := range []struct {
		name          string
		cfg           middleware.Config
		checks        []validator.Check
		authorization []string
	}{
		{"accepted", middleware.Config{}, nil, []string{"Bearer anna"}},
		{"anonymous", middleware.Config{Optional: true}, nil, nil},
		{"missing", middleware.Config{Realm: "orders"}, nil, nil},
		{"two tokens", middleware.Config{}, nil, []string{"Bearer anna", "Bearer anna"}},
		{"signature", middleware.Config{Realm: "orders"}, nil, []string{"Bearer bad"}},
		{"scope", middleware.Config{}, []validator.Check{validator.Scopes("orders:write")}, []string{"Bearer anna"}},
		{"unavailable", middleware.Config{Validator: validateFunc(reject(validator.CodeUnavailable))}, nil, []string{"Bearer anna"}},
		{"internal", middleware.Config{Validator: validateFunc(reject(validator.CodeInternal))}, nil, []string{"Bearer anna"}},
		{"report only", middleware.Config{InsecureReportOnly: true}, nil, []string{"Bearer bad"}},
		{"compared, accepted", middleware.Config{Compare: func(*http.Request) error { return errors.New("x") }}, nil, []string{"Bearer anna"}},
		{"compared, rejected", middleware.Config{Compare: func(*http.Request) error { return nil }}, nil, []string{"Bearer bad"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			type result struct {
				Status   int
				Header   http.Header
				Body     string
				Seen     []string
				Outcomes []middleware.Outcome
			}
			ask := func(logger *slog.Logger, observePanics bool) (got result) {
				cfg := tt.cfg
				cfg.Logger = logger
				audit := middleware.Audit(middleware.AuditConfig{Logger: logger})
				cfg.Observe = func(ctx context.Context, e middleware.Event) {
					got.Outcomes = append(got.Outcomes, e.Outcome)
					if observePanics {
						panic("secret")
					}
					audit(ctx, e)
				}
				var s spy
				w := serve(newAuth(t, cfg).Require(tt.checks...)(&s), tt.authorization...)
				got.Status, got.Header, got.Body, got.Seen = w.Code, w.Header(), w.Body.String(), s.seen
				return got
			}
			want := ask(slog.New(slog.DiscardHandler), false)
			if len(want.Outcomes) != 1 {
				t.Fatalf("events = %q, want one", want.Outcomes)
			}
			for name, logger := range panickingLogs() {
				for _, observePanics := range []bool{false, true} {
					if diff := cmp.Diff(want, ask(logger, observePanics)); diff != "" {
						t.Errorf("%s, Observe panics too: %t: response (-without a panic +got):\n%s", name, observePanics, diff)
					}
				}
			}
		})
	}
}

// [middleware.Guard.Reject] is for what an adapter finds by itself.
func TestGuard_Reject_logPanics(t *testing.T) {
	t.Parallel()

	for name, logger := range panickingLogs() {
		h := http.Header{}
		_, refusal := newAuth(t, middleware.Config{Logger: logger}).Guard().Reject(h, httptest.NewRequest("GET", "/", nil), errors.New("x"))
		if refusal == nil || refusal.Status != 400 || h.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: Reject() = %v with the header %v, want 400 with a challenge", name, refusal, h)
		}
	}
}

// A client that is told its nonce can go on, whatever the log does.
func TestConfig_Logger_panics_dpop(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	for name, logger := range panickingLogs() {
		nonces, err := dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{[]byte(strings.Repeat("k", 32))}})
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := dpop.New(dpop.Config{Replays: new(dpop.MemoryStore), Nonces: nonces})
		if err != nil {
			t.Fatal(err)
		}
		var s spy
		h := newAuth(t, middleware.Config{
			Validator: v, DPoP: verifier, Logger: logger, Observe: middleware.Audit(middleware.AuditConfig{Logger: logger}),
		}).Handler(&s)
		client := testutil.DPoPKey(t)
		token := iss.Token(testutil.Claims{"cnf": client.Confirmation()})
		var got []int
		nonce := ""
		for range 3 {
			r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
			client.Authorize(r, token, testutil.Claims{"nonce": nonce})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got = append(got, w.Code)
			if next := w.Header().Get("DPoP-Nonce"); next != "" {
				nonce = next
			}
		}
		if want := []int{401, 200, 200}; !slices.Equal(got, want) || len(s.seen) != 2 {
			t.Errorf("%s: statuses %v and %d calls of the handler, want %v and 2", name, got, len(s.seen), want)
		}
	}
}
