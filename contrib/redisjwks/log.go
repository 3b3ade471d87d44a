package redisjwks

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/internal/logging"
)

func (t *Transport) noteRedis(err error) {
	switch {
	case err != nil && !t.failing.Swap(true):
		t.log(slog.LevelWarn, "redisjwks: Redis fails: keys are fetched without it", slog.String("error", clipped(err.Error())))
	case err == nil && t.failing.Load() && t.failing.Swap(false):
		t.log(slog.LevelInfo, "redisjwks: Redis is back")
	}
}

// noteIssuer logs what the caches don't see, because they get a response.
func (t *Transport) noteIssuer(useHeld bool, got, held *record) {
	switch {
	case useHeld && !t.stale.Swap(true):
		t.log(slog.LevelWarn, "redisjwks: the issuer fails: its last response is used", slog.String("url", got.URL),
			slog.Int("status", got.Status), slog.String("error", got.Error), slog.Duration("age", time.Since(held.Time)))
	case got.Status == http.StatusOK && t.stale.Load() && t.stale.Swap(false):
		t.log(slog.LevelInfo, "redisjwks: the issuer is back", slog.String("url", got.URL))
	}
}

func (t *Transport) reportSeal(err error) {
	last, now := t.reported.Load(), time.Now().UnixNano()
	if last != 0 && now-last < int64(time.Minute) || !t.reported.CompareAndSwap(last, now) {
		return
	}
	t.log(slog.LevelError, "redisjwks: a stored response has no valid seal, and is ignored: find out what wrote it",
		slog.String("error", err.Error()))
}

func (t *Transport) log(level slog.Level, text string, attrs ...slog.Attr) {
	logging.Write(context.Background(), t.cfg.Logger, level, text, attrs...)
}
