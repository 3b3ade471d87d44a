package promguard_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	guardtest "github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

const audience = "https://api.example.com"

// An api guards a route and counts what it decides.
type api struct {
	iss     *guardtest.Issuer
	keys    *jwks.Cache
	metrics *promguard.Collector
	handler http.Handler
}

func newAPI(t testing.TB, change func(*middleware.Config)) *api {
	t.Helper()
	a := &api{iss: guardtest.NewIssuer(t)}
	var err error
	a.keys, err = jwks.NewCache(jwks.Config{
		Issuer: a.iss.URL, Client: a.iss.Client(),
		Observe: func(ctx context.Context, e observe.Event) { a.metrics.ObserveIO(ctx, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	a.metrics, err = promguard.New(promguard.Config{Caches: map[string]*jwks.Cache{"tenant": a.keys}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := a.iss.Config(audience)
	cfg.Keys = a.keys
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	guard := middleware.Config{Validator: v, Observe: a.metrics.Observe, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&guard)
	}
	auth, err := middleware.New(guard)
	if err != nil {
		t.Fatal(err)
	}
	a.handler = auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return a
}

func (a *api) serve(token string) int {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w.Code
}

func (a *api) want(t *testing.T, name, metrics string) {
	t.Helper()
	metrics = strings.ReplaceAll(metrics, "ISSUER", a.iss.URL)
	if err := testutil.CollectAndCompare(a.metrics, strings.NewReader(metrics), name); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestCollector(t *testing.T) {
	t.Parallel()

	a := newAPI(t, nil)
	a.want(t, "rsguard_keys_state", `
# HELP rsguard_keys_state 1 for the state that the keys are in.
# TYPE rsguard_keys_state gauge
rsguard_keys_state{issuer="tenant",state="DEAD"} 0
rsguard_keys_state{issuer="tenant",state="EMPTY"} 1
rsguard_keys_state{issuer="tenant",state="EXPIRED"} 0
rsguard_keys_state{issuer="tenant",state="FRESH"} 0
rsguard_keys_state{issuer="tenant",state="REVALIDATE"} 0
`)
	a.want(t, "rsguard_keys_age_seconds", "")

	good := a.iss.Token(guardtest.Claims{"scope": "orders:read"})
	for i, tt := range []struct {
		token  string
		status int
	}{
		{good, 200},
		{good, 200},
		{"", 401},
		{"a.b.c", 401},
		{a.iss.Token(guardtest.Claims{"scope": "other"}), 403},
		{a.iss.Token(guardtest.Claims{"exp": 1}), 401},
		{guardtest.NewIssuer(t).Token(guardtest.Claims{"aud": audience}), 401},
	} {
		if got := a.serve(tt.token); got != tt.status {
			t.Errorf("request %d: status %d, want %d", i, got, tt.status)
		}
	}
	a.want(t, "rsguard_decisions_total", `
# HELP rsguard_decisions_total Decisions about requests.
# TYPE rsguard_decisions_total counter
rsguard_decisions_total{code="",issuer="ISSUER",outcome="accepted"} 2
rsguard_decisions_total{code="insufficient_scope",issuer="ISSUER",outcome="rejected"} 1
rsguard_decisions_total{code="token_expired",issuer="ISSUER",outcome="rejected"} 1
rsguard_decisions_total{code="token_malformed",issuer="",outcome="rejected"} 1
rsguard_decisions_total{code="token_missing",issuer="",outcome="rejected"} 1
rsguard_decisions_total{code="wrong_issuer",issuer="other",outcome="rejected"} 1
`)
	a.want(t, "rsguard_remembered_total", `
# HELP rsguard_remembered_total Accepted tokens whose signature was not checked again.
# TYPE rsguard_remembered_total counter
rsguard_remembered_total 1
`)
	a.want(t, "rsguard_keys_state", `
# HELP rsguard_keys_state 1 for the state that the keys are in.
# TYPE rsguard_keys_state gauge
rsguard_keys_state{issuer="tenant",state="DEAD"} 0
rsguard_keys_state{issuer="tenant",state="EMPTY"} 0
rsguard_keys_state{issuer="tenant",state="EXPIRED"} 0
rsguard_keys_state{issuer="tenant",state="FRESH"} 1
rsguard_keys_state{issuer="tenant",state="REVALIDATE"} 0
`)
	if n := testutil.CollectAndCount(a.metrics, "rsguard_decision_duration_seconds"); n != 2 {
		t.Errorf("%d histograms, want one of accepted and one of rejected requests", n)
	}
	if n := testutil.CollectAndCount(a.metrics, "rsguard_keys_age_seconds"); n != 1 {
		t.Errorf("%d ages of keys, want 1", n)
	}
	problems, err := testutil.CollectAndLint(a.metrics)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

func TestCollector_unavailable(t *testing.T) {
	t.Parallel()

	a := newAPI(t, nil)
	token := a.iss.Token(nil)
	a.iss.SetDown(true)
	if got := a.serve(token); got != 503 {
		t.Errorf("status %d, want 503", got)
	}
	a.want(t, "rsguard_unavailable_total", `
# HELP rsguard_unavailable_total Rejections because a service was unavailable.
# TYPE rsguard_unavailable_total counter
rsguard_unavailable_total{service="introspection"} 0
rsguard_unavailable_total{service="keys"} 1
rsguard_unavailable_total{service="replay store"} 0
rsguard_unavailable_total{service="revocations"} 0
rsguard_unavailable_total{service="tenants"} 0
`)
	a.want(t, "rsguard_keys_failures", `
# HELP rsguard_keys_failures Failed fetches of keys since the last success.
# TYPE rsguard_keys_failures gauge
rsguard_keys_failures{issuer="tenant"} 1
`)
}

func TestCollector_reportOnly(t *testing.T) {
	t.Parallel()

	a := newAPI(t, func(cfg *middleware.Config) {
		cfg.InsecureReportOnly = true
		cfg.Compare = func(*http.Request) error { return nil }
	})
	for _, token := range []string{"", a.iss.Token(guardtest.Claims{"scope": "orders:read"})} {
		if got := a.serve(token); got != 200 {
			t.Errorf("status %d, want 200", got)
		}
	}
	a.want(t, "rsguard_report_only_total", `
# HELP rsguard_report_only_total Decisions that were only reported.
# TYPE rsguard_report_only_total counter
rsguard_report_only_total{code=""} 1
rsguard_report_only_total{code="token_missing"} 1
`)
	a.want(t, "rsguard_differences_total", `
# HELP rsguard_differences_total Decisions that differ from the other.
# TYPE rsguard_differences_total counter
rsguard_differences_total{rejected_by="compare"} 0
rsguard_differences_total{rejected_by="rsguard"} 1
`)
}

func TestCollector_introspection(t *testing.T) {
	t.Parallel()

	iss := guardtest.NewIssuer(t)
	in, err := introspection.New(introspection.Config{
		Issuer: iss.URL, Audiences: []string{audience}, Client: iss.Client(),
		ClientID: "api", Auth: introspection.ClientSecretBasic("secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := promguard.New(promguard.Config{Introspectors: map[string]*introspection.Introspector{"hydra": in}})
	if err != nil {
		t.Fatal(err)
	}
	iss.SetDown(true)
	if _, err := in.Validate(t.Context(), "opaque"); err == nil {
		t.Fatal("Validate() error = nil")
	}
	if err := testutil.CollectAndCompare(metrics, strings.NewReader(`
# HELP rsguard_introspection_up 0 if the last call has failed.
# TYPE rsguard_introspection_up gauge
rsguard_introspection_up{server="hydra"} 0
`), "rsguard_introspection_up"); err != nil {
		t.Error(err)
	}
}

// A million made-up key IDs, subjects, methods and routes add no series, and a
// million issuers, codes and services no more than the Config allows.
func TestCollector_bounded(t *testing.T) {
	t.Parallel()

	a := newAPI(t, nil)
	a.serve("a.b.c")
	want := testutil.CollectAndCount(a.metrics)
	events := 1_000_000
	if testing.Short() {
		events = 10_000
	}
	for i := range events {
		text := strconv.Itoa(i)
		a.metrics.Observe(t.Context(), middleware.Event{
			Outcome: middleware.Rejected, Code: validator.CodeMalformed,
			KeyID: text, Algorithm: text, Subject: text, Client: text, Actor: text, Organization: text, Scheme: text, Method: text, Route: text,
		})
	}
	if got := testutil.CollectAndCount(a.metrics); got != want {
		t.Errorf("%d series after %d events, want %d as before", got, events, want)
	}
	// The tenants of a service may be many, and so may its own codes be.
	for i := range events {
		text := strconv.Itoa(i)
		a.metrics.Observe(t.Context(), middleware.Event{Outcome: middleware.Rejected, Code: validator.Code(text), Issuer: text, Service: text})
	}
	if got := testutil.CollectAndCount(a.metrics); got > want+3*101 {
		t.Errorf("%d series after %d issuers and codes, want %d at most", got, events, want+3*101)
	}
}

// A stranger's requests, and not only events, are what is bounded. Each has a
// token with an issuer and a key ID of its own.
func TestCollector_strangers(t *testing.T) {
	t.Parallel()

	a := newAPI(t, nil)
	a.serve("")
	before := testutil.CollectAndCount(a.metrics)
	requests := 50_000
	if testing.Short() {
		requests = 2_000
	}
	for i := range requests {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/%d", i), nil)
		r.Method = fmt.Sprintf("M%d", i)
		r.Header.Set("Authorization", "Bearer "+madeUp(a.iss.URL, i))
		a.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	a.want(t, "rsguard_decisions_total", fmt.Sprintf(`
# HELP rsguard_decisions_total Decisions about requests.
# TYPE rsguard_decisions_total counter
rsguard_decisions_total{code="token_missing",issuer="",outcome="rejected"} 1
rsguard_decisions_total{code="unknown_key",issuer="ISSUER",outcome="rejected"} %[1]d
rsguard_decisions_total{code="wrong_issuer",issuer="other",outcome="rejected"} %[1]d
`, requests/2))
	// Those are two decisions, and the keys' fetch with its document.
	if got := testutil.CollectAndCount(a.metrics); got > before+14 {
		t.Errorf("%d series after %d requests, want %d at most", got, requests, before+14)
	}
}

// madeUp returns a token of an issuer that is made up, or of the issuer with a
// key ID that is.
func madeUp(issuer string, i int) string {
	if i%2 == 0 {
		issuer = fmt.Sprintf("https://%d.example/", i)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode(fmt.Appendf(nil, `{"alg":"RS256","kid":"%d"}`, i)) + "." +
		encode(fmt.Appendf(nil, `{"iss":%q,"aud":%q,"sub":"%d","exp":4102444800}`, issuer, audience, i)) + ".AAAA"
}

// A value that is no UTF-8 is shown with a replacement. The client library
// would panic, and Prometheus would take none of the metrics.
func TestCollector_utf8(t *testing.T) {
	t.Parallel()

	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const broken = "a\xff"
	metrics.Observe(t.Context(), middleware.Event{Outcome: middleware.Rejected, Code: broken, Issuer: broken, Service: broken, ReportOnly: true})
	metrics.ObserveIO(t.Context(), observe.Event{Part: broken, Kind: observe.RequestEnded, Name: broken, Request: broken, Outcome: broken})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics)
	families, err := registry.Gather()
	if err != nil || !strings.Contains(fmt.Sprint(families), "a\uFFFD") {
		t.Errorf("Gather() = %v, %v, want a replacement", families, err)
	}
	if _, err := promguard.New(promguard.Config{Caches: map[string]*jwks.Cache{broken: new(jwks.Cache)}}); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("New() with such a name: error = %v, want that it is not UTF-8", err)
	}
}

func TestNew_faults(t *testing.T) {
	t.Parallel()

	_, err := promguard.New(promguard.Config{
		Caches:        map[string]*jwks.Cache{"a": nil},
		Introspectors: map[string]*introspection.Introspector{"b": nil},
		MaxIssuers:    -1,
		Buckets:       []float64{1, 1},
	})
	for _, part := range []string{`Caches["a"]`, `Introspectors["b"]`, "MaxIssuers", "Buckets"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("New() error = %v, want %s in it", err, part)
		}
	}
}

func TestCollector_Observe_allocs(t *testing.T) {
	a := newAPI(t, nil)
	e := middleware.Event{Outcome: middleware.Accepted, Issuer: a.iss.URL, Duration: time.Microsecond, Remembered: true}
	if got := testing.AllocsPerRun(100, func() { a.metrics.Observe(context.Background(), e) }); got > 0 {
		t.Errorf("Observe makes %v allocations, want none", got)
	}
}

func BenchmarkCollector_Observe(b *testing.B) {
	a := newAPI(b, nil)
	e := middleware.Event{Outcome: middleware.Accepted, Issuer: a.iss.URL, Duration: time.Microsecond, Remembered: true}
	b.ReportAllocs()
	for b.Loop() {
		a.metrics.Observe(b.Context(), e)
	}
}

var _ prometheus.Collector = (*promguard.Collector)(nil)
