package redisrevocation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/observe"
)

// The defaults of a [Config].
const (
	DefaultPrefix  = "rsguard:revocation:"
	DefaultMaxLag  = 10 * time.Second
	DefaultTimeout = time.Second
	DefaultResend  = 100_000
)

// The limits of a [Config], whose documentation has the numbers.
const (
	minMaxLag  = 100 * time.Millisecond
	maxMaxLag  = time.Hour
	maxTimeout = 10 * time.Second
	maxResend  = 1 << 28
)

// A Config says how Redis is used. Client is required. The zero value of every
// other field is its default.
type Config struct {
	// Client is a *redis.Client, *redis.ClusterClient or *redis.Ring. The
	// caller makes, shares and closes it. Run uses one of its connections all
	// the time. Its options must have ContextTimeoutEnabled, without which
	// Timeout would have no effect. MaxRetries should be -1. It must read from
	// the primary.
	Client interface {
		Process(ctx context.Context, cmd redis.Cmder) error
		XRead(ctx context.Context, args *redis.XReadArgs) *redis.XStreamSliceCmd
	}

	// Prefix begins both keys, in braces, so that a cluster has them in one
	// slot. If empty, [DefaultPrefix] is used. Services that share a prefix
	// share their rules.
	Prefix string

	// MaxLag is how long the feed may be lost before [Feed.Status] says that it
	// is late. If zero, [DefaultMaxLag] is used. Less than 100 milliseconds and
	// more than an hour are errors.
	MaxLag time.Duration

	// RejectIfLate rejects requests with 503 while the feed is late. By
	// default, they are decided by the rules that are known. That a token was
	// revoked meanwhile is then not noticed, and a line at level Warn says so.
	//
	// Until Run has read the rules for the first time, requests get 503 in any
	// case, but without RejectIfLate no longer than MaxLag.
	RejectIfLate bool

	// Timeout bounds each command. If zero, [DefaultTimeout] is used. A
	// negative value and more than 10 seconds are errors.
	Timeout time.Duration

	// Resend is how many of the latest rules the Feed keeps in memory to bring
	// them back to a Redis that has lost them. A rule of 100 bytes takes about
	// 250. If zero, [DefaultResend] is used. If negative, none are kept.
	Resend int

	// Logger gets a line when the feed is late and when it is back, and at most
	// one a minute for entries that can't be read. If nil, [slog.Default] is
	// used.
	Logger *slog.Logger

	// Observe is told of each command when it begins and when it ends, except
	// those that wait for rules, and of changes between current and late. It is
	// called outside of locks and must return soon. A panic is contained and
	// logged. If nil, nothing is told.
	Observe func(context.Context, observe.Event)

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time
}

func (cfg Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("redisrevocation: Config."+format, args...))
	}

	if isnil.Value(cfg.Client) {
		wrong("Client is nil")
	} else if !heedsContexts(cfg.Client) {
		wrong("Client has options without ContextTimeoutEnabled")
	}
	if cfg.MaxLag != 0 && cfg.MaxLag < minMaxLag || cfg.MaxLag > maxMaxLag {
		wrong("MaxLag is %v; it must be from %v to %v", cfg.MaxLag, minMaxLag, maxMaxLag)
	}
	if cfg.Timeout < 0 || cfg.Timeout > maxTimeout {
		wrong("Timeout is %v; it must not be negative or over %v", cfg.Timeout, maxTimeout)
	}
	if cfg.Resend > maxResend {
		wrong("Resend is %d; it must not be over %d", cfg.Resend, maxResend)
	}
	return errors.Join(errs...)
}

func (cfg Config) withDefaults() Config {
	cfg.Prefix = cmp.Or(cfg.Prefix, DefaultPrefix)
	cfg.MaxLag = cmp.Or(cfg.MaxLag, DefaultMaxLag)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.Resend = max(cmp.Or(cfg.Resend, DefaultResend), 0)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
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

// LogValue returns the fields of cfg for logs, with the type of its Client
// alone, whose address and password are left out.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("client", fmt.Sprintf("%T", cfg.Client)),
		slog.String("prefix", cfg.Prefix),
		slog.Duration("max_lag", cfg.MaxLag),
		slog.Bool("reject_if_late", cfg.RejectIfLate),
		slog.Duration("timeout", cfg.Timeout),
		slog.Int("resend", cfg.Resend),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "redisrevocation.Config{client:%q prefix:%q max_lag:%v reject_if_late:%t timeout:%v resend:%d}",
		fmt.Sprintf("%T", cfg.Client), cfg.Prefix, cfg.MaxLag, cfg.RejectIfLate, cfg.Timeout, cfg.Resend)
}

// LogValue returns that of f's Config.
func (f *Feed) LogValue() slog.Value { return f.cfg.LogValue() }

// Format writes what [Feed.LogValue] shows, for every verb of package fmt.
func (f *Feed) Format(s fmt.State, verb rune) { f.cfg.Format(s, verb) }
