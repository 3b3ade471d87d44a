// Package logging writes records to a program's logger.
package logging

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
)

// Enabled reports whether logger takes records of level. If logger is nil, it
// is [slog.Default]. A logger whose handler panics takes none.
func Enabled(ctx context.Context, logger *slog.Logger, level slog.Level) (enabled bool) {
	_ = fault.Contain(func() { enabled = or(logger).Enabled(ctx, level) })
	return enabled
}

// Write writes a record to logger. If logger is nil, it is [slog.Default].
//
// A panic of the logger's handler is contained, and the record is lost, as one
// is whose handler returns an error. What is logged is decided already, and
// neither a response nor the program may depend on the log. The record's source
// is the caller of Write.
func Write(ctx context.Context, logger *slog.Logger, level slog.Level, message string, attrs ...slog.Attr) {
	if !Enabled(ctx, logger, level) {
		return
	}
	var caller [1]uintptr
	runtime.Callers(2, caller[:]) // without runtime.Callers and Write
	record := slog.NewRecord(time.Now(), level, message, caller[0])
	record.AddAttrs(attrs...)
	_ = fault.Contain(func() { _ = or(logger).Handler().Handle(ctx, record) })
}

func or(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}
