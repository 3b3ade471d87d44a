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
// is stored if that has the key and is not older than MaxAge. Otherwise it gets
// a response that was requested after it, and so do all that other processes
// send meanwhile. They wait for it, at most Interval and the time of one fetch.
// Failures are shared, too. However many processes there are, and whatever the
// issuer responds, they send at most one request per Interval for each URL.
//
// So a key that is published and used at once is served after one fetch, in
// each process. It takes up to Interval longer if a fetch without the key began
// less than Interval before. The tokens wait, and are not rejected.
//
// # Without Redis
//
// If Redis is down, refuses a command, or does not answer within Timeout, the
// Transport sends the request itself, and the fleet behaves as it does without
// this package.
//
// If a process that began a fetch has not ended it after two seconds, another
// may begin one beside it. A request that has waited for nine tenths of its time
// fails, and is not sent. All of the processes have waited then, and an issuer
// that is slow or silent would get a request of each. A process that has seen no
// outcome of any fetch for Interval and twice the time of a request no longer
// waits for others that long, and sends its requests itself.
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
	"log/slog"
	"net/http"
	"sync/atomic"
)

// A Transport is an [http.RoundTripper] that shares responses. Make one with
// [New]. It is safe for concurrent use.
type Transport struct {
	cfg   Config
	store store
	seal  *seal

	failing  *atomic.Bool  // Redis
	stale    *atomic.Bool  // the issuer fails, and a response of before is used
	reported *atomic.Int64 // when a bad seal was logged, in Unix nanoseconds
	waits    *waits
}

var _ http.RoundTripper = (*Transport)(nil)

// New returns a Transport for cfg. It does no I/O. The error joins all faults
// of cfg.
func New(cfg Config) (*Transport, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	t := &Transport{cfg: cfg, seal: newSeal(cfg.Key), failing: new(atomic.Bool), stale: new(atomic.Bool), reported: new(atomic.Int64), waits: new(waits)}
	t.cfg.Key = nil // which the seal has, where nothing prints it
	t.store = &redisStore{client: cfg.Client, timeout: cfg.Timeout}
	if cfg.InsecureUnsealed {
		t.log(slog.LevelWarn, "redisjwks: what is stored is not sealed: anyone that can write to the Redis can add keys",
			slog.String("option", "InsecureUnsealed"))
	}
	return t, nil
}

// CloseIdleConnections closes the connections that Config.Transport keeps and
// does not use now. A [jwks.Cache] calls it after a request without an answer.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.cfg.Transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
