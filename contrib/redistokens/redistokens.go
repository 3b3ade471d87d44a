// Package redistokens shares access tokens among the processes of a service, in
// Redis or Valkey, so that a fleet of them makes about as many token requests
// as one process.
//
//	client := redis.NewClient(&redis.Options{
//		Addr:                  "redis.internal:6379",
//		ContextTimeoutEnabled: true,
//		MaxRetries:            -1,
//	})
//	store, err := redistokens.New(redistokens.Config{Client: client})
//	tokens, err := clientauth.New(clientauth.Config{
//		Issuer:    "https://tenant.eu.auth0.com/",
//		ClientID:  "orders",
//		Auth:      clientauth.ClientSecretPost(os.Getenv("CLIENT_SECRET")),
//		Store:     store,
//		StoreKeys: [][]byte{secret},
//	})
//
// A [Store] is a [clientauth.Store]. Package clientauth encrypts each value
// before the Store gets it, and ties it to the request that it answers. It
// validates what comes back as it does with an issuer's answer.
//
// # What is trusted
//
// An attacker with access to the Redis but without the keys can't read a token,
// and can't make a process use one that no process has stored. It can
//
//   - see how many tokens there are, how long they live and when they are renewed
//   - delete values, or change them, upon which each process requests its own
//     tokens, as it does without a Store
//   - hold leases, or put a report of an outage back within its time, which
//     delays a process that has no token by up to three fifths of its
//     Config.Timeout, or by the rest of the time that the issuer has asked for
//   - put an earlier value of the same request back while its token lives. A
//     process that has had a later one doesn't take it.
//
// A Redis that is down, slow or refuses commands costs a process at most three
// times Config.Timeout for each request to the issuer, and nothing while a token
// lives.
//
// Each entry is one key, which Redis removes when its token has ended. If Redis
// evicts it before, a token is requested once more.
package redistokens

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/internal/isnil"
)

// The defaults of a [Config].
const (
	DefaultPrefix  = "rsguard:tokens:"
	DefaultTimeout = 250 * time.Millisecond
)

// maxTimeout is the largest Config.Timeout.
const maxTimeout = 10 * time.Second

// A Config says how Redis is used. Client is required. The zero value of every
// other field is its default.
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

	// Prefix begins each key in Redis. If empty, [DefaultPrefix] is used.
	Prefix string

	// Timeout bounds each command. If zero, [DefaultTimeout] is used. A
	// negative value and more than 10 seconds are errors.
	Timeout time.Duration
}

func (cfg Config) withDefaults() Config {
	cfg.Prefix = cmp.Or(cfg.Prefix, DefaultPrefix)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	return cfg
}

// check joins all faults of cfg.
func (cfg *Config) check() error {
	var errs []error
	if isnil.Value(cfg.Client) {
		errs = append(errs, errors.New("redistokens: Config.Client is nil"))
	} else if !heedsContexts(cfg.Client) {
		errs = append(errs, errors.New("redistokens: Config.Client has options without ContextTimeoutEnabled"))
	}
	if cfg.Timeout < 0 || cfg.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("redistokens: Config.Timeout is %v; it must not be negative or over %v", cfg.Timeout, maxTimeout))
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

// A Store is a [clientauth.Store]. Make one with [New]. It is safe for
// concurrent use.
type Store struct{ cfg Config }

var _ clientauth.Store = (*Store)(nil)

// New returns a Store for cfg. It does no I/O. The error joins all faults of
// cfg.
func New(cfg Config) (*Store, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Store{cfg.withDefaults()}, nil
}
