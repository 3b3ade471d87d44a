// Command observed shows what an API tells of its decisions: metrics for
// Prometheus, spans for OpenTelemetry, and records of accepted requests. It
// needs no arguments and no network. A mock issuer and the API run on loopback,
// and the API gets a few hundred good and bad requests.
//
//	cd examples/observed && go run .
package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rsguard/rsguard/contrib/otelguard"
	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// An api is what the example observes.
type api struct {
	handler http.Handler
	spans   *tracetest.SpanRecorder
	records bytes.Buffer // of accepted requests
}

// newAPI is all of the code that an observed API needs, but for the exporters,
// which here keep what they get.
func newAPI(issuer string) (*api, error) {
	a := &api{spans: tracetest.NewSpanRecorder()}
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(a.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))

	quiet := slog.New(slog.DiscardHandler)
	// Both are made of the cache, whose requests they are told of.
	var metrics *promguard.Collector
	var traces *otelguard.Observer
	keys, err := jwks.NewCache(jwks.Config{
		Issuer: issuer, Logger: quiet,
		Observe: func(ctx context.Context, e observe.Event) {
			metrics.ObserveIO(ctx, e)
			traces.ObserveIO(ctx, e)
		},
	})
	if err != nil {
		return nil, err
	}
	caches := map[string]*jwks.Cache{"tenant": keys}
	metrics, err = promguard.New(promguard.Config{Caches: caches})
	if err != nil {
		return nil, err
	}
	traces, err = otelguard.New(otelguard.Config{MeterProvider: meters, TracerProvider: tracer, Caches: caches})
	if err != nil {
		return nil, err
	}
	audit := middleware.Audit(middleware.AuditConfig{
		Logger:   slog.New(slog.NewJSONHandler(&a.records, nil)),
		OneIn:    100,
		TokenKey: []byte("the key of all services that write these records"),
	})
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{mockissuer.DefaultAudience}, Keys: keys})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		Logger:    quiet,
		Observe: func(ctx context.Context, e middleware.Event) {
			metrics.Observe(ctx, e)
			traces.Observe(ctx, e)
			audit(ctx, e)
		},
	})
	if err != nil {
		return nil, err
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	a.handler = otelhttp.NewHandler(mux, "api", otelhttp.WithTracerProvider(tracer), otelhttp.WithMeterProvider(meters))
	return a, nil
}

func (a *api) get(ctx context.Context, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w
}

func run(ctx context.Context, out io.Writer) error {
	issuer, err := mockissuer.Start(mockissuer.Demo())
	if err != nil {
		return err
	}
	defer issuer.Close()
	a, err := newAPI(issuer.URL)
	if err != nil {
		return err
	}
	for _, traffic := range []struct {
		times  int
		claims map[string]any // of a token; none if nil
	}{
		{250, map[string]any{"sub": "anna", "jti": "7b1d0c2e", "client_id": "shop", "scope": "orders:read"}},
		{20, map[string]any{"sub": "bob", "client_id": "report", "scope": "reports"}},
		{12, map[string]any{"sub": "carl", "client_id": "shop", "scope": "orders:read", "exp": time.Now().Add(-time.Hour).Unix()}},
		{9, map[string]any{"sub": "dora", "client_id": "shop", "aud": "https://other.example.com"}},
		{30, nil},
	} {
		token := ""
		if traffic.claims != nil {
			if token, err = issuer.Sign(mockissuer.Token{Claims: traffic.claims}); err != nil {
				return err
			}
		}
		for i := range traffic.times {
			a.get(ctx, fmt.Sprintf("/orders/%d", i), token)
		}
	}

	fmt.Fprintln(out, "GET /metrics, what rsguard adds:")
	for line := range strings.Lines(a.get(ctx, "/metrics", "").Body.String()) {
		if !strings.HasPrefix(line, "#") && strings.HasPrefix(line, "rsguard_") && !strings.Contains(line, "_bucket") {
			fmt.Fprint(out, "  ", strings.ReplaceAll(line, issuer.URL, "ISSUER"))
		}
	}
	fmt.Fprintln(out, "\nSpans, by what happened in them:")
	printSpans(out, a.spans.Ended(), issuer.URL)
	fmt.Fprintf(out, "\nRecords of accepted requests, one in a hundred:\n%s", strings.ReplaceAll(a.records.String(), issuer.URL, "ISSUER"))
	return ctx.Err()
}

// printSpans prints each kind of span once, with how many there are.
func printSpans(out io.Writer, spans []sdktrace.ReadOnlySpan, issuer string) {
	count := make(map[string]int)
	for _, span := range spans {
		var line strings.Builder
		fmt.Fprintf(&line, "%-6s %s", span.SpanKind(), span.Name())
		for _, kv := range span.Attributes() {
			switch kv.Key {
			case "http.response.status_code", "rsguard.part", "error.type":
				fmt.Fprintf(&line, " %s=%s", kv.Key, strings.ReplaceAll(kv.Value.String(), issuer, "ISSUER"))
			}
		}
		for _, event := range span.Events() {
			if event.Name != "rsguard.rejected" {
				continue
			}
			fmt.Fprintf(&line, "  [%s", event.Name)
			for _, kv := range event.Attributes {
				if kv.Key == "error.type" || kv.Key == "rsguard.issuer" {
					fmt.Fprintf(&line, " %s=%s", kv.Key, strings.ReplaceAll(kv.Value.String(), issuer, "ISSUER"))
				}
			}
			line.WriteString("]")
		}
		count[line.String()]++
	}
	lines := make([]string, 0, len(count))
	for line := range count {
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	for _, line := range lines {
		fmt.Fprintf(out, "  %4d × %s\n", count[line], line)
	}
}
