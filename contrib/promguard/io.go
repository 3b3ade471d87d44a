package promguard

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rsguard/rsguard/internal/series"
	"github.com/rsguard/rsguard/observe"
)

// ioMetrics are those of [Collector.ObserveIO].
type ioMetrics struct {
	requests  *prometheus.CounterVec
	running   *prometheus.GaugeVec
	durations *prometheus.HistogramVec
	states    *prometheus.CounterVec
	changes   *prometheus.CounterVec
	unknown   *prometheus.CounterVec
	late      *prometheus.GaugeVec
}

func newIOMetrics() ioMetrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return ioMetrics{
		requests: counters("rsguard_requests_total", "Requests to other services.", "part", "name", "request", "outcome"),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rsguard_requests_running", Help: "Requests to other services that have not ended.",
		}, []string{"part", "name", "request"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rsguard_request_duration_seconds", Help: "Time that requests to other services took.",
			Buckets: []float64{1e-4, 1e-3, 1e-2, 0.05, 0.2, 1, 5, 10},
		}, []string{"part", "request"}),
		states:  counters("rsguard_state_changes_total", "Changes of a part's state.", "part", "name", "state"),
		changes: counters("rsguard_key_changes_total", "Keys that the issuer has added or withdrawn.", "name", "change"),
		unknown: counters("rsguard_unknown_keys_total", "Lookups of key IDs that the issuer does not have.", "name"),
		late: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rsguard_feed_late", Help: "1 while revocations may not arrive.",
		}, []string{"name"}),
	}
}

func (m *ioMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.running, m.durations, m.states, m.changes, m.unknown, m.late}
}

// ObserveIO counts e. It is for [jwks.Config].Observe, and for the Observe of
// all other parts that have one of package observe.
func (c *Collector) ObserveIO(_ context.Context, e observe.Event) {
	io := c.reader.IO(&e)
	if e.Part == observe.Revocation {
		late := c.io.late.WithLabelValues(io.Name) // so that there is a series before it is late
		if e.Kind == observe.StateChanged {
			late.Set(series.OneIf[float64](e.Failing))
		}
	}
	switch e.Kind {
	case observe.RequestBegan:
		if e.Part == observe.Replays {
			c.failing(io)
		}
		c.io.running.WithLabelValues(io.Part, io.Name, io.Request).Inc()
	case observe.RequestEnded:
		c.io.running.WithLabelValues(io.Part, io.Name, io.Request).Dec()
		c.io.requests.WithLabelValues(io.Part, io.Name, io.Request, io.Outcome).Inc()
		c.io.durations.WithLabelValues(io.Part, io.Request).Observe(e.Duration.Seconds())
	case observe.StateChanged:
		c.io.states.WithLabelValues(io.Part, io.Name, io.State).Inc()
	case observe.KeysChanged:
		c.io.changes.WithLabelValues(io.Name, "added").Add(float64(len(e.Added)))
		c.io.changes.WithLabelValues(io.Name, "withdrawn").Add(float64(len(e.Withdrawn)))
	case observe.UnknownKeys:
		c.io.unknown.WithLabelValues(io.Name).Add(float64(e.Count))
	}
}

// failing makes the counters of which RsguardReplayStoreDown takes the increase,
// so that the first failure after a request that went well is one.
func (c *Collector) failing(io series.IO) {
	for _, outcome := range []observe.Outcome{observe.Timeout, observe.Unreachable, observe.Failed} {
		c.io.requests.WithLabelValues(io.Part, io.Name, io.Request, string(outcome))
	}
}
