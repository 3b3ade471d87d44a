package otelguard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/rsguard/rsguard/contrib/otelguard"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/testutil"
)

func newIO(t *testing.T, options ...trace.TracerProviderOption) *api {
	t.Helper()
	a := &api{iss: testutil.NewIssuer(t), reader: metric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	a.tracer = trace.NewTracerProvider(append(options, trace.WithSpanProcessor(a.spans))...)
	var err error
	a.o, err = otelguard.New(otelguard.Config{
		MeterProvider: metric.NewMeterProvider(metric.WithReader(a.reader)), TracerProvider: a.tracer,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A fetch is a span for each document, with the time that it took.
func TestObserver_ObserveIO(t *testing.T) {
	t.Parallel()

	a := newIO(t)
	keys, err := jwks.NewCache(jwks.Config{Issuer: a.iss.URL, Client: a.iss.Client(), Observe: a.o.ObserveIO})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.iss.SetDown(true)
	if err := keys.Refresh(t.Context()); err == nil {
		t.Fatal("Refresh() error = nil while the issuer is down")
	}
	var got []string
	for _, span := range a.spans.Ended() {
		if span.SpanKind() != oteltrace.SpanKindClient || span.EndTime().Before(span.StartTime()) {
			t.Errorf("span %s is of kind %v and took %v", span.Name(), span.SpanKind(), span.EndTime().Sub(span.StartTime()))
		}
		text := span.Name()
		if span.Status().Code == codes.Error {
			text += " " + span.Status().Description
		}
		for _, kv := range span.Attributes() {
			switch kv.Key {
			case "http.response.status_code", "server.address", "error.type", "rsguard.part":
				text += fmt.Sprintf(" %s=%s", kv.Key, kv.Value.String())
			}
		}
		got = append(got, text)
	}
	const address = " server.address=127.0.0.1 http.response.status_code="
	want := []string{
		"rsguard metadata rsguard.part=keys" + address + "200",
		"rsguard key_set rsguard.part=keys" + address + "200",
		"rsguard key_set unreachable rsguard.part=keys error.type=unreachable server.address=127.0.0.1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("spans:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	series := a.series(t)
	for name, want := range map[string]float64{
		"rsguard.request.duration rsguard.name=ISSUER rsguard.outcome=ok rsguard.part=keys rsguard.request=metadata":                                1,
		"rsguard.request.duration rsguard.name=ISSUER rsguard.outcome=ok rsguard.part=keys rsguard.request=key_set":                                 1,
		"rsguard.request.duration error.type=unreachable rsguard.name=ISSUER rsguard.outcome=unreachable rsguard.part=keys rsguard.request=key_set": 1,
		"rsguard.request.running rsguard.name=ISSUER rsguard.part=keys rsguard.request=key_set":                                                     0,
	} {
		if value, ok := series[name]; !ok || value != want {
			t.Errorf("%s = %v, %t, want %v", name, value, ok, want)
		}
	}
}

// A command of a replay store is a child of the request's span.
func TestObserver_ObserveIO_parent(t *testing.T) {
	t.Parallel()

	a := newIO(t)
	ctx, parent := a.tracer.Tracer("test").Start(t.Context(), "request")
	end := time.Now()
	a.o.ObserveIO(ctx, observe.Event{
		Part: observe.Replays, Kind: observe.RequestEnded, Name: "orders:", Request: observe.AddProof, Host: "redis:6379",
		Outcome: observe.Timeout, Time: end, Duration: 200 * time.Millisecond,
	})
	ended := a.spans.Ended()
	if len(ended) != 1 || ended[0].Parent().SpanID() != parent.SpanContext().SpanID() ||
		ended[0].EndTime().Sub(ended[0].StartTime()) != 200*time.Millisecond || !ended[0].EndTime().Equal(end) {
		t.Errorf("spans = %v, want one of 200 ms below the request's", ended)
	}
}

// A million events of hosts, key IDs and statuses that an issuer makes up add no
// series.
func TestObserver_ObserveIO_bounded(t *testing.T) {
	t.Parallel()

	a := newIO(t, trace.WithSampler(trace.NeverSample()))
	events := 1_000_000
	if testing.Short() {
		events = 10_000
	}
	for i := range 10 {
		tellIO(a.o, i, "tenant")
	}
	want := len(a.series(t))
	for i := range events {
		tellIO(a.o, i, "tenant")
	}
	if got := len(a.series(t)); got != want || want == 0 {
		t.Errorf("%d series after %d events, want %d as before", got, events, want)
	}
	for i := range 20_000 {
		tellIO(a.o, i, fmt.Sprint(i))
	}
	if got, most := len(a.series(t)), want*101; got > most {
		t.Errorf("%d series after 20,000 tenants, want %d at most", got, most)
	}
}

func tellIO(o *otelguard.Observer, i int, name string) {
	kinds := []observe.Kind{observe.RequestBegan, observe.RequestEnded, observe.StateChanged, observe.KeysChanged, observe.UnknownKeys}
	o.ObserveIO(context.Background(), observe.Event{
		Part: observe.Keys, Kind: kinds[i%len(kinds)], Name: name, Request: observe.KeySet, Outcome: observe.OK, Time: time.Now(),
		Host: fmt.Sprint(i), Status: i, Bytes: i, State: "FRESH", Added: []string{fmt.Sprint(i)}, Count: 1,
	})
}

func TestObserver_ObserveIO_feed(t *testing.T) {
	t.Parallel()

	a := newIO(t)
	for _, failing := range []bool{true, false, true} {
		a.o.ObserveIO(t.Context(), observe.Event{Part: observe.Revocation, Name: "rules:", Kind: observe.StateChanged, State: "s", Failing: failing})
		want := map[bool]float64{true: 1, false: 0}[failing]
		if got, ok := a.series(t)["rsguard.feed.late rsguard.name=rules:"]; !ok || got != want {
			t.Errorf("rsguard.feed.late = %v, %t, want %v", got, ok, want)
		}
	}
}
