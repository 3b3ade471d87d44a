package mockissuer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// An Issuer issues tokens. It is an [http.Handler], and safe for concurrent
// use.
type Issuer struct {
	// URL is the issuer as tokens name it. It must not be changed.
	URL string

	*state // a pointer, because fmt prints the contents of unexported fields
}

// A state holds the fields of an Issuer.
type state struct {
	cfg    Config
	hosts  map[string]string // Host header → issuer URL
	mux    *http.ServeMux
	server *http.Server
	done   chan struct{} // closed by Close
	close  func() error

	mu       sync.Mutex
	skew     time.Duration // what Advance added
	keys     []*key        // in the order of their publication
	lent     []privateKey  // all that this issuer ever had of the pool
	stranger privateKey    // signs some of the bad tokens
	down     bool
	faults   []*liveFault
	counts   map[Endpoint]int
	requests []Request
	grants   grants
	revoked  [][sha256.Size]byte
	proofs   map[string]time.Time // used DPoP proofs and client assertions, and until when they are remembered
	nonce    string               // for DPoP proofs

	deliveries []*Delivery
	overtaken  map[string]chan struct{} // by the receiver, to be closed by the next signal to it
	waiting    []*waitingSet
	arrived    chan struct{}   // closed when another SET waits
	closing    context.Context //nolint:containedctx // that of what is sent in the background, until Close
	cancel     context.CancelFunc
	sending    sync.WaitGroup
}

// New returns an issuer that doesn't listen. It is reached through
// [Issuer.ServeHTTP] or [Issuer.Client]. The error joins all faults of cfg.
// Keys are made when they are first needed.
func New(cfg Config) (*Issuer, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{"RS256"}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}

	iss := &Issuer{cfg.URL, &state{
		cfg:    cfg,
		hosts:  make(map[string]string),
		done:   make(chan struct{}),
		counts: make(map[Endpoint]int),
		proofs: make(map[string]time.Time),
		nonce:  rand.Text(),

		overtaken: make(map[string]chan struct{}),
	}}
	iss.closing, iss.cancel = context.WithCancel(context.Background())
	iss.close = sync.OnceValue(iss.shutdown)
	for _, domain := range append([]string{cfg.URL}, cfg.Domains...) {
		host, err := hostOf(domain)
		if err != nil {
			return nil, err
		}
		if _, ok := iss.hosts[host]; ok {
			return nil, fmt.Errorf("mockissuer: two of the issuer's URLs have the host %s", host)
		}
		iss.hosts[host] = domain
	}
	if len(cfg.Keys) > 0 {
		if err := iss.loadKeys(cfg.Keys); err != nil {
			return nil, err
		}
	}
	iss.mux = iss.routes()
	return iss, nil
}

// Start returns an issuer that listens on a loopback port until it is closed.
// If cfg.URL is empty, the address becomes its URL.
func Start(cfg Config) (*Issuer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	if cfg.URL == "" {
		cfg.URL = "http://" + listener.Addr().String() + "/"
	}
	iss, err := New(cfg)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}

	iss.server = &http.Server{Handler: iss, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = iss.server.Serve(listener) }() // ends with Close
	return iss, nil
}

// Close ends requests that hang and deliveries, and stops listening. It may be called more than
// once.
func (iss *Issuer) Close() error { return iss.close() }

func (iss *Issuer) shutdown() error {
	close(iss.done)
	iss.cancel()
	iss.mu.Lock()
	iss.mu.Unlock() //nolint:staticcheck // SA2001: from here on, deliver begins nothing
	iss.sending.Wait()
	var err error
	if iss.server != nil {
		// Shutdown would wait for the idle connections that clients under test
		// keep.
		err = iss.server.Close()
	}

	iss.mu.Lock()
	defer iss.mu.Unlock()
	rsaKeys.giveBack(iss.lent)
	iss.lent = nil
	return err
}

// Now returns the time by the issuer's clock.
func (iss *Issuer) Now() time.Time {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.now()
}

// now is Now with mu held.
func (iss *Issuer) now() time.Time { return iss.cfg.Now().Add(iss.skew) }

// Advance moves the issuer's clock by d.
func (iss *Issuer) Advance(d time.Duration) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.skew += d
}

// Domains returns the issuer's URLs, [Issuer.URL] first.
func (iss *Issuer) Domains() []string {
	return append([]string{iss.cfg.URL}, iss.cfg.Domains...)
}

// Algorithms returns the algorithms that the issuer has a key for from the
// start.
func (iss *Issuer) Algorithms() []string { return slices.Clone(iss.cfg.Algorithms) }

// Config returns the configuration of the issuer with its defaults. It must not
// be changed.
func (iss *Issuer) Config() Config { return iss.cfg }

// wait waits for d. It returns an error if ctx or the issuer ends before. If d
// is negative, it waits without limit.
func (iss *Issuer) wait(ctx context.Context, d time.Duration) error {
	var passed <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-iss.done:
		return http.ErrServerClosed
	}
}
