package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/validator"
)

// The error codes of RFC 8935, Section 2.4, and of the Shared Signals Framework
// 1.0, Section 8.1.4.1.
const (
	codeRequest        = "invalid_request"
	codeKey            = "invalid_key"
	codeIssuer         = "invalid_issuer"
	codeAudience       = "invalid_audience"
	codeAuthentication = "authentication_failed"
	codeState          = "invalid_state"
)

// A refusal says why a signal was not taken.
type refusal struct {
	status int    // of the response
	code   string // the standard's, or empty if the sender is to try again later
	text   string // for the sender; it never repeats what was sent
	err    error  // for the log
	wait   time.Duration
}

// refuse returns the refusal of a signal that will never be taken.
func refuse(code, text string) *refusal {
	return &refusal{http.StatusBadRequest, code, text, errors.New(text), 0}
}

// refusalOf returns the refusal by an error of package validator.
func refusalOf(err error) *refusal {
	r := &refusal{status: http.StatusBadRequest, code: codeRequest, err: err}
	switch code := validator.CodeOf(err); code {
	case validator.CodeUnavailable:
		r.status, r.code = http.StatusServiceUnavailable, ""
		var asks interface{ RetryAfter() time.Duration }
		if errors.As(err, &asks) {
			r.wait = asks.RetryAfter()
		}
	case validator.CodeInternal:
		r.status, r.code = http.StatusInternalServerError, ""
	case validator.CodeMalformed:
		r.text = "it is not a JWT, or is too large"
	case validator.CodeClaim:
		r.text = "a claim is missing or has another type than its standard says"
	case validator.CodeType:
		r.text = "it has another typ"
	case validator.CodeExpired:
		r.text = "it has expired"
	case validator.CodeNotYetValid:
		r.text = "its nbf or iat is in the future"
	case validator.CodeIssuer:
		r.code, r.text = codeIssuer, "it is of another issuer"
	case validator.CodeAudience:
		r.code, r.text = codeAudience, "it is for another audience"
	case validator.CodeAlgorithm:
		r.code, r.text = codeKey, "its algorithm is not allowed, or is not that of the key"
	case validator.CodeUnknownKey:
		r.code, r.text = codeKey, "there is no key with its kid"
		// Strangers' tokens may have used up the fetches for unknown keys. A
		// signal by a new key must not be lost by that.
		var unknown interface{ Asked() bool }
		if errors.As(err, &unknown) && !unknown.Asked() {
			r.status, r.code = http.StatusServiceUnavailable, ""
		}
	case validator.CodeSignature:
		r.code, r.text = codeKey, "its signature is not valid"
	default:
		r.text = "it is rejected"
	}
	return r
}

// retry is how long a sender is asked to wait by default.
const retry = 5 * time.Second

// respond writes the response to a signal that was not taken. The members of its
// body are called code and text.
func (r *refusal) respond(w http.ResponseWriter, code, text string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if r.code == "" {
		if r.status == http.StatusServiceUnavailable {
			wait := max(r.wait, retry)
			h.Set("Retry-After", seconds.RoundUp(wait))
		}
		w.WriteHeader(r.status)
		return
	}
	body, _ := json.Marshal(map[string]string{code: r.code, text: r.text}) // strings
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Language", "en") // RFC 8935, Section 2.3
	w.WriteHeader(r.status)
	_, _ = w.Write(body)
}

// A refusalLog logs why signals were refused. Strangers can send any number of
// them, so it writes one line a second at most, and says how many it left out.
type refusalLog struct {
	logger *slog.Logger // nil means the default at the time

	mu      sync.Mutex
	next    time.Time
	leftOut int
}

func (l *refusalLog) write(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	logging.Write(ctx, l.logger, level, message, attrs...)
}

func (l *refusalLog) refused(ctx context.Context, now time.Time, what string, r *refusal) {
	l.mu.Lock()
	// A clock that was set back must not silence the log.
	if wait := l.next.Sub(now); wait > 0 && wait <= time.Second {
		l.leftOut++
		l.mu.Unlock()
		return
	}
	leftOut := l.leftOut
	l.next, l.leftOut = now.Add(time.Second), 0
	l.mu.Unlock()
	l.write(ctx, slog.LevelWarn, what+" refused", slog.Int("status", r.status), slog.Any("error", r.err), slog.Int("left_out", leftOut))
}
