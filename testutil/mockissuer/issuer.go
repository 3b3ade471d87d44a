package mockissuer

import (
	"context"
	"crypto/rand"
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

	*state // by its address: fmt prints what is in an unexported field without asking
}

// A state is what an Issuer has and does.
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
	proofs   map[string]time.Time // used DPoP proofs, and until when they are remembered
	nonce    string               // for DPoP proofs
}

// New makes an issuer that listens nowhere: it is reached through
// [Issuer.ServeHTTP] or [Issuer.Client]. Its error joins all that is wrong with
// cfg. No key is made before one is needed.
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
	}}
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

// Start makes an issuer that listens on a loopback port until it is closed. If
// cfg.URL is empty the issuer is named after the address,
// "http://127.0.0.1:41563/".
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

// Close ends what hangs and stops listening. Closing twice does nothing more.
func (iss *Issuer) Close() error { return iss.close() }

func (iss *Issuer) shutdown() error {
	close(iss.done)
	var err error
	if iss.server != nil {
		// Not Shutdown: clients under test keep idle connections that nobody
		// would end.
		err = iss.server.Close()
	}

	iss.mu.Lock()
	defer iss.mu.Unlock()
	rsaKeys.giveBack(iss.lent)
	iss.lent = nil
	return err
}

// Now is the time by the issuer's clock.
func (iss *Issuer) Now() time.Time {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.now()
}

// now is Now with mu held.
func (iss *Issuer) now() time.Time { return iss.cfg.Now().Add(iss.skew) }

// Advance moves the issuer's clock, forward if d is positive.
func (iss *Issuer) Advance(d time.Duration) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.skew += d
}

// Domains returns the issuer's URLs, [Issuer.URL] first.
func (iss *Issuer) Domains() []string {
	return append([]string{iss.cfg.URL}, iss.cfg.Domains...)
}

// Algorithms returns those that there is a key for from the start.
func (iss *Issuer) Algorithms() []string { return slices.Clone(iss.cfg.Algorithms) }

// Config returns the data that the issuer was made of, with its defaults filled
// in. It must not be changed.
func (iss *Issuer) Config() Config { return iss.cfg }

// wait returns when d has passed, or earlier with an error if ctx or the issuer
// has ended. A negative d is for ever.
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
