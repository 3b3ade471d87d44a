// Package promguard counts for Prometheus what a middleware.Authenticator
// decides, and shows the state of what it decides by.
//
//	metrics, err := promguard.New(promguard.Config{
//		Caches: map[string]*jwks.Cache{"tenant": keys},
//	})
//	…
//	prometheus.MustRegister(metrics)
//	auth, err := middleware.New(middleware.Config{
//		Validator: v, Observe: metrics.Observe,
//	})
//
// The series are bounded, whatever clients send. The file alerts.yaml beside
// this package has alerts for them, dashboard.json a dashboard for Grafana, and
// docs/operations.md says what to do when one fires. Counters of which an alert
// takes the increase are there from the beginning, with 0.
//
//	rsguard_decisions_total{outcome, code, issuer}
//	    decisions
//	rsguard_decision_duration_seconds{outcome}
//	    a histogram of the time they took
//	rsguard_remembered_total
//	    accepted tokens whose signature was not checked again
//	rsguard_unavailable_total{service}
//	    rejections because a service was unavailable
//	rsguard_faults_total
//	    rejections because a function of the program has panicked
//	rsguard_report_only_total{code}
//	    decisions that were only reported; no code if one was to accept
//	rsguard_compared_total, rsguard_differences_total{rejected_by}
//	    of Config.Compare
//	rsguard_keys_state{issuer, state}
//	    1 for the state that a cache is in, 0 for the others
//	rsguard_keys_age_seconds{issuer}
//	    since the last successful fetch; absent before the first
//	rsguard_keys{issuer}
//	    keys held
//	rsguard_keys_fetches_total{issuer}
//	    fetches begun
//	rsguard_keys_failures{issuer}
//	    failed fetches since the last success
//	rsguard_introspection_up{server}
//	    0 if the last call has failed
//	rsguard_introspection_calls_total{server}
//	    calls begun
//	rsguard_introspection_running{server}
//	    calls that have not ended
//	rsguard_introspection_failures{server}
//	    failed calls since the last success
//
// Those that follow are of [Collector.ObserveIO], which is for the Observe of
// [jwks.Config], introspection.Config, revocation.PollConfig and the modules
// for Redis. The label part is "keys", "introspection", "replays" or
// "revocation", and name is what that is called in its Config, such as the
// issuer:
//
//	rsguard_requests_total{part, name, request, outcome}
//	    requests to other services
//	rsguard_requests_running{part, name, request}
//	    those that have not ended
//	rsguard_request_duration_seconds{part, request}
//	    a histogram of the time they took
//	rsguard_state_changes_total{part, name, state}
//	    changes to that state
//	rsguard_key_changes_total{name, change}
//	    keys added and withdrawn
//	rsguard_unknown_keys_total{name}
//	    lookups of key IDs that the issuer does not have
//	rsguard_feed_late{name}
//	    1 while revocations may not arrive, otherwise 0
package promguard

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rsguard/rsguard/internal/series"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
)

// A Config says what a Collector shows. The zero value shows decisions.
type Config struct {
	// Caches are those whose state is shown, by the label issuer.
	Caches map[string]*jwks.Cache

	// Introspectors are those whose state is shown, by the label server.
	Introspectors map[string]*introspection.Introspector

	// MaxIssuers limits the values of the labels issuer and name, and MaxCodes
	// those of code and service. All that come after those are "other". If
	// zero, they are 100.
	MaxIssuers, MaxCodes int

	// Buckets are the upper bounds of the histogram, in seconds. If nil, they
	// are 10 µs, 100 µs, 1 ms, 10 ms, 100 ms, 1 s and 10 s.
	Buckets []float64
}

// A Collector is a [prometheus.Collector]. Make one with [New]. It is safe for
// concurrent use.
type Collector struct {
	cfg         Config
	reader      *series.Reader
	decisions   *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	remembered  prometheus.Counter
	unavailable *prometheus.CounterVec
	faults      prometheus.Counter
	reported    *prometheus.CounterVec
	compared    prometheus.Counter
	differences *prometheus.CounterVec
	io          ioMetrics
	ofThese     []prometheus.Collector
	keyState    *prometheus.Desc
	keyAge      *prometheus.Desc
	keys        *prometheus.Desc
	keyFetches  *prometheus.Desc
	keyFailures *prometheus.Desc
	askUp       *prometheus.Desc
	askCalls    *prometheus.Desc
	askRunning  *prometheus.Desc
	askFailures *prometheus.Desc
}

// New returns a Collector for cfg. The error joins all faults of cfg.
func New(cfg Config) (*Collector, error) {
	var errs []error
	reader, err := series.NewReader(cfg.MaxIssuers, cfg.MaxCodes)
	errs = append(errs, series.Check("Caches", cfg.Caches), series.Check("Introspectors", cfg.Introspectors), err)
	for i := 1; i < len(cfg.Buckets); i++ {
		if cfg.Buckets[i] <= cfg.Buckets[i-1] {
			errs = append(errs, fmt.Errorf("Config.Buckets are not in order: %v after %v", cfg.Buckets[i], cfg.Buckets[i-1]))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("promguard: %w", err)
	}
	if cfg.Buckets == nil {
		cfg.Buckets = []float64{1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10}
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	c := &Collector{
		cfg:       cfg,
		reader:    reader,
		io:        newIOMetrics(),
		decisions: counters("rsguard_decisions_total", "Decisions about requests.", "outcome", "code", "issuer"),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rsguard_decision_duration_seconds", Help: "Time that decisions took.", Buckets: cfg.Buckets,
		}, []string{"outcome"}),
		remembered:  counter("rsguard_remembered_total", "Accepted tokens whose signature was not checked again."),
		unavailable: counters("rsguard_unavailable_total", "Rejections because a service was unavailable.", "service"),
		faults:      counter("rsguard_faults_total", "Rejections because a function of the program has panicked."),
		reported:    counters("rsguard_report_only_total", "Decisions that were only reported.", "code"),
		compared:    counter("rsguard_compared_total", "Decisions that were compared with another."),
		differences: counters("rsguard_differences_total", "Decisions that differ from the other.", "rejected_by"),
		keyState:    desc("rsguard_keys_state", "1 for the state that the keys are in.", "issuer", "state"),
		keyAge:      desc("rsguard_keys_age_seconds", "Time since the last successful fetch of the keys.", "issuer"),
		keys:        desc("rsguard_keys", "Keys held.", "issuer"),
		keyFetches:  desc("rsguard_keys_fetches_total", "Fetches of keys begun.", "issuer"),
		keyFailures: desc("rsguard_keys_failures", "Failed fetches of keys since the last success.", "issuer"),
		askUp:       desc("rsguard_introspection_up", "0 if the last call has failed.", "server"),
		askCalls:    desc("rsguard_introspection_calls_total", "Calls begun.", "server"),
		askRunning:  desc("rsguard_introspection_running", "Calls that have not ended.", "server"),
		askFailures: desc("rsguard_introspection_failures", "Failed calls since the last success.", "server"),
	}
	c.ofThese = append(c.io.all(), c.decisions, c.durations, c.remembered, c.unavailable, c.faults, c.reported, c.compared, c.differences)
	// Prometheus sees no increase in a series that begins with 1.
	for _, service := range series.Services {
		c.unavailable.WithLabelValues(service)
	}
	for _, side := range series.Sides {
		c.differences.WithLabelValues(side)
	}
	c.reported.WithLabelValues("")
	return c, nil
}

// Observe counts e. It is for [middleware.Config].Observe.
func (c *Collector) Observe(_ context.Context, e middleware.Event) {
	d := c.reader.Decision(&e)
	c.decisions.WithLabelValues(d.Outcome, d.Code, d.Issuer).Inc()
	c.durations.WithLabelValues(d.Outcome).Observe(d.Seconds)
	if d.Remembered {
		c.remembered.Inc()
	}
	if d.Unavailable != "" {
		c.unavailable.WithLabelValues(d.Unavailable).Inc()
	}
	if d.Fault {
		c.faults.Inc()
	}
	if d.ReportOnly {
		c.reported.WithLabelValues(d.Code).Inc()
	}
	if d.Compared {
		c.compared.Inc()
	}
	if d.RejectedBy != "" {
		c.differences.WithLabelValues(d.RejectedBy).Inc()
	}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, own := range c.ofThese {
		own.Describe(to)
	}
	for _, d := range []*prometheus.Desc{
		c.keyState, c.keyAge, c.keys, c.keyFetches, c.keyFailures, c.askUp, c.askCalls, c.askRunning, c.askFailures,
	} {
		to <- d
	}
}

var states = []jwks.State{jwks.Empty, jwks.Fresh, jwks.Revalidate, jwks.Expired, jwks.Dead}

// Collect implements [prometheus.Collector]. It makes no request.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, own := range c.ofThese {
		own.Collect(to)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	total := func(d *prometheus.Desc, v int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for issuer, cache := range c.cfg.Caches {
		s := cache.Status()
		for _, state := range states {
			gauge(c.keyState, series.OneIf[float64](s.State == state), issuer, string(state))
		}
		if s.State != jwks.Empty {
			gauge(c.keyAge, s.Age.Seconds(), issuer)
		}
		gauge(c.keys, float64(len(s.KeyIDs)), issuer)
		total(c.keyFetches, s.Fetches, issuer)
		gauge(c.keyFailures, float64(s.Failures), issuer)
	}
	for server, in := range c.cfg.Introspectors {
		s := in.Status()
		gauge(c.askUp, series.OneIf[float64](s.Failures == 0), server)
		total(c.askCalls, s.Calls, server)
		gauge(c.askRunning, float64(s.Running), server)
		gauge(c.askFailures, float64(s.Failures), server)
	}
}
