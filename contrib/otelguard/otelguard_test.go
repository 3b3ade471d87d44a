package otelguard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/rsguard/rsguard/contrib/otelguard"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

const audience = "https://api.example.com"

// An api is guarded, observed and traced, by real instruments.
type api struct {
	iss     *testutil.Issuer
	keys    *jwks.Cache
	reader  *metric.ManualReader
	spans   *tracetest.SpanRecorder
	tracer  *trace.TracerProvider
	o       *otelguard.Observer
	handler http.Handler
}

func newAPI(t testing.TB) *api {
	t.Helper()
	a := &api{iss: testutil.NewIssuer(t), reader: metric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	a.tracer = trace.NewTracerProvider(trace.WithSpanProcessor(a.spans))
	meters := metric.NewMeterProvider(metric.WithReader(a.reader))
	client := a.iss.Client()
	client.Transport = otelhttp.NewTransport(client.Transport, otelhttp.WithTracerProvider(a.tracer))
	var err error
	a.keys, err = jwks.NewCache(jwks.Config{Issuer: a.iss.URL, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	in, err := introspection.New(introspection.Config{
		Issuer: a.iss.URL, Audiences: []string{audience}, Client: a.iss.Client(), ClientID: "api", Auth: introspection.ClientSecretBasic("s"),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.o, err = otelguard.New(otelguard.Config{
		MeterProvider: meters, Caches: map[string]*jwks.Cache{"tenant": a.keys}, Introspectors: map[string]*introspection.Introspector{"hydra": in},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := a.iss.Config(audience)
	cfg.Keys = a.keys
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Observe: a.o.Observe, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.handler = otelhttp.NewHandler(auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), "orders", otelhttp.WithTracerProvider(a.tracer), otelhttp.WithMeterProvider(meters))
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

// series returns the values by name and attributes, and their number for a
// histogram.
func (a *api) series(t *testing.T) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := a.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	add := func(name string, attrs attribute.Set, value float64) {
		var b strings.Builder
		b.WriteString(name)
		for _, kv := range attrs.ToSlice() {
			fmt.Fprintf(&b, " %s=%s", kv.Key, kv.Value.String())
		}
		got[strings.ReplaceAll(b.String(), a.iss.URL, "ISSUER")] = value
	}
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			if !strings.HasPrefix(m.Name, "rsguard.") {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Count))
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			default:
				t.Fatalf("%s is a %T", m.Name, data)
			}
		}
	}
	return got
}

func TestObserver(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	good := a.iss.Token(nil)
	for _, token := range []string{good, good, "", "a.b.c", a.iss.Token(testutil.Claims{"exp": 1})} {
		a.serve(token)
	}
	got := a.series(t)
	for name, want := range map[string]float64{
		"rsguard.decision.duration rsguard.issuer=ISSUER rsguard.outcome=accepted":                          2,
		"rsguard.decision.duration error.type=token_missing rsguard.outcome=rejected":                       1,
		"rsguard.decision.duration error.type=token_malformed rsguard.outcome=rejected":                     1,
		"rsguard.decision.duration error.type=token_expired rsguard.issuer=ISSUER rsguard.outcome=rejected": 1,
		"rsguard.decision.remembered":                                  1,
		"rsguard.keys.count rsguard.issuer=tenant":                     1,
		"rsguard.keys.state rsguard.issuer=tenant rsguard.state=FRESH": 1,
		"rsguard.keys.state rsguard.issuer=tenant rsguard.state=DEAD":  0,
		"rsguard.keys.failures rsguard.issuer=tenant":                  0,
		"rsguard.introspection.calls rsguard.server=hydra":             0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s = %v, %t, want %v", name, value, ok, want)
		}
	}
	if age, ok := got["rsguard.keys.age rsguard.issuer=tenant"]; !ok || age < 0 {
		t.Errorf("rsguard.keys.age = %v, %t", age, ok)
	}
	if got["rsguard.keys.fetches rsguard.issuer=tenant"] < 1 {
		t.Errorf("rsguard.keys.fetches = %v, want 1 at least", got["rsguard.keys.fetches rsguard.issuer=tenant"])
	}

	events, fetches := 0, 0
	for _, span := range a.spans.Ended() {
		if span.SpanKind() == oteltrace.SpanKindClient {
			fetches++
		}
		for _, event := range span.Events() {
			if event.Name == "rsguard.rejected" && span.SpanKind() == oteltrace.SpanKindServer {
				events++
				if strings.Contains(fmt.Sprint(event.Attributes), good) {
					t.Error("an event has the token in it")
				}
			}
		}
	}
	if events != 3 || fetches < 1 {
		t.Errorf("%d events of rejections and %d spans of fetches, want 3 and 1 at least: %v", events, fetches, a.spans.Ended())
	}

	if err := a.o.Close(); err != nil {
		t.Fatal(err)
	}
	for name := range a.series(t) {
		if strings.HasPrefix(name, "rsguard.keys") {
			t.Errorf("after Close there is %s", name)
		}
	}
}

func TestObserver_unavailable(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	token := a.iss.Token(nil)
	a.iss.SetDown(true)
	if got := a.serve(token); got != 503 {
		t.Errorf("status %d, want 503", got)
	}
	if got := a.series(t); got["rsguard.decision.unavailable rsguard.service=keys"] != 1 || got["rsguard.keys.failures rsguard.issuer=tenant"] != 1 {
		t.Errorf("series = %v, want the keys unavailable once", got)
	}
}

// A million made-up values add no series.
func TestObserver_bounded(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	a.serve("a.b.c")
	a.serve("")
	want := len(a.series(t))
	events := 1_000_000
	if testing.Short() {
		events = 10_000
	}
	e := middleware.Event{Outcome: middleware.Rejected, Code: validator.CodeMalformed}
	for i := range events {
		e.KeyID, e.Subject, e.Client, e.Route = fmt.Sprint(i), "s", "c", "r"
		a.o.Observe(context.Background(), e)
	}
	for i := range 2000 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method = fmt.Sprintf("M%d", i)
		r.Header.Set("Authorization", fmt.Sprintf("Bearer a%d.b%d.c", i, i))
		a.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if got := len(a.series(t)); got != want {
		t.Errorf("%d series, want %d as before", got, want)
	}
	for i := range 5000 {
		a.o.Observe(context.Background(), middleware.Event{Outcome: middleware.Rejected, Code: validator.Code(fmt.Sprint(i)), Issuer: fmt.Sprint(i), Service: fmt.Sprint(i)})
	}
	if got := len(a.series(t)); got > want+202 {
		t.Errorf("%d series after 5,000 tenants and codes, want %d at most", got, want+202)
	}
}

func TestObserver_differences(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	a.o.Observe(t.Context(), middleware.Event{Outcome: middleware.Rejected, Code: validator.CodeScope, ReportOnly: true, Compared: true, Differs: true})
	a.o.Observe(t.Context(), middleware.Event{Outcome: middleware.Accepted, Compared: true, Differs: true})
	got := a.series(t)
	for _, name := range []string{
		"rsguard.decision.report_only error.type=insufficient_scope", "rsguard.decision.difference rsguard.rejected_by=rsguard", "rsguard.decision.difference rsguard.rejected_by=compare",
	} {
		if got[name] != 1 {
			t.Errorf("%s = %v, want 1", name, got[name])
		}
	}
}

type deadStore struct{}

func (deadStore) Add(context.Context, string, time.Time) (bool, error) {
	return false, errors.New("down")
}

func TestReplayStore(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans)))
	if _, err := otelguard.ReplayStore(deadStore{}).Add(t.Context(), "the-key", time.Now()); err == nil {
		t.Error("Add() error = nil, want the store's")
	}
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Name() != "replay store" || ended[0].Status().Code != codes.Error || strings.Contains(fmt.Sprint(ended[0]), "the-key") {
		t.Errorf("spans = %v, want one that has failed, without the key", ended)
	}
}

func TestNew_faults(t *testing.T) {
	t.Parallel()

	_, err := otelguard.New(otelguard.Config{
		Caches: map[string]*jwks.Cache{"a": nil}, Introspectors: map[string]*introspection.Introspector{"b": nil}, MaxCodes: -1,
	})
	for _, part := range []string{`Caches["a"]`, `Introspectors["b"]`, "MaxCodes"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("New() error = %v, want %s in it", err, part)
		}
	}
}

func BenchmarkObserver_Observe(b *testing.B) {
	a := newAPI(b)
	e := middleware.Event{Outcome: middleware.Accepted, Issuer: a.iss.URL, Duration: time.Microsecond, Remembered: true}
	b.ReportAllocs()
	for b.Loop() {
		a.o.Observe(b.Context(), e)
	}
}
