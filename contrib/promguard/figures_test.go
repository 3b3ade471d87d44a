package promguard_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/internal/series/seriestest"
)

// The figures are those of otelguard, whose test compares them with the same
// list.
func TestCollector_figures(t *testing.T) {
	t.Parallel()
	parts, err := seriestest.NewParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := promguard.New(promguard.Config{Caches: parts.Caches, Introspectors: parts.Introspectors})
	if err != nil {
		t.Fatal(err)
	}
	seriestest.Play(t.Context(), metrics)

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	figures := make(map[string]seriestest.Figure)
	for _, f := range seriestest.Figures {
		figures[f.Prometheus] = f
	}
	got := make(map[string]float64)
	for _, family := range families {
		f, ok := figures[family.GetName()]
		if !ok {
			t.Errorf("%s is not in the list of figures", family.GetName())
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if len(labels) != len(f.Labels) {
				t.Errorf("%s has the labels %v, want those of %v", f.Prometheus, labels, f.Labels)
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			if f.Prometheus == "rsguard_requests_total" && value == 0 {
				continue // is there for alerts, which OpenTelemetry has no part in
			}
			got[f.Name(func(name string) string { return labels[name] })] = value
		}
	}
	if lines := seriestest.Diff(got); len(lines) > 0 {
		t.Errorf("figures:\n%s", strings.Join(lines, "\n"))
	}
}

// What an alert takes the increase of is there before it happens. Prometheus
// sees no increase in a series that begins with 1.
func TestCollector_zero(t *testing.T) {
	t.Parallel()
	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, family := range families {
		got[family.GetName()] = len(family.GetMetric())
	}
	for name, want := range map[string]int{
		"rsguard_unavailable_total": 5, "rsguard_faults_total": 1, "rsguard_report_only_total": 1, "rsguard_differences_total": 2,
	} {
		if got[name] != want {
			t.Errorf("before the first event there are %d series of %s, want %d", got[name], name, want)
		}
	}
}
