package otelguard_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/rsguard/rsguard/contrib/otelguard"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func Example() {
	reader := metric.NewManualReader() // in place of an exporter
	meters := metric.NewMeterProvider(metric.WithReader(reader))

	cfg := validator.Auth0("tenant.eu.auth0.com", "https://api.example.com")
	keys, err := jwks.NewCache(jwks.Config{
		Issuer: cfg.Issuers[0],
		Client: &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}, // for spans of fetches
	})
	if err != nil {
		log.Fatal(err)
	}
	cfg.Keys = keys
	v, err := validator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	o, err := otelguard.New(otelguard.Config{MeterProvider: meters, Caches: map[string]*jwks.Cache{cfg.Issuers[0]: keys}})
	if err != nil {
		log.Fatal(err)
	}
	defer o.Close()
	auth, err := middleware.New(middleware.Config{Validator: v, Observe: o.Observe})
	if err != nil {
		log.Fatal(err)
	}
	_ = auth // guards the routes

	var metrics metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &metrics); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(metrics.ScopeMetrics[0].Metrics), "instruments before the first request")
	// Output: 10 instruments before the first request
}
