package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/rsguard/rsguard/contrib/otelguard"
	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// observers are those whose cost is measured, by name.
func observers(tb testing.TB) map[string]func(context.Context, middleware.Event) {
	tb.Helper()
	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	traces, err := otelguard.New(otelguard.Config{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))})
	if err != nil {
		tb.Fatal(err)
	}
	count := 0
	return map[string]func(context.Context, middleware.Event){
		"nil":       nil,
		"counter":   func(context.Context, middleware.Event) { count++ },
		"promguard": metrics.Observe,
		"otelguard": traces.Observe,
	}
}

// observed returns a function that sends a request with a good token to a
// guarded handler that does nothing.
func observed(tb testing.TB, cacheSize int, observe func(context.Context, middleware.Event)) func() {
	tb.Helper()
	iss := testutil.NewIssuer(tb)
	cfg := iss.Config("https://api.example.com")
	cfg.CacheSize = cacheSize
	v, err := validator.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Observe: observe})
	if err != nil {
		tb.Fatal(err)
	}
	h := auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+iss.Token(testutil.Claims{"sub": "anna", "client_id": "shop", "jti": "1"}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("status %d, want 200", w.Code)
	}
	return func() { h.ServeHTTP(w, r) }
}

func BenchmarkObserve(b *testing.B) {
	for name, cacheSize := range map[string]int{"remembered": 0, "checked": -1} {
		for observer, observe := range observers(b) {
			b.Run(name+"/"+observer, func(b *testing.B) {
				request := observed(b, cacheSize, observe)
				b.ReportAllocs()
				for b.Loop() {
					request()
				}
			})
		}
	}
}

// Without an observer nothing is allocated for one, nor with those that keep
// nothing of the event.
func TestGateObserve(t *testing.T) {
	all := observers(t)
	want := testing.AllocsPerRun(100, observed(t, 0, nil))
	for _, name := range []string{"counter", "promguard"} {
		if got := testing.AllocsPerRun(100, observed(t, 0, all[name])); got > want {
			t.Errorf("%s: %v allocations of a request, want %v as without an observer", name, got, want)
		}
	}
}
