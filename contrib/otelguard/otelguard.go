// Package otelguard tells OpenTelemetry what a middleware.Authenticator
// decides, and the state of what it decides by.
//
//	o, err := otelguard.New(otelguard.Config{
//		Caches: map[string]*jwks.Cache{"tenant": keys},
//	})
//	…
//	auth, err := middleware.New(middleware.Config{
//		Validator: v, Observe: o.Observe,
//	})
//
// A rejection is an event, "rsguard.rejected", of the request's span, if the
// span is recorded. The instruments are:
//
//	rsguard.decision.duration       histogram, s
//	    outcome, error.type, issuer
//	rsguard.decision.remembered     counter
//	    accepted tokens whose signature was not checked again
//	rsguard.decision.unavailable    counter
//	    service
//	rsguard.decision.faults         counter
//	    rejections because a function of the program has panicked
//	rsguard.decision.report_only    counter
//	    error.type, unless the decision was to accept
//	rsguard.decision.compared       counter
//	    decisions that were compared with another
//	rsguard.decision.difference     counter
//	    rejected_by
//	rsguard.keys.age                gauge, s
//	    issuer
//	rsguard.keys.count              gauge
//	    issuer
//	rsguard.keys.state              gauge
//	    issuer, state: 1 for the state that a cache is in, otherwise 0
//	rsguard.keys.fetches            counter
//	    issuer
//	rsguard.keys.failures           gauge
//	    issuer: failed fetches since the last success
//	rsguard.introspection.up        gauge
//	    server: 0 if the last call has failed
//	rsguard.introspection.calls     counter
//	    server
//	rsguard.introspection.running   gauge
//	    server
//	rsguard.introspection.failures  gauge
//	    server: failed calls since the last success
//
// Attributes but error.type begin with "rsguard.". The count of the histogram
// is that of decisions. An error.type is the rejection's code, as the semantic
// conventions have it. The number of series is bounded, whatever clients send.
//
// [Observer.ObserveIO] is for the Observe of [jwks.Config],
// introspection.Config and the modules for Redis. It makes a span of each
// request to another service, and these instruments:
//
//	rsguard.request.duration        histogram, s
//	    part, name, request, outcome, error.type: the outcome again, if it
//	    is a failure
//	rsguard.request.running         up-down
//	    part, name, request
//	rsguard.state.changes           counter
//	    part, name, state
//	rsguard.keys.changes            counter
//	    name, change: added or withdrawn
//	rsguard.keys.unknown            counter
//	    name: lookups of key IDs that the issuer does not have
//	rsguard.feed.late               gauge
//	    name: 1 while revocations may not arrive, otherwise 0
//
// The figures are those of the module promguard.
//
// A span is made when the request has ended. It is a child of the span of the
// request that has caused it, if it belongs to one alone, as a command of a
// replay store does. A fetch of keys and an introspection may serve many, so
// that their spans are roots. For the spans of HTTP below them, give a Config a
// Client whose Transport is one of the package otelhttp. [ReplayStore] makes
// spans around any store of used proofs.
package otelguard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/series"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
)

const scope = "github.com/rsguard/rsguard/contrib/otelguard"

// A Config says what an Observer tells. The zero value tells of decisions to the
// global providers.
type Config struct {
	// MeterProvider has the instruments. If nil, it is
	// [otel.GetMeterProvider]'s.
	MeterProvider metric.MeterProvider

	// TracerProvider has the spans of ObserveIO. If nil, it is
	// [otel.GetTracerProvider]'s.
	TracerProvider trace.TracerProvider

	// Caches are those whose state is told, by the attribute rsguard.issuer.
	Caches map[string]*jwks.Cache

	// Introspectors are those whose state is told, by the attribute
	// rsguard.server.
	Introspectors map[string]*introspection.Introspector

	// MaxIssuers limits the values of rsguard.issuer and rsguard.name, and
	// MaxCodes those of error.type and rsguard.service. All that come after
	// those are "other". If zero, they are 100.
	MaxIssuers, MaxCodes int
}

// An Observer tells of decisions. Make one with [New], and close it when it is
// no longer needed. It is safe for concurrent use.
type Observer struct {
	reader                      *series.Reader
	io                          ioInstruments
	durations                   metric.Float64Histogram
	remembered, unavailable     metric.Int64Counter
	faults, reported            metric.Int64Counter
	compared, differences       metric.Int64Counter
	keyAge                      metric.Float64ObservableGauge
	keys, keyState, keyFailures metric.Int64ObservableGauge
	keyFetches, calls           metric.Int64ObservableCounter
	up, running, failures       metric.Int64ObservableGauge
	registration                metric.Registration
}

// New returns an Observer for cfg. The error joins all faults of cfg and of the
// MeterProvider.
func New(cfg Config) (*Observer, error) {
	reader, err := series.NewReader(cfg.MaxIssuers, cfg.MaxCodes)
	errs := []error{series.Check("Caches", cfg.Caches), series.Check("Introspectors", cfg.Introspectors), err}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("otelguard: %w", err)
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	meter := cfg.MeterProvider.Meter(scope)
	o := &Observer{reader: reader}
	if o.io, err = newIOInstruments(cfg.TracerProvider, meter); err != nil {
		errs = append(errs, err)
	}
	note := func() { errs = append(errs, err) }
	o.durations, err = meter.Float64Histogram("rsguard.decision.duration", metric.WithUnit("s"), metric.WithDescription("Time that decisions took."),
		metric.WithExplicitBucketBoundaries(1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10))
	note()
	counter := func(name, unit, text string) metric.Int64Counter {
		c, failed := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(text))
		err = failed
		note()
		return c
	}
	gauge := func(name, unit, text string) metric.Int64ObservableGauge {
		g, failed := meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(text))
		err = failed
		note()
		return g
	}
	total := func(name, unit, text string) metric.Int64ObservableCounter {
		c, failed := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(text))
		err = failed
		note()
		return c
	}
	o.remembered = counter("rsguard.decision.remembered", "{token}", "Accepted tokens whose signature was not checked again.")
	o.unavailable = counter("rsguard.decision.unavailable", "{request}", "Rejections because a service was unavailable.")
	o.faults = counter("rsguard.decision.faults", "{request}", "Rejections because a function of the program has panicked.")
	o.compared = counter("rsguard.decision.compared", "{request}", "Decisions that were compared with another.")
	o.reported = counter("rsguard.decision.report_only", "{request}", "Decisions that were only reported.")
	o.differences = counter("rsguard.decision.difference", "{request}", "Decisions that differ from the other.")
	o.keyAge, err = meter.Float64ObservableGauge("rsguard.keys.age", metric.WithUnit("s"), metric.WithDescription("Time since the last successful fetch of the keys."))
	note()
	o.keys = gauge("rsguard.keys.count", "{key}", "Keys held.")
	o.keyState = gauge("rsguard.keys.state", "1", "1 for the state that the keys are in.")
	o.keyFailures = gauge("rsguard.keys.failures", "{fetch}", "Failed fetches of keys since the last success.")
	o.keyFetches = total("rsguard.keys.fetches", "{fetch}", "Fetches of keys begun.")
	o.up = gauge("rsguard.introspection.up", "1", "0 if the last call has failed.")
	o.calls = total("rsguard.introspection.calls", "{call}", "Calls begun.")
	o.running = gauge("rsguard.introspection.running", "{call}", "Calls that have not ended.")
	o.failures = gauge("rsguard.introspection.failures", "{call}", "Failed calls since the last success.")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("otelguard: %w", err)
	}
	o.registration, err = meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		o.caches(to, cfg.Caches)
		o.introspectors(to, cfg.Introspectors)
		o.io.feeds.tell(to, o.io.late)
		return nil
	}, o.keyAge, o.keys, o.keyState, o.keyFailures, o.keyFetches, o.up, o.calls, o.running, o.failures, o.io.late)
	if err != nil {
		return nil, fmt.Errorf("otelguard: %w", err)
	}
	o.begin()
	return o, nil
}

// begin makes the series of which an alert takes the increase. A server that
// computes it sees none in a series that begins with 1.
func (o *Observer) begin() {
	ctx := context.Background()
	for _, service := range series.Services {
		o.unavailable.Add(ctx, 0, metric.WithAttributes(keyService.String(service)))
	}
	for _, side := range series.Sides {
		o.differences.Add(ctx, 0, metric.WithAttributes(keyRejectedBy.String(side)))
	}
	for _, counter := range []metric.Int64Counter{o.remembered, o.faults, o.reported, o.compared} {
		counter.Add(ctx, 0)
	}
}

// Close ends the observation of the caches, introspectors and feeds.
func (o *Observer) Close() error { return o.registration.Unregister() }

// The names of attributes.
const (
	keyOutcome    = attribute.Key("rsguard.outcome")
	keyIssuer     = attribute.Key("rsguard.issuer")
	keyService    = attribute.Key("rsguard.service")
	keyRejectedBy = attribute.Key("rsguard.rejected_by")
	keyState      = attribute.Key("rsguard.state")
	keyServer     = attribute.Key("rsguard.server")
	keyKeyID      = attribute.Key("rsguard.key_id")
	keyPart       = attribute.Key("rsguard.part")
	keyName       = attribute.Key("rsguard.name")
	keyRequest    = attribute.Key("rsguard.request")
	keyChange     = attribute.Key("rsguard.change")
	keyReportOnly = attribute.Key("rsguard.report_only")
	keyError      = attribute.Key("error.type")                // of the semantic conventions
	keyStatus     = attribute.Key("http.response.status_code") // likewise
)

// Observe tells of e. It is for [middleware.Config].Observe.
func (o *Observer) Observe(ctx context.Context, e middleware.Event) {
	d := o.reader.Decision(&e)
	attrs := make([]attribute.KeyValue, 1, 3)
	attrs[0] = keyOutcome.String(d.Outcome)
	if d.Code != "" {
		attrs = append(attrs, keyError.String(d.Code))
	}
	if d.Issuer != "" {
		attrs = append(attrs, keyIssuer.String(d.Issuer))
	}
	o.durations.Record(ctx, d.Seconds, metric.WithAttributes(attrs...))
	if d.Remembered {
		o.remembered.Add(ctx, 1)
	}
	if d.Unavailable != "" {
		o.unavailable.Add(ctx, 1, metric.WithAttributes(keyService.String(d.Unavailable)))
	}
	if d.Fault {
		o.faults.Add(ctx, 1)
	}
	if d.Compared {
		o.compared.Add(ctx, 1)
	}
	if d.ReportOnly {
		o.reported.Add(ctx, 1, metric.WithAttributes(ifAny(keyError, d.Code)...))
	}
	if d.RejectedBy != "" {
		o.differences.Add(ctx, 1, metric.WithAttributes(keyRejectedBy.String(d.RejectedBy)))
	}
	if e.Code != "" {
		rejected(ctx, e)
	}
}

// ifAny returns the attribute, or none without a value.
func ifAny(key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return nil
	}
	return []attribute.KeyValue{key.String(value)}
}

// textOf returns an attribute that is UTF-8. An exporter would reject all that
// another is sent with.
func textOf(key attribute.Key, value string) attribute.KeyValue {
	return key.String(strings.ToValidUTF8(value, "?"))
}

// rejected adds an event to the span of the request.
func rejected(ctx context.Context, e middleware.Event) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attrs := []attribute.KeyValue{
		textOf(keyError, string(e.Code)), keyStatus.Int(e.Status), keyOutcome.String(string(e.Outcome)),
	}
	for _, of := range []struct {
		key  attribute.Key
		text string
	}{{keyIssuer, e.Issuer}, {keyKeyID, e.KeyID}, {keyService, e.Service}} {
		if of.text != "" {
			attrs = append(attrs, textOf(of.key, of.text))
		}
	}
	if e.ReportOnly {
		attrs = append(attrs, keyReportOnly.Bool(true))
	}
	span.AddEvent("rsguard.rejected", trace.WithAttributes(attrs...))
}

var states = []jwks.State{jwks.Empty, jwks.Fresh, jwks.Revalidate, jwks.Expired, jwks.Dead}

func (o *Observer) caches(to metric.Observer, caches map[string]*jwks.Cache) {
	for issuer, cache := range caches {
		s := cache.Status()
		of := metric.WithAttributes(keyIssuer.String(issuer))
		for _, state := range states {
			to.ObserveInt64(o.keyState, series.OneIf[int64](s.State == state), metric.WithAttributes(keyIssuer.String(issuer), keyState.String(string(state))))
		}
		if s.State != jwks.Empty {
			to.ObserveFloat64(o.keyAge, s.Age.Seconds(), of)
		}
		to.ObserveInt64(o.keys, int64(len(s.KeyIDs)), of)
		to.ObserveInt64(o.keyFailures, int64(s.Failures), of)
		to.ObserveInt64(o.keyFetches, int64(s.Fetches), of)
	}
}

func (o *Observer) introspectors(to metric.Observer, all map[string]*introspection.Introspector) {
	for server, in := range all {
		s := in.Status()
		of := metric.WithAttributes(keyServer.String(server))
		to.ObserveInt64(o.up, series.OneIf[int64](s.Failures == 0), of)
		to.ObserveInt64(o.calls, int64(s.Calls), of)
		to.ObserveInt64(o.running, int64(s.Running), of)
		to.ObserveInt64(o.failures, int64(s.Failures), of)
	}
}

// ReplayStore returns a store that does what store does, in a span, "replay
// store", of the global TracerProvider. The span has the error, and not the
// key.
func ReplayStore(store dpop.ReplayStore) dpop.ReplayStore { return spanned{store} }

type spanned struct{ store dpop.ReplayStore }

func (s spanned) Add(ctx context.Context, key string, expires time.Time) (bool, error) {
	ctx, span := otel.Tracer(scope).Start(ctx, "replay store", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	isNew, err := s.store.Add(ctx, key, expires)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return isNew, err
}
