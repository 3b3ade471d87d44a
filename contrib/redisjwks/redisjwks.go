// Package redisjwks shares the key sets of issuers among the processes of a
// service, in Redis or Valkey, so that a fleet of them fetches as often as one
// process.
//
//	client := redis.NewClient(&redis.Options{
//		Addr:                  "redis.internal:6379",
//		ContextTimeoutEnabled: true,
//		MaxRetries:            -1,
//	})
//	shared, err := redisjwks.New(redisjwks.Config{Client: client, Key: secret})
//	keys, err := jwks.NewCache(jwks.Config{
//		Issuer: "https://tenant.eu.auth0.com/",
//		Client: &http.Client{Transport: shared},
//	})
//
// A [Transport] is the [http.RoundTripper] of a [jwks.Cache], which stays as it
// is. It keeps the keys in memory, and decides when it needs newer ones. The
// Transport responds from Redis if another process has fetched within MaxAge.
// Otherwise one process fetches, and the others wait for its response.
//
// A fetch for an unknown key ID (Cache-Control: no-cache) gets a response that
// was requested after it, and so do all that other processes send meanwhile.
// They wait for it, at most Interval and the time of one fetch. Failures are
// shared, too. However many processes there are, and whatever the issuer
// responds, they send at most one request per Interval for each URL.
//
// # Without Redis
//
// If Redis is down, refuses a command, or does not answer within Timeout, the
// Transport sends the request itself, and the fleet behaves as it does without
// this package. It also does so if a process that began a fetch does not end
// it, and after three fifths of the time that the request has.
//
// # What is trusted
//
// The keys in Redis decide who may sign tokens. An attacker that could write
// them could sign any token. So each stored response has a seal, an HMAC-SHA256
// with Config.Key, over the response, its URL and the time of the fetch. A
// response without a valid seal is logged and ignored. An attacker with write
// access to Redis but without the Key can
//
//   - delete what is stored, or make the processes wait and then fetch
//     themselves, at most as often as they do without this package
//   - put a sealed response back that is up to twice MaxAge and a minute old,
//     or up to MaxStale while the issuer fails. A withdrawn key is then used for
//     that much longer.
//
// It can't add a key. A holder of the Key can. Processes that share the Key
// trust each other's connections to the issuer: one that accepts any
// certificate of its peer passes on what it gets. Use a Key for each service and
// each set of trusted certificates. Key sets and metadata are public, so they
// are not encrypted.
package redisjwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/internal/outbound"
)

// The defaults of a [Config].
const (
	DefaultPrefix   = "rsguard:jwks:"
	DefaultTimeout  = 250 * time.Millisecond
	DefaultInterval = time.Second
	DefaultMaxAge   = time.Minute
	DefaultMaxStale = 24 * time.Hour
)

// maxTimeout is the largest Config.Timeout, and minKey the shortest Config.Key.
const (
	maxTimeout = 10 * time.Second
	minKey     = 32
)

// A Config says how Redis is used. Client is required, and so is Key, unless
// InsecureUnsealed is set. The zero value of every other field is its default.
type Config struct {
	// Client is a *redis.Client, *redis.ClusterClient or *redis.Ring. The
	// caller makes, shares and closes it. Each command is a script (EVAL) with
	// one key, so a cluster needs no hash tags.
	//
	// Its options must have ContextTimeoutEnabled. Without it, Timeout would
	// have no effect. MaxRetries should be -1.
	Client interface {
		Process(ctx context.Context, cmd redis.Cmder) error
	}

	// Key seals what is stored. It is a secret of at least 32 random bytes that
	// the processes share. Processes with different Keys share nothing.
	Key []byte

	// InsecureUnsealed stores responses without a Key. Anyone that can write to
	// the Redis can then add keys, and sign any token.
	InsecureUnsealed bool

	// Transport sends the requests. If nil, one is used that takes its proxy
	// from [http.ProxyFromEnvironment] and keeps no connection open. All
	// processes that share the Key trust the responses that it gets.
	Transport http.RoundTripper

	// Prefix begins each key in Redis. If empty, [DefaultPrefix] is used.
	Prefix string

	// Interval is the shortest time between two fetches of a URL by all
	// processes together. If zero, [DefaultInterval] is used. A negative value
	// and more than a minute are errors.
	Interval time.Duration

	// MaxAge is how old a response may be that another process has fetched. A
	// key that the issuer withdraws is used for that much longer than without
	// this package. If zero, [DefaultMaxAge] is used. A value less than
	// Interval is an error.
	MaxAge time.Duration

	// MaxStale is how old a response may be while the issuer fails, so that new
	// processes have keys in an outage. A cache that gets such a response doesn't
	// know of the outage, so the Transport logs it. Forced fetches get none. If zero, [DefaultMaxStale] is used. If
	// negative, none is used that is older than MaxAge.
	MaxStale time.Duration

	// Timeout bounds each command. If zero, [DefaultTimeout] is used. A
	// negative value and more than 10 seconds are errors.
	Timeout time.Duration

	// Logger gets a line when Redis or the issuer fails and when it is back, and
	// at most one a minute for a response without a valid seal. If nil, [slog.Default] is
	// used.
	Logger *slog.Logger
}

// A Transport is an [http.RoundTripper] that shares responses. Make one with
// [New]. It is safe for concurrent use.
type Transport struct {
	cfg   Config
	store store
	seal  *seal

	failing  *atomic.Bool  // Redis
	stale    *atomic.Bool  // the issuer fails, and a response of before is used
	reported *atomic.Int64 // when a bad seal was logged, in Unix nanoseconds
}

var _ http.RoundTripper = (*Transport)(nil)

// New returns a Transport for cfg. It does no I/O. The error joins all faults
// of cfg.
func New(cfg Config) (*Transport, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	t := &Transport{cfg: cfg, seal: newSeal(cfg.Key), failing: new(atomic.Bool), stale: new(atomic.Bool), reported: new(atomic.Int64)}
	t.cfg.Key = nil // which the seal has, where nothing prints it
	t.store = &redisStore{client: cfg.Client, timeout: cfg.Timeout}
	if cfg.InsecureUnsealed {
		t.logger().Warn("redisjwks: what is stored is not sealed: anyone that can write to the Redis can add keys",
			slog.String("option", "InsecureUnsealed"))
	}
	return t, nil
}

func (cfg Config) withDefaults() Config {
	cfg.Key = slices.Clone(cfg.Key)
	cfg.Prefix = cmp.Or(cfg.Prefix, DefaultPrefix)
	cfg.Interval = cmp.Or(cfg.Interval, DefaultInterval)
	cfg.MaxAge = cmp.Or(cfg.MaxAge, DefaultMaxAge)
	cfg.MaxStale = max(cmp.Or(cfg.MaxStale, DefaultMaxStale), 0)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	if cfg.Transport == nil {
		cfg.Transport = outbound.ForKeys()
	}
	return cfg
}

// check joins all faults of cfg, which has its defaults.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("redisjwks: Config."+format, args...))
	}
	if v := reflect.ValueOf(cfg.Client); cfg.Client == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		wrong("Client is nil")
	} else if !heedsContexts(cfg.Client) {
		wrong("Client has options without ContextTimeoutEnabled")
	}
	switch {
	case cfg.InsecureUnsealed && len(cfg.Key) > 0:
		wrong("Key and Config.InsecureUnsealed exclude each other")
	case !cfg.InsecureUnsealed && len(cfg.Key) < minKey:
		wrong("Key has %d bytes, and must have %d or more, of a random secret", len(cfg.Key), minKey)
	}
	if cfg.Interval < time.Millisecond || cfg.Interval > time.Minute {
		wrong("Interval is %v; it must be from 1ms to 1m", cfg.Interval)
	}
	if cfg.MaxAge < cfg.Interval {
		wrong("MaxAge, %v, is less than Interval, %v", cfg.MaxAge, cfg.Interval)
	}
	if cfg.Timeout < 0 || cfg.Timeout > maxTimeout {
		wrong("Timeout is %v; it must not be negative or over %v", cfg.Timeout, maxTimeout)
	}
	return errors.Join(errs...)
}

// heedsContexts reports whether a deadline ends a client's wait. For other
// types of client it reports true.
func heedsContexts(client any) bool {
	switch client := client.(type) {
	case *redis.Client:
		return client.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return client.Options().ContextTimeoutEnabled
	case *redis.Ring:
		return client.Options().ContextTimeoutEnabled
	}
	return true
}

// Times that need no option.
const (
	lease      = 2 * time.Second        // after that, a fetch may begin beside one that has not ended
	poll       = 100 * time.Millisecond // between two looks at a fetch in progress, and as much again at random
	spread     = 250 * time.Millisecond // of those that wait for the same moment
	patience   = 3 * time.Second        // of a request without a deadline
	clockSkew  = time.Minute            // between the clocks of two processes
	maxFailure = 30 * time.Second       // how long a failure is remembered, if the issuer asks for it
)

// RoundTrip returns a response of the issuer that this process or another has
// received. A request that can't be shared is sent as it is: one that is not a
// GET, or has credentials, a Range, or no-store in its Cache-Control.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.store == nil {
		return nil, errors.New("redisjwks: the Transport was not made by New")
	}
	if !isShareable(r) {
		return t.cfg.Transport.RoundTrip(r)
	}
	url := r.URL.String()
	q := query{name: t.cfg.Prefix + t.seal.name(url), after: anyTime, maxAge: t.cfg.MaxAge, interval: t.cfg.Interval, keep: t.keep()}
	if hasDirective(r.Header, "no-cache") {
		q.after = fromNow
	}
	start := time.Now()
	limit := patience
	if deadline, ok := r.Context().Deadline(); ok {
		limit = min(limit, time.Until(deadline)/5*3)
	}
	for time.Since(start) < limit {
		f, err := t.store.begin(r.Context(), q)
		t.noteRedis(err)
		if err != nil {
			break
		}
		if q.after == fromNow {
			q.after = f.after
		}
		good, isGood := t.open(f.good, url, f.goodSeq, t.keep())
		fail, isFail := t.open(f.fail, url, f.failSeq, maxFailure+clockSkew)
		recent := isGood && time.Since(good.Time) < 2*t.cfg.MaxAge+clockSkew
		switch {
		case f.fresh && recent:
			return good.response(r), nil
		case f.fresh:
			q.ignoreGood = f.goodSeq
			continue
		case f.failing && isFail && isGood && q.after < 0 && time.Since(good.Time) < t.cfg.MaxStale:
			return good.response(r), nil
		case f.failing && isFail:
			return fail.failure(r, f.wait)
		case f.failing:
			q.ignoreFail = f.failSeq
			continue
		case f.granted:
			if !isGood {
				good = nil
			}
			return t.fetch(r, q, f, good)
		case recent && q.after < 0:
			return good.response(r), nil // another process is at it
		}
		if err := sleep(r.Context(), f.pause()); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return t.cfg.Transport.RoundTrip(r)
}

// keep is how long Redis keeps a response.
func (t *Transport) keep() time.Duration { return max(t.cfg.MaxStale, 2*t.cfg.MaxAge+clockSkew) }

// pause returns how long to wait before the next look.
func (f found) pause() time.Duration {
	if f.leased {
		return poll + rand.N(poll) //nolint:gosec // G404: spreading needs no secrecy
	}
	return f.wait + rand.N(spread) //nolint:gosec // G404: spreading needs no secrecy
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch sends the request for all processes. The response that is held may be
// confirmed by a 304.
func (t *Transport) fetch(r *http.Request, q query, f found, held *record) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.Header.Del("If-None-Match")
	if held != nil && held.Header["Etag"] != "" {
		sent.Header.Set("If-None-Match", held.Header["Etag"])
	}
	got := record{URL: r.URL.String(), Seq: f.seq, Time: time.Now().Round(0)}
	res, err := t.cfg.Transport.RoundTrip(sent)
	if err == nil {
		err = got.read(res, held)
	}
	if err != nil && errors.Is(r.Context().Err(), context.Canceled) {
		return nil, err // the caller has left, which says nothing about the issuer
	}
	if err != nil {
		got.Status, got.Body, got.Error = 0, nil, clipped(err.Error())
	}
	e := ending{name: q.name, seq: f.seq, began: f.now, keep: q.keep, blob: t.seal.close(&got)}
	if got.Status != http.StatusOK {
		e.failedFor = max(t.cfg.Interval, got.retryAfter(maxFailure))
	}
	// The others are told even if this request has ended.
	t.noteRedis(t.store.end(context.WithoutCancel(r.Context()), e))
	useHeld := got.Status != http.StatusOK && held != nil && q.after < 0 && time.Since(held.Time) < t.cfg.MaxStale
	t.noteIssuer(useHeld, &got, held)
	switch {
	case useHeld:
		return held.response(r), nil
	case err != nil:
		return nil, err
	case got.Status != http.StatusOK:
		return got.failure(r, e.failedFor)
	}
	return got.firstHand(r), nil
}

// open returns what is stored, if its seal is valid and it is no older than
// that.
func (t *Transport) open(blob []byte, url string, seq int64, oldest time.Duration) (*record, bool) {
	if len(blob) == 0 {
		return nil, false
	}
	r, err := t.seal.open(blob)
	if err == nil && (r.URL != url || r.Seq != seq) {
		err = errors.New("the seal is that of another response")
	}
	if err != nil {
		t.reportSeal(err)
		return nil, false
	}
	age := time.Since(r.Time)
	return r, -clockSkew <= age && age < oldest
}

func (t *Transport) noteRedis(err error) {
	switch {
	case err != nil && !t.failing.Swap(true):
		t.logger().Warn("redisjwks: Redis fails: keys are fetched without it", slog.String("error", clipped(err.Error())))
	case err == nil && t.failing.Load() && t.failing.Swap(false):
		t.logger().Info("redisjwks: Redis is back")
	}
}

// noteIssuer logs what the caches don't see, because they get a response.
func (t *Transport) noteIssuer(useHeld bool, got, held *record) {
	switch {
	case useHeld && !t.stale.Swap(true):
		t.logger().Warn("redisjwks: the issuer fails: its last response is used", slog.String("url", got.URL),
			slog.Int("status", got.Status), slog.String("error", got.Error), slog.Duration("age", time.Since(held.Time)))
	case got.Status == http.StatusOK && t.stale.Load() && t.stale.Swap(false):
		t.logger().Info("redisjwks: the issuer is back", slog.String("url", got.URL))
	}
}

func (t *Transport) reportSeal(err error) {
	last, now := t.reported.Load(), time.Now().UnixNano()
	if last != 0 && now-last < int64(time.Minute) || !t.reported.CompareAndSwap(last, now) {
		return
	}
	t.logger().Error("redisjwks: a stored response has no valid seal, and is ignored: find out what wrote it",
		slog.String("error", err.Error()))
}

func (t *Transport) logger() *slog.Logger {
	if t.cfg.Logger != nil {
		return t.cfg.Logger
	}
	return slog.Default()
}

func isShareable(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != "" || r.Body != nil && r.Body != http.NoBody || r.URL == nil || r.URL.User != nil {
		return false
	}
	for _, name := range []string{"Authorization", "Cookie", "Range"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return !hasDirective(r.Header, "no-store")
}

// hasDirective reports whether a request's Cache-Control has a directive (RFC
// 9111, Section 5.2.1).
func hasDirective(h http.Header, name string) bool {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(directive), name) {
			return true
		}
	}
	return false
}
