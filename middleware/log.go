package middleware

import (
	"context"
	"errors"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

func (a *Authenticator) logRefusal(ctx context.Context, err error) {
	logger := a.cfg.Logger
	if logger == nil {
		logger = slog.Default()
	}
	level := levelOf(ctx, err)
	if !logger.Enabled(ctx, level) {
		return
	}

	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.Int("status", answerTo(err).status))
	var e *validator.Error
	if errors.As(err, &e) && e != nil {
		attrs = append(attrs, slog.String("code", show.Cut(string(validator.CodeOf(err)), maxValue)))
		if e.Issuer != "" {
			attrs = append(attrs, slog.String("issuer", show.Cut(e.Issuer, maxValue)))
		}
		if e.KeyID != "" {
			attrs = append(attrs, slog.String("kid", show.Cut(e.KeyID, maxValue)))
		}
		if e.Actor != "" {
			attrs = append(attrs, slog.String("actor", show.Cut(e.Actor, maxValue)))
		}
	}
	attrs = append(attrs, slog.String("error", show.Cut(textOf(err), maxText)))
	logger.LogAttrs(ctx, level, "token refused", attrs...)
}

func levelOf(ctx context.Context, err error) slog.Level {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return slog.LevelDebug
	}
	var m *misplaced
	if errors.As(err, &m) {
		return slog.LevelInfo
	}
	if errors.Is(err, jwks.ErrConfig) {
		return slog.LevelError
	}
	switch validator.CodeOf(err) {
	case validator.CodeMissing, validator.CodeNonce:
		return slog.LevelDebug
	case validator.CodeUnavailable:
		return slog.LevelWarn
	case validator.CodeInternal:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// textOf returns the text of err. That may be a check's own error, or a nil
// pointer whose Error method panics.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = "an error without text"
		}
	}()
	return err.Error()
}

// A client's text must not fill the log. An error of ours quotes several
// values, each of them cut.
const (
	maxValue = 256  // bytes
	maxText  = 1024 // bytes
)
