package promguard_test

import (
	"fmt"
	"log"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func Example() {
	cfg := validator.Auth0("tenant.eu.auth0.com", "https://api.example.com")
	keys, err := jwks.NewCache(jwks.Config{Issuer: cfg.Issuers[0]})
	if err != nil {
		log.Fatal(err)
	}
	cfg.Keys = keys
	v, err := validator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}

	metrics, err := promguard.New(promguard.Config{Caches: map[string]*jwks.Cache{cfg.Issuers[0]: keys}})
	if err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	auth, err := middleware.New(middleware.Config{Validator: v, Observe: metrics.Observe})
	if err != nil {
		log.Fatal(err)
	}
	_ = auth // guards the routes

	families, err := registry.Gather()
	fmt.Println(len(families), "metrics before the first request", err)
	// Output: 6 metrics before the first request <nil>
}
