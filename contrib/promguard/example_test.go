package promguard_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/validator"
)

func Example() {
	cfg := validator.Auth0("tenant.eu.auth0.com", "https://api.example.com")
	var metrics *promguard.Collector
	keys, err := jwks.NewCache(jwks.Config{
		Issuer:  cfg.Issuers[0],
		Observe: func(ctx context.Context, e observe.Event) { metrics.ObserveIO(ctx, e) },
	})
	if err != nil {
		log.Fatal(err)
	}
	metrics, err = promguard.New(promguard.Config{Caches: map[string]*jwks.Cache{cfg.Issuers[0]: keys}})
	if err != nil {
		log.Fatal(err)
	}
	cfg.Keys = keys
	v, err := validator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Observe: metrics.Observe})
	if err != nil {
		log.Fatal(err)
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handler(http.HandlerFunc(list)))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	families, err := registry.Gather()
	fmt.Println(len(families), "metrics before the first request", err)
	// Output: 10 metrics before the first request <nil>
}

func list(http.ResponseWriter, *http.Request) {}
