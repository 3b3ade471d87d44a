package clientauth

import (
	"container/list"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/outbound"
)

// A Client is a client at one issuer. Make one with [New]. It is safe for
// concurrent use. It has no goroutines but those of token requests, which end
// within Config.Timeout.
type Client struct {
	*state // a pointer, because fmt prints the contents of unexported fields
}

type state struct {
	cfg      Config
	http     *http.Client
	slots    chan struct{} // one for each request in progress
	x5t      string        // of Config.Certificate
	endpoint endpoint
	nonces   nonces
	shared   *shared // or nil

	callNonces nonces // of gRPC servers, which are not the issuer's

	mu      sync.Mutex // never held during a request
	entries map[[sha256.Size]byte]*list.Element
	recent  list.List // of *entry, the one used last first
	outage  pause     // of the issuer
}

// New returns the client that cfg describes. The error joins all faults of cfg.
// New does no I/O.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	common, err := newShared(&cfg)
	if err != nil {
		return nil, err
	}
	c := &state{
		cfg: cfg, shared: common, http: new(http.Client), slots: make(chan struct{}, maxRunning),
		entries: make(map[[sha256.Size]byte]*list.Element),
	}
	c.endpoint.turn = make(chan struct{}, 1)
	if cfg.Certificate != nil {
		sum := sha256.Sum256(cfg.Certificate.Certificate[0])
		c.x5t = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if cfg.Client != nil {
		*c.http = *cfg.Client
	} else {
		transport := outbound.NewTransport(maxRunning)
		if cfg.Certificate != nil {
			// Not as one of Certificates, which is held back from a server that
			// names other authorities. A certificate that signs itself has none.
			certificate := *cfg.Certificate
			transport.TLSClientConfig = &tls.Config{
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil },
				MinVersion:           tls.VersionTLS12,
			}
		}
		c.http.Transport = transport
	}
	// A redirect would choose who gets the credentials.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{c}, nil
}

const (
	maxRunning = 32               // requests in progress
	minPause   = time.Second / 4  // after a first failure
	maxPause   = 30 * time.Second // after many
	maxAsked   = 5 * time.Minute  // that the issuer may ask for
	forceAgain = 10 * time.Second // between two renewals because an API rejects a token
)

// An entry is what is known of one token that is wanted.
type entry struct {
	key    [sha256.Size]byte
	grant  *grant
	flight *flight // in progress, or nil
	pause  pause   // after the issuer has rejected the request, or sent what can't be used
	forced time.Time
}

// A flight is a token request. Its result is read when done is closed.
type flight struct {
	done  chan struct{}
	grant *grant
	err   *Error
}

// token returns the token that is kept while it is good, and begins to renew it
// when that is due. If there is none, or it is the one rejected, it waits for
// the request.
func (c *state) token(ctx context.Context, w wanted) (*grant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := c.cfg.Now()
	c.mu.Lock()
	e := c.entry(w.key)
	g := e.grant
	good := g != nil && g.isGood(now) && g.token != w.rejected
	if good && g.untilDue(now) > 0 {
		c.mu.Unlock()
		return g, nil
	}
	f, refusal := e.flight, (*Error)(nil)
	switch {
	case f != nil:
	case w.rejected != "" && !good && between(e.forced, now) < forceAgain:
		c.mu.Unlock()
		return nil, nil //nolint:nilnil // the caller has a token that will have to do
	default:
		if f, refusal = c.start(ctx, e, w, now); f != nil && w.rejected != "" && !good {
			e.forced = now
		}
	}
	c.mu.Unlock()
	switch {
	case good:
		return g, nil
	case refusal != nil:
		return nil, refusal
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	return f.grant, nil
}

// entry returns the entry of that key. If there are too many, the one used
// least recently goes. A flight of it ends unseen.
func (c *state) entry(key [sha256.Size]byte) *entry {
	if at, ok := c.entries[key]; ok {
		c.recent.MoveToFront(at)
		return at.Value.(*entry)
	}
	for len(c.entries) >= c.cfg.CacheSize {
		oldest := c.recent.Back()
		delete(c.entries, c.recent.Remove(oldest).(*entry).key)
	}
	e := &entry{key: key}
	c.entries[key] = c.recent.PushFront(e)
	return e
}

// start begins a request unless the issuer has to be left alone.
func (c *state) start(ctx context.Context, e *entry, w wanted, now time.Time) (*flight, *Error) {
	for _, p := range []*pause{&c.outage, &e.pause} {
		if left := p.left(now); left > 0 {
			return nil, p.because.waiting(left)
		}
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return nil, (&Error{Code: CodeUnavailable, Err: errBusy}).waiting(time.Second)
	}
	if c.outage.failures > 0 {
		c.outage.until = now.Add(c.outage.length()) // the others wait for what this request finds out
	}
	f := &flight{done: make(chan struct{})}
	e.flight = f
	after := w.seq
	if e.grant != nil {
		after = max(after, e.grant.seq)
	}
	go c.run(context.WithoutCancel(ctx), e, f, w, after)
	return f, nil
}

// run is the flight. The HTTP client may not heed the context: then its own
// goroutine keeps one of the slots for as long as it takes.
func (c *state) run(ctx context.Context, e *entry, f *flight, w wanted, after int64) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	type outcome struct {
		grant *grant
		err   *Error
	}
	ended := make(chan outcome, 1)
	go func() {
		o := outcome{err: &Error{Code: CodeConfig, Err: errEnded}} // until it is known
		defer func() {
			<-c.slots
			ended <- o
		}()
		if panicked := fault.Contain(func() { o.grant, o.err = c.obtain(ctx, w, after) }); panicked != nil {
			o = outcome{err: &Error{Code: CodeConfig, Err: panicked}}
		}
	}()
	select {
	case o := <-ended:
		f.grant, f.err = o.grant, o.err
	case <-ctx.Done():
		f.err = &Error{Code: CodeUnavailable, Err: errSilent}
	}
	c.land(e, f)
}

// land keeps the result of a flight.
func (c *state) land(e *entry, f *flight) {
	defer close(f.done)
	now := time.Now()
	if panicked := fault.Contain(func() { now = c.cfg.Now() }); panicked != nil {
		f.grant, f.err = nil, &Error{Code: CodeConfig, Err: panicked}
	}
	c.mu.Lock()
	before := c.outage.failures
	switch {
	case f.err == nil:
		e.grant, e.pause, c.outage = f.grant, pause{}, pause{}
	case f.err.Code == CodeUnavailable:
		f.err = c.outage.after(f.err, now)
	default:
		c.outage = pause{} // the issuer answers
		f.err = e.pause.after(f.err, now)
	}
	after, failed := c.outage.failures, e.pause.failures
	e.flight = nil
	c.mu.Unlock()
	c.log(f.err, before, after, failed)
}

// log writes one record when failures begin, and one when they end.
func (c *state) log(err *Error, before, after, failed int) {
	attrs := []slog.Attr{slog.String("issuer", c.cfg.Issuer), slog.String("client_id", c.cfg.ClientID)}
	switch {
	case err != nil && (before == 0 && after == 1 || after == 0 && failed == 1):
		c.tell(slog.LevelWarn, "clientauth: no new token", append(attrs, slog.String("code", string(err.Code)), slog.String("error", err.Error()))...)
	case before > 0 && after == 0:
		c.tell(slog.LevelInfo, "clientauth: the issuer answers again", attrs...)
	}
}

func (c *state) tell(level slog.Level, message string, attrs ...slog.Attr) {
	logging.Write(context.Background(), c.cfg.Logger, level, message, attrs...)
}

// A pause is a time during which no request is sent.
type pause struct {
	failures int
	until    time.Time
	because  *Error
}

// left returns how long the pause lasts yet. If that is more than it can be, the
// clock was set back, and it is over.
func (p *pause) left(now time.Time) time.Duration {
	left := p.until.Sub(now)
	if p.failures == 0 || left > 2*maxAsked {
		return 0
	}
	return left
}

// length returns a time at random, which grows with the failures.
func (p *pause) length() time.Duration {
	d := min(minPause<<min(p.failures-1, 10), maxPause)
	return d/2 + rand.N(d/2) //nolint:gosec // G404: spreading needs no secrecy
}

// after adds a failure, and returns its error with the length of the pause.
func (p *pause) after(err *Error, now time.Time) *Error {
	p.failures++
	length := p.length()
	if err.wait > 0 {
		// Clients that were told the same time come one after the other.
		length = max(length, err.wait+rand.N(err.wait/10+minPause)) //nolint:gosec // G404: spreading needs no secrecy
	}
	p.until = now.Add(length)
	p.because = err.waiting(length)
	return p.because
}

// between returns the time from then to now. A clock that was set back makes it
// large.
func between(then, now time.Time) time.Duration {
	if then.IsZero() || now.Before(then) {
		return 1<<63 - 1
	}
	return now.Sub(then)
}
