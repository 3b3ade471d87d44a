package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/logging"
)

// A handler panics where its fields say so.
type handler struct {
	enabled, handle func()
}

func (h handler) Enabled(context.Context, slog.Level) bool  { h.enabled(); return true }
func (h handler) Handle(context.Context, slog.Record) error { h.handle(); return nil }
func (h handler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h handler) WithGroup(string) slog.Handler             { return h }

func TestWrite_panics(t *testing.T) {
	t.Parallel()

	fine := func() {}
	for name, logger := range map[string]*slog.Logger{
		"in Enabled":             slog.New(handler{func() { panic("x") }, fine}),
		"in Handle":              slog.New(handler{fine, func() { panic("x") }}),
		"with ErrAbortHandler":   slog.New(handler{fine, func() { panic(http.ErrAbortHandler) }}),
		"because it has none":    new(slog.Logger),
		"because its handler is": slog.New((*slog.JSONHandler)(nil)),
	} {
		// The test fails by the panic.
		logging.Write(t.Context(), logger, slog.LevelError, name, slog.Int("a", 1))
	}
	if logging.Enabled(t.Context(), slog.New(handler{func() { panic("x") }, fine}), slog.LevelInfo) {
		t.Error("Enabled() = true for a handler that panics, want false")
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{AddSource: true, Level: slog.LevelWarn})).With("service", "orders")
	logging.Write(t.Context(), logger, slog.LevelInfo, "one below the level")
	logging.Write(t.Context(), logger, slog.LevelWarn, "a message", slog.Int("a", 1), slog.String("b", "2"))
	var got struct {
		Time, Level, Msg, B, Service string
		A                            int
		Source                       struct{ Function, File string }
	}
	if err := json.Unmarshal(log.Bytes(), &got); err != nil {
		t.Fatalf("log = %s, want one record: %v", &log, err)
	}
	if got.Time == "" || got.Level != "WARN" || got.Msg != "a message" || got.A != 1 || got.B != "2" || got.Service != "orders" {
		t.Errorf("record = %+v, want the message with its time and attributes", got)
	}
	if !strings.HasSuffix(got.Source.Function, "logging_test.TestWrite") {
		t.Errorf("source = %+v, want the caller of Write", got.Source)
	}
}

// A logger of nil is the default at the time of the record.
func TestWrite_default(t *testing.T) { //nolint:paralleltest // it sets the default
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	logging.Write(t.Context(), nil, slog.LevelInfo, "a message")
	if !strings.Contains(log.String(), `msg="a message"`) {
		t.Errorf("log = %q, want the record", &log)
	}
}
