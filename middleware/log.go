package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

func (a *Authenticator) logRefusal(r *http.Request, d *decision) {
	ctx, err := r.Context(), d.err
	level, message := levelOf(ctx, err), "token refused"
	if a.cfg.InsecureReportOnly {
		level, message = max(level, slog.LevelInfo), "would refuse token"
	}
	if !logging.Enabled(ctx, a.cfg.Logger, level) {
		return
	}

	attrs := make([]slog.Attr, 0, 10)
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
	if d.claims != nil && d.claims.ID != "" {
		attrs = append(attrs, slog.String("jti", show.Cut(d.claims.ID, maxValue)))
	}
	attrs = append(attrs, slog.String("method", methodOf(r)))
	if r.Pattern != "" {
		attrs = append(attrs, slog.String("route", show.Cut(r.Pattern, maxValue)))
	}
	attrs = append(attrs, slog.String("error", recorded(r, d, err)))
	logging.Write(ctx, a.cfg.Logger, level, message, attrs...)
}

// abandoned reports whether err is that the client is gone.
func abandoned(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && ctx.Err() != nil
}

func levelOf(ctx context.Context, err error) slog.Level {
	if abandoned(ctx, err) {
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
