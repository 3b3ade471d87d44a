package redisreplay_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rsguard/rsguard/contrib/redisreplay"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/readiness"
)

// Ping is a check of package readiness.
func TestStore_Ping(t *testing.T) {
	t.Parallel()
	s := redisserver.New(t)
	store, err := redisreplay.New(redisreplay.Config{Client: newClient(t, s.Addr()), Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ready, err := readiness.New(readiness.Config{
		Checks:   map[string]func(context.Context) error{"replay store": store.Ping},
		Interval: -1, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	probe := func(when string, status int, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		ready.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		if w.Code != status || w.Body.String() != body {
			t.Errorf("GET /readyz %s = %d %q, want %d %q", when, w.Code, w.Body, status, body)
		}
	}
	probe("at first", 200, "ready\n")
	s.Freeze()
	probe("while Redis doesn't answer", 503, "not ready: replay store\n")
	s.Resume()
	probe("when Redis answers again", 200, "ready\n")
	s.Kill()
	probe("without Redis", 503, "not ready: replay store\n")
	s.Restart()
	probe("with a new Redis", 200, "ready\n")
}
