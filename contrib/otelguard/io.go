package otelguard

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/rsguard/rsguard/internal/series"
	"github.com/rsguard/rsguard/observe"
)

// ioInstruments are those of [Observer.ObserveIO].
type ioInstruments struct {
	tracer                   trace.Tracer
	durations                metric.Float64Histogram
	running                  metric.Int64UpDownCounter
	states, changes, unknown metric.Int64Counter
	late                     metric.Int64ObservableGauge
	feeds                    *feeds
}

// feeds are those of revocations, by name, and whether each is late.
type feeds struct {
	mu   sync.Mutex
	late map[string]bool
}

// note adds a feed as soon as it is used, and sets whether it is late by an
// event that says so.
func (f *feeds) note(name string, e *observe.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.late[name]; !known || e.Kind == observe.StateChanged {
		f.late[name] = e.Kind == observe.StateChanged && e.Failing
	}
}

func (f *feeds) tell(to metric.Observer, gauge metric.Int64Observable) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, late := range f.late {
		to.ObserveInt64(gauge, series.OneIf[int64](late), metric.WithAttributes(keyName.String(name)))
	}
}

func newIOInstruments(tracers trace.TracerProvider, meter metric.Meter) (ioInstruments, error) {
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	i := ioInstruments{tracer: tracers.Tracer(scope), feeds: &feeds{late: make(map[string]bool)}}
	var errs [6]error
	i.durations, errs[0] = meter.Float64Histogram("rsguard.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Time that requests to other services took."),
		metric.WithExplicitBucketBoundaries(1e-4, 1e-3, 1e-2, 0.05, 0.2, 1, 5, 10))
	i.running, errs[1] = meter.Int64UpDownCounter("rsguard.request.running", metric.WithUnit("{request}"),
		metric.WithDescription("Requests to other services that have not ended."))
	i.states, errs[2] = meter.Int64Counter("rsguard.state.changes", metric.WithUnit("{change}"),
		metric.WithDescription("Changes of a part's state."))
	i.changes, errs[3] = meter.Int64Counter("rsguard.keys.changes", metric.WithUnit("{key}"),
		metric.WithDescription("Keys that the issuer has added or withdrawn."))
	i.unknown, errs[4] = meter.Int64Counter("rsguard.keys.unknown", metric.WithUnit("{lookup}"),
		metric.WithDescription("Lookups of key IDs that the issuer does not have."))
	i.late, errs[5] = meter.Int64ObservableGauge("rsguard.feed.late", metric.WithUnit("1"),
		metric.WithDescription("1 while revocations may not arrive."))
	return i, errors.Join(errs[:]...)
}

// ObserveIO tells of e. It is for [jwks.Config].Observe, and for the Observe of
// all other parts that have one of package observe.
func (o *Observer) ObserveIO(ctx context.Context, e observe.Event) {
	io := o.reader.IO(&e)
	name := keyName.String(io.Name)
	if e.Part == observe.Revocation {
		o.io.feeds.note(io.Name, &e)
	}
	switch e.Kind {
	case observe.RequestBegan:
		o.io.running.Add(ctx, 1, metric.WithAttributes(keyPart.String(io.Part), name, keyRequest.String(io.Request)))
	case observe.RequestEnded:
		o.ended(ctx, e, io)
	case observe.StateChanged:
		o.io.states.Add(ctx, 1, metric.WithAttributes(keyPart.String(io.Part), name, keyState.String(io.State)))
	case observe.KeysChanged:
		o.io.changes.Add(ctx, int64(len(e.Added)), metric.WithAttributes(name, keyChange.String("added")))
		o.io.changes.Add(ctx, int64(len(e.Withdrawn)), metric.WithAttributes(name, keyChange.String("withdrawn")))
	case observe.UnknownKeys:
		o.io.unknown.Add(ctx, int64(e.Count), metric.WithAttributes(name))
	}
}

// ended tells of a request that has ended, and makes its span.
func (o *Observer) ended(ctx context.Context, e observe.Event, io series.IO) {
	attrs := make([]attribute.KeyValue, 3, 9)
	attrs[0], attrs[1], attrs[2] = keyPart.String(io.Part), keyName.String(io.Name), keyRequest.String(io.Request)
	o.io.running.Add(ctx, -1, metric.WithAttributes(attrs...))
	attrs = append(attrs, keyOutcome.String(io.Outcome))
	if io.Failed {
		attrs = append(attrs, keyError.String(io.Outcome))
	}
	o.io.durations.Record(ctx, e.Duration.Seconds(), metric.WithAttributes(attrs...))

	_, span := o.io.tracer.Start(ctx, "rsguard "+io.Request, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(e.Time.Add(-e.Duration)))
	if span.IsRecording() {
		span.SetAttributes(append(attrs, ofResponse(e)...)...)
		if io.Failed {
			span.SetStatus(codes.Error, io.Outcome)
		}
	}
	span.End(trace.WithTimestamp(e.Time))
}

// ofResponse returns the attributes of a span that metrics don't have. Their
// names are of the semantic conventions.
func ofResponse(e observe.Event) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	if e.Host != "" {
		host, port, err := net.SplitHostPort(e.Host)
		if err != nil {
			host, port = e.Host, ""
		}
		attrs = append(attrs, textOf("server.address", host))
		if n, err := strconv.Atoi(port); err == nil {
			attrs = append(attrs, attribute.Int("server.port", n))
		}
	}
	if e.Status != 0 {
		attrs = append(attrs, keyStatus.Int(e.Status))
	}
	if e.Bytes != 0 {
		attrs = append(attrs, attribute.Int("http.response.body.size", e.Bytes))
	}
	return attrs
}
