package otelguard_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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
	"github.com/rsguard/rsguard/observe"
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

// A million made-up key IDs, subjects, methods and routes add no series, and a
// million issuers, codes and services no more than the Config allows.
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
	for i := range events {
		text := strconv.Itoa(i)
		a.o.Observe(context.Background(), middleware.Event{
			Outcome: middleware.Rejected, Code: validator.CodeMalformed,
			KeyID: text, Algorithm: text, Subject: text, Client: text, Actor: text, Organization: text, Scheme: text, Method: text, Route: text,
		})
	}
	if got := len(a.series(t)); got != want {
		t.Errorf("%d series, want %d as before", got, want)
	}
	for i := range events {
		text := strconv.Itoa(i)
		a.o.Observe(context.Background(), middleware.Event{Outcome: middleware.Rejected, Code: validator.Code(text), Issuer: text, Service: text})
	}
	if got := len(a.series(t)); got > want+202 {
		t.Errorf("%d series after %d tenants and codes, want %d at most", got, events, want+202)
	}
}

// A stranger's requests, and not only events, are what is bounded. Each has a
// token with an issuer and a key ID of its own.
func TestObserver_strangers(t *testing.T) {
	t.Parallel()

	a := newAPI(t)
	requests := 10_000 // each makes a span, which is recorded
	if testing.Short() {
		requests = 2_000
	}
	for i := range requests {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method = fmt.Sprintf("M%d", i)
		r.Header.Set("Authorization", "Bearer "+madeUp(a.iss.URL, i))
		a.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	var decisions []string
	for name, value := range a.series(t) {
		if strings.HasPrefix(name, "rsguard.decision.duration") {
			decisions = append(decisions, fmt.Sprint(name, " ", value))
		}
	}
	slices.Sort(decisions)
	want := []string{
		fmt.Sprintf("rsguard.decision.duration error.type=unknown_key rsguard.issuer=ISSUER rsguard.outcome=rejected %d", requests/2),
		fmt.Sprintf("rsguard.decision.duration error.type=wrong_issuer rsguard.issuer=other rsguard.outcome=rejected %d", requests/2),
	}
	if !slices.Equal(decisions, want) {
		t.Errorf("decisions = %q, want %q", decisions, want)
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

// A value that is no UTF-8 has a replacement. An exporter would reject all that
// it is sent with.
func TestObserver_utf8(t *testing.T) {
	t.Parallel()

	a := newIO(t)
	const broken = "a\xff"
	ctx, span := a.tracer.Tracer("test").Start(t.Context(), "request")
	a.o.Observe(ctx, middleware.Event{Outcome: middleware.Rejected, Code: broken, Issuer: broken, KeyID: broken, Service: broken, ReportOnly: true})
	a.o.ObserveIO(ctx, observe.Event{Part: broken, Kind: observe.RequestEnded, Name: broken, Request: broken, Outcome: broken, Host: broken})
	span.End()
	for name := range a.series(t) {
		if !utf8.ValidString(name) {
			t.Errorf("%q is no UTF-8", name)
		}
	}
	for _, span := range a.spans.Ended() {
		attrs := span.Attributes()
		for _, event := range span.Events() {
			attrs = append(attrs, event.Attributes...)
		}
		for _, kv := range attrs {
			if !utf8.ValidString(kv.Value.String()) {
				t.Errorf("span %q: %s = %q is no UTF-8", span.Name(), kv.Key, kv.Value.String())
			}
		}
		if !utf8.ValidString(span.Name()) || !utf8.ValidString(span.Status().Description) {
			t.Errorf("span %q, %q is no UTF-8", span.Name(), span.Status().Description)
		}
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
