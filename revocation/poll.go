package revocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/observe"
)

// The defaults of a [PollConfig].
const (
	DefaultPollEvents   = 100
	DefaultPollWait     = 2 * time.Minute
	DefaultPollInterval = time.Second
)

// The limits of polling.
const (
	maxPollEvents  = 1000
	maxPollBackoff = time.Minute
)

// A PollConfig says where Security Event Tokens are polled. Receiver and URL are
// required. The zero value of every other field is its default.
type PollConfig struct {
	// Receiver checks the SETs and passes their rules on.
	Receiver *EventReceiver

	// URL is the endpoint_url of the stream, an https URL, or an http one on a
	// loopback host.
	URL string

	// InsecureHTTP accepts an http URL on any host. An attacker on the network
	// can then withhold events and read Authorize's credentials.
	InsecureHTTP bool

	// Authorize adds the credentials of the stream to a request, such as a
	// bearer token in its Authorization field. If nil, there are none.
	Authorize func(*http.Request) error

	// MaxEvents is how many SETs are requested at a time. If zero, it is
	// [DefaultPollEvents]. It can't be negative or over 1000.
	MaxEvents int

	// ReturnImmediately has the transmitter answer at once if it has no SET. By
	// default it may hold the request until it has one, so that a SET arrives
	// when it is made (RFC 8936, Section 2.2).
	ReturnImmediately bool

	// Wait bounds each request, the time for which it is held included. If zero,
	// it is [DefaultPollWait]. It can't be negative.
	Wait time.Duration

	// Interval is the time between two requests if the first one has brought
	// nothing. It is the delay of an event at a transmitter that holds no
	// requests. If zero, it is [DefaultPollInterval]. It can't be negative.
	Interval time.Duration

	// Client sends the requests. If nil, it is one with a transport of its own.
	// Redirects are never followed.
	Client *http.Client

	// Observe is told of each request when it begins and when it ends, and of
	// changes between "current" and "late", which is from a failed request to
	// the next answer. A request that the transmitter has held for the whole of
	// Wait ends with [observe.Timeout] and makes nothing late. Poll waits for
	// Observe, so it must return soon. A panic is contained and logged. If nil,
	// nothing is told.
	Observe func(context.Context, observe.Event)
}

func (cfg *PollConfig) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("revocation: PollConfig."+format, args...))
	}
	if isnil.Value(cfg.Receiver) || cfg.Receiver.receiver == nil {
		wrong("Receiver is nil, or was not made by NewEventReceiver")
	}
	parse := secureurl.Parse
	if cfg.InsecureHTTP {
		parse = secureurl.ParseInsecure
	}
	if _, err := parse(cfg.URL); err != nil {
		wrong("URL %w", err)
	}
	if cfg.MaxEvents < 0 || cfg.MaxEvents > maxPollEvents {
		wrong("MaxEvents is %d; it can be 1 to %d", cfg.MaxEvents, maxPollEvents)
	}
	if cfg.Wait < 0 {
		wrong("Wait is negative")
	}
	if cfg.Interval < 0 {
		wrong("Interval is negative")
	}
	return errors.Join(errs...)
}

func (cfg PollConfig) withDefaults() PollConfig {
	if cfg.MaxEvents == 0 {
		cfg.MaxEvents = DefaultPollEvents
	}
	if cfg.Wait == 0 {
		cfg.Wait = DefaultPollWait
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultPollInterval
	}
	client := http.Client{}
	if cfg.Client != nil {
		client = *cfg.Client
	} else {
		t := outbound.Plain()
		t.MaxIdleConnsPerHost = 1 // to the transmitter
		client.Transport = t
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.Client = &client
	return cfg
}

// An EventPoller polls a transmitter for Security Event Tokens (RFC 8936). It is
// made by [NewEventPoller]. One replica of a service is enough, if its List tells
// the others.
type EventPoller struct {
	poller *eventPoller // by its address: see Format
}

type eventPoller struct {
	cfg      PollConfig
	receiver *eventReceiver
	teller   observing.Teller
	own      bool // the transport is
	running  sync.Mutex

	// What the next request tells of the SETs that were received. They are of
	// Poll alone.
	acks []string
	errs map[string]*refusal

	mu     sync.Mutex
	status PollStatus
}

// A PollStatus says how polling is going.
type PollStatus struct {
	// Answered is when the transmitter has answered last. It is the zero time
	// before its first answer.
	Answered time.Time
	// Err is why the last request failed, or nil. Failures is how many have
	// failed since the last answer.
	Err      error
	Failures int
}

// NewEventPoller returns a poller by cfg. The error joins all faults of cfg. It
// does no I/O.
func NewEventPoller(cfg PollConfig) (*EventPoller, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	own := cfg.Client == nil
	cfg = cfg.withDefaults()
	p := &eventPoller{cfg: cfg, own: own, receiver: cfg.Receiver.receiver, errs: make(map[string]*refusal)}
	p.teller = observing.Teller{
		Observe: cfg.Observe, Logger: p.receiver.log.logger, Now: p.receiver.now, Part: observe.Revocation, Name: hostOf(cfg.URL),
	}
	return &EventPoller{p}, nil
}

// Status returns how polling is going. It is safe for concurrent use.
func (p *EventPoller) Status() PollStatus {
	if p.poller == nil {
		return PollStatus{Err: errNoPoller}
	}
	p.poller.mu.Lock()
	defer p.poller.mu.Unlock()
	return p.poller.status
}

var (
	errNoPoller = errors.New("revocation: this EventPoller was not made by NewEventPoller")
	errSilent   = errors.New("the transmitter had nothing to say for as long as it was listened to")
	errPolling  = errors.New("revocation: another call polls")
)

// Poll polls until ctx is done, and returns its error. The caller runs it in a
// goroutine of its own. A second call at the same time is an error.
//
// Each SET is acknowledged by the next request once List has taken its rules. A
// SET that is rejected is reported to the transmitter as an error. One that List
// could not take, or whose keys can't be fetched, is neither, so that it comes
// again. After a request that has failed, Poll waits longer each time, up to a
// minute, or as long as the transmitter's Retry-After says within that.
func (p *EventPoller) Poll(ctx context.Context) error {
	if p.poller == nil {
		return errNoPoller
	}
	if !p.poller.running.TryLock() {
		return errPolling
	}
	defer p.poller.running.Unlock()
	if p.poller.own {
		defer p.poller.cfg.Client.CloseIdleConnections()
	}
	return p.poller.poll(ctx)
}

func (p *eventPoller) poll(ctx context.Context) error {
	failures := 0
	for {
		progress, err := p.once(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		silent := errors.Is(err, errSilent)
		if silent {
			err = nil
		}
		wait := time.Duration(0)
		switch {
		case err != nil:
			failures++
			wait = p.backoff(failures, err)
			p.note(err, failures)
			if failures == 1 {
				p.teller.Tell(ctx, observe.Event{Kind: observe.StateChanged, State: "late", Was: "current", Failing: true})
				p.receiver.log.write(ctx, slog.LevelWarn, "polling for security events fails", slog.String("url", p.cfg.URL), slog.Any("error", err))
			}
		case progress:
		default:
			// Half of it is random, so that the replicas of a service don't ask
			// together.
			wait = p.cfg.Interval/2 + rand.N(p.cfg.Interval/2+1) //nolint:gosec // it spreads requests, and is no secret
		}
		if err == nil && !silent {
			if failures > 0 {
				p.teller.Tell(ctx, observe.Event{Kind: observe.StateChanged, State: "current", Was: "late"})
				p.receiver.log.write(ctx, slog.LevelInfo, "polling for security events succeeds again", slog.String("url", p.cfg.URL), slog.Int("failures", failures))
			}
			failures = 0
			p.note(nil, 0)
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

func (p *eventPoller) note(err error, failures int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Err, p.status.Failures = err, failures
	if err == nil {
		p.status.Answered = p.receiver.now()
	}
}

// backoff returns how long to wait after a failure.
func (p *eventPoller) backoff(failures int, err error) time.Duration {
	var asks *pollStatusError
	if errors.As(err, &asks) && asks.wait > 0 {
		return min(asks.wait, maxPollBackoff)
	}
	most := min(time.Second<<min(failures-1, 10), maxPollBackoff)
	return most/2 + rand.N(most/2) //nolint:gosec // it spreads requests, and is no secret
}

// sleep waits for d. It reports false if ctx is done before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once sends one request. It reports whether it has brought anything new.
func (p *eventPoller) once(ctx context.Context) (progress bool, err error) {
	answer, err := p.ask(ctx)
	if err != nil {
		return false, err
	}
	// What was told is told.
	p.acks = p.acks[:0]
	clear(p.errs)

	var later *refusal
	for _, id := range slices.Sorted(maps.Keys(answer)) {
		refused := p.receiver.take(ctx, answer[id], id)
		switch {
		case refused == nil:
			p.acks = append(p.acks, id)
			progress = true
			continue
		case ctx.Err() != nil:
			return progress, ctx.Err()
		case refused.code == "":
			later = refused // neither acknowledged nor refused: it comes again
		default:
			p.errs[id] = refused
		}
		p.receiver.log.refused(ctx, p.receiver.now(), "security event token", refused)
	}
	if later != nil {
		return progress, &pollStatusError{status: later.status, wait: max(later.wait, time.Second), err: later.err}
	}
	return progress, nil
}
