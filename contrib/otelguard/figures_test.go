package otelguard_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/rsguard/rsguard/contrib/otelguard"
	"github.com/rsguard/rsguard/internal/series/seriestest"
)

// The figures are those of promguard, whose test compares them with the same
// list.
func TestObserver_figures(t *testing.T) {
	t.Parallel()
	parts, err := seriestest.NewParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader := metric.NewManualReader()
	o, err := otelguard.New(otelguard.Config{
		MeterProvider: metric.NewMeterProvider(metric.WithReader(reader)), Caches: parts.Caches, Introspectors: parts.Introspectors,
	})
	if err != nil {
		t.Fatal(err)
	}
	seriestest.Play(t.Context(), o)

	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			listed := false
			for _, f := range seriestest.Figures {
				if f.OpenTelemetry != m.Name {
					continue
				}
				listed = true
				for attrs, value := range points(t, m.Data) {
					// Attributes that the figure doesn't have are summed up.
					got[f.Name(func(name string) string {
						v, _ := attrs.Value(attribute.Key(f.Labels[name]))
						return v.AsString()
					})] += value
				}
			}
			if !listed {
				t.Errorf("%s is not in the list of figures", m.Name)
			}
		}
	}
	if lines := seriestest.Diff(got); len(lines) > 0 {
		t.Errorf("figures:\n%s", strings.Join(lines, "\n"))
	}
}

// points returns the values of an instrument, and their number for a histogram.
func points(t *testing.T, data metricdata.Aggregation) map[attribute.Set]float64 {
	t.Helper()
	values := make(map[attribute.Set]float64)
	switch data := data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			values[p.Attributes] = float64(p.Count)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			values[p.Attributes] = float64(p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			values[p.Attributes] = float64(p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			values[p.Attributes] = p.Value
		}
	default:
		t.Fatalf("an instrument of type %T", data)
	}
	return values
}
