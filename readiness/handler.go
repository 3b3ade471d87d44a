// Package readiness decides whether a service can decide about tokens now, for
// the readiness probe of an orchestrator.
//
//	ready, err := readiness.New(readiness.Config{
//		Caches: []*jwks.Cache{keys},
//		Checks: map[string]func(context.Context) error{
//			"replay store":    replays.Ping,
//			"revocation feed": func(context.Context) error { return feed.Current() },
//		},
//	})
//	…
//	mux.Handle("GET /readyz", ready)
//
// List only what the service can't do without. A probe that fails takes an
// instance out of service, and if all instances share a cause, all of them. For
// keys alone, jwks.Ready is enough.
//
// The replay store is one of contrib/redisreplay, and the feed one of
// contrib/redisrevocation. Current returns an error only while requests get 503
// for the feed's sake.
package readiness

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/show"
)

// A Handler responds to a readiness probe. Make one with [New]. It is safe for
// concurrent use. The zero Handler is never ready.
type Handler struct {
	cfg   Config
	parts []*part

	mu  sync.Mutex // never held during a check
	was string     // the parts that were not ready the last time
}

// New returns a Handler for cfg. It does no I/O and starts no goroutine. The
// error joins all faults of cfg.
func New(cfg Config) (*Handler, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Handler{cfg: cfg, parts: cfg.parts()}, nil
}

// ServeHTTP responds with 200 if all parts are ready, and otherwise with 503,
// Retry-After, and a line with the parts that are not. These are "keys",
// "introspection" and the names of Config.Checks. The response has no cause, no
// issuer and no address. The log has the cause, when a part ceases to be ready.
//
// It takes no longer than Config.Timeout, whatever the checks do.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	missing, wait := "not made by New", time.Second
	if h != nil && len(h.parts) > 0 {
		missing, wait = h.missing(r.Context()), max(h.cfg.Interval, time.Second)
	}
	if missing != "" {
		w.Header().Set("Retry-After", seconds.RoundUp(wait))
		http.Error(w, "not ready: "+missing, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ready\n"))
}

// missing lists the parts that are not ready.
func (h *Handler) missing(ctx context.Context) string {
	probe := ctx
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	for _, p := range h.parts {
		p.begin(h.cfg.Now(), &h.cfg) // all at once, so that the waits below overlap
	}
	var names []string
	var causes []slog.Attr
	for _, p := range h.parts {
		if err := p.result(ctx); err != nil {
			if !slices.Contains(names, p.name) {
				names = append(names, p.name)
			}
			causes = append(causes, slog.String(p.name, textOf(err)))
		}
	}
	missing := strings.Join(names, ", ")
	if probe.Err() == nil || missing == "" { // a probe that has gone has found nothing
		h.log(missing, causes)
	}
	return missing
}

// log writes one record when the parts that are not ready change.
func (h *Handler) log(missing string, causes []slog.Attr) {
	h.mu.Lock()
	changed := h.was != missing
	h.was = missing
	h.mu.Unlock()
	if !changed {
		return
	}
	if missing == "" {
		logging.Write(context.Background(), h.cfg.Logger, slog.LevelInfo, "ready")
		return
	}
	logging.Write(context.Background(), h.cfg.Logger, slog.LevelWarn, "not ready", causes...)
}

// textOf returns the text of an error, which may be a check's own.
func textOf(err error) (text string) {
	const most = 1 << 10
	if fault.Contain(func() { text = show.Cut(err.Error(), most) }) != nil {
		return "an error without text"
	}
	return text
}
