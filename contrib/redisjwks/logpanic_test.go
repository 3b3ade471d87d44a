package redisjwks_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/contrib/redisjwks"
)

type panickingLog struct{ slog.Handler }

func (panickingLog) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingLog) Handle(context.Context, slog.Record) error { panic("a fault of the handler") }

// A log that panics loses no response, whatever the record is about.
func TestTransport_logPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.cfg.Logger = slog.New(panickingLog{})
		if _, err := redisjwks.New(redisjwks.Config{Client: newClient(t, "127.0.0.1:1"), InsecureUnsealed: true, Logger: f.cfg.Logger}); err != nil {
			t.Errorf("New() error = %v, want none", err)
		}
		p := f.process()
		f.store.SetDown(errors.New("connection refused"), false)
		got, _ := get(t, p)
		f.want("Redis fails", got, "200 one", 1)
		f.store.SetDown(nil, false)
		got, _ = get(t, p)
		f.want("Redis is back", got, "200 one", 2)

		time.Sleep(2 * time.Minute)
		f.iss.set(func(i *issuer) { i.status = 503 })
		got, _ = get(t, p)
		f.want("the issuer fails", got, "200 one", 3)
		time.Sleep(time.Minute)
		f.iss.set(func(i *issuer) { i.status = 0 })
		got, _ = get(t, p, forced...)
		f.want("the issuer is back", got, "200 one", 4)

		f.store.Change(func(good, _ *[]byte, _, _ *int64) { *good = []byte("forged") })
		got, _ = get(t, p)
		f.want("a bad seal", got, "200 one", 5)
	})
}
