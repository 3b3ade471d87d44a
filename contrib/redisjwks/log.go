package redisjwks

import (
	"log/slog"
	"net/http"
	"time"
)

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
