package main

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// issuers has the issuers of the two tenants, and an unknown one.
type issuers struct {
	acme, bank, stranger *mockissuer.Issuer
	custom               string // the domain that acme has beside its own
	close                func()
}

func startIssuers() (*issuers, error) {
	// The address is Acme's own domain, and the name of the host is its custom
	// domain.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	own := "http://" + listener.Addr().String() + "/"
	custom := strings.Replace(own, "127.0.0.1", "localhost", 1)
	acme, err := mockissuer.New(mockissuer.Config{URL: own, Domains: []string{custom}})
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: acme, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with close

	bank, err := mockissuer.Start(mockissuer.Config{Algorithms: []string{"ES256"}})
	if err != nil {
		return nil, err
	}
	stranger, err := mockissuer.Start(mockissuer.Config{})
	if err != nil {
		return nil, err
	}
	return &issuers{acme, bank, stranger, custom, func() {
		_, _, _, _ = server.Close(), acme.Close(), bank.Close(), stranger.Close()
	}}, nil
}

func (i *issuers) tenants() []tenant {
	return []tenant{
		{
			config: validator.Config{
				Issuers:   []string{i.acme.URL, i.custom}, // each has its copy of the keys
				Audiences: []string{audience},
			},
			hosts: map[string]string{"acme.api.example.com": i.acme.URL, "api.acme.example": i.custom},
		},
		{
			config: validator.Config{
				Issuers:    []string{i.bank.URL},
				Audiences:  []string{audience},
				Algorithms: []validator.Algorithm{validator.ES256},
				Checks:     []validator.Check{validator.MaxAge(time.Hour)},
			},
			hosts: map[string]string{"bank.api.example.com": i.bank.URL},
		},
	}
}
