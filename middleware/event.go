package middleware

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/validator"
)

// An Outcome is what a Guard has decided about a request.
type Outcome string

// The outcomes.
const (
	Accepted  Outcome = "accepted"  // with claims
	Anonymous Outcome = "anonymous" // accepted without credentials
	Rejected  Outcome = "rejected"
	Abandoned Outcome = "abandoned" // the client was gone before the decision
)

// An Event is a decision about a request, for Config.Observe. It has nothing of
// the token but what is listed here. Every text is UTF-8 and cut to 256 bytes.
//
// Outcome, Status, Code, Issuer, Scheme, Binding, Method and Service have few
// values, whatever clients send, so that they can be attributes of metrics.
// Issuer has as many as there are trusted issuers. Route has as many as the
// program has routes. The others have as many as there are tokens.
type Event struct {
	Outcome Outcome
	Status  int            // of the response to a rejected request, otherwise 0
	Code    validator.Code // of a rejected request, otherwise ""

	// ReportOnly reports that Config.InsecureReportOnly is on, so that the
	// request was let through, whatever Outcome is. It is set for accepted
	// requests too, so that a metric shows that it is on before it matters.
	ReportOnly bool

	// Compared reports that Config.Compare was called, and Differs that it has
	// decided otherwise.
	Compared, Differs bool

	// Service is the service that was unavailable. See [validator.Error].
	Service string

	// Issuer is the token's issuer if it is a trusted one, "other" if it is
	// not, and "" if there is none. Except of claims that were accepted, it
	// is not verified that the token is the issuer's.
	Issuer string

	// KeyID is the token's "kid". Except of claims that were accepted, it may
	// be anything.
	KeyID string

	// These are of claims that the Validator has accepted, even if a check, or
	// a rule of this package, rejects the request. They are empty otherwise.
	Algorithm    string // alg
	Subject      string // sub
	Client       string // client_id; see [validator.Claims]
	Actor        string // see [validator.Claims.Actor]
	Organization string // org_id, otherwise org_name
	Binding      string // what the token is bound to: "", "dpop" or "certificate"
	Remembered   bool   // see [validator.Claims.Remembered]

	Scheme string // of the credentials: "Bearer", "DPoP", or "" if there are none

	Method string // of RFC 9110, Section 9, or PATCH; otherwise "other"
	Route  string // the pattern by which the router has found the handler, or the name of its Rule, or ""

	// Duration is the time that the decision took, without Compare and Observe.
	Duration time.Duration

	issuer, id string // iss and jti of accepted claims
}

// TokenHash returns a hash of the accepted token's "iss" and "jti" that can't
// be computed without key: 32 hexadecimal digits of HMAC-SHA256 (RFC 2104). With
// one key, several services write the same hash for a token, and none of them
// discloses its ID. The result is "" if the token has no ID.
func (e Event) TokenHash(key []byte) string {
	if e.id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.issuer))
	mac.Write([]byte{0})
	mac.Write([]byte(e.id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// LogValue returns the fields of e that are not empty.
func (e Event) LogValue() slog.Value { return slog.GroupValue(e.attrs()...) }

// Format writes what [Event.LogValue] returns, for every verb of package fmt.
func (e Event) Format(f fmt.State, _ rune) { show.Format(f, "middleware.Event", e.LogValue()) }

func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 20)
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	flag := func(name string, value bool) {
		if value {
			attrs = append(attrs, slog.Bool(name, true))
		}
	}
	text("outcome", string(e.Outcome))
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	text("code", string(e.Code))
	flag("report_only", e.ReportOnly)
	flag("differs", e.Differs)
	text("service", e.Service)
	text("issuer", e.Issuer)
	text("kid", e.KeyID)
	text("alg", e.Algorithm)
	text("subject", e.Subject)
	text("client", e.Client)
	text("actor", e.Actor)
	text("organization", e.Organization)
	text("scheme", e.Scheme)
	text("binding", e.Binding)
	text("method", e.Method)
	text("route", e.Route)
	flag("remembered", e.Remembered)
	if e.Duration > 0 {
		attrs = append(attrs, slog.Duration("duration", e.Duration))
	}
	return attrs
}

// otherValue stands for the texts of strangers.
const otherValue = "other"

// event describes d.
func (a *Authenticator) event(r *http.Request, d *decision) Event {
	e := Event{
		Outcome: d.outcome(r.Context()),
		Scheme:  d.scheme,
		Method:  methodOf(r),
		Route:   show.Cut(r.Pattern, maxValue),

		ReportOnly: a.cfg.InsecureReportOnly && !fault.Aborts(d.err),
	}
	if d.claims == nil && (d.err == nil || validator.CodeOf(d.err) == validator.CodeMissing) {
		e.Scheme = "" // that of the challenge is no client's
	}
	if d.err != nil {
		e.Status = answerTo(d.err).status
		e.Code = validator.Code(show.Cut(string(validator.CodeOf(d.err)), maxValue))
		var cause *validator.Error
		if errors.As(d.err, &cause) && cause != nil {
			e.Service, e.KeyID = show.Cut(cause.Service, maxValue), show.Cut(cause.KeyID, maxValue)
			switch {
			case cause.Trusted:
				e.Issuer = show.Cut(cause.Issuer, maxValue)
			case cause.Issuer != "":
				e.Issuer = otherValue
			}
		}
	}
	if d.claims != nil {
		e.describe(d.claims)
	}
	return e
}

func (e *Event) describe(claims *validator.Claims) {
	e.issuer, e.id = claims.Issuer, claims.ID
	e.Issuer = show.Cut(claims.Issuer, maxValue)
	e.KeyID = show.Cut(claims.KeyID(), maxValue)
	e.Algorithm = claims.Algorithm()
	e.Subject = show.Cut(claims.Subject, maxValue)
	e.Client = show.Cut(claims.ClientID, maxValue)
	e.Organization = show.Cut(cmp.Or(claims.OrgID, claims.OrgName), maxValue)
	e.Actor = show.Cut(actorOf(claims), maxValue)
	e.Remembered = claims.Remembered()
	switch c := claims.Confirmation; {
	case c == nil:
	case c.JKT != "":
		e.Binding = "dpop"
	default:
		e.Binding = "certificate"
	}
}

// actorOf names the actor of claims, or is "".
func actorOf(claims *validator.Claims) string {
	actor, err := claims.Actor()
	if err != nil || actor == nil {
		return ""
	}
	return cmp.Or(actor.Subject, actor.ClientID)
}

// methodOf returns r's method if it is a known one. A client may send any.
func methodOf(r *http.Request) string {
	switch r.Method {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return otherValue
}

// observe tells Config.Observe of d.
func (a *Authenticator) observe(r *http.Request, d *decision, took time.Duration) {
	if a.cfg.Observe == nil && a.cfg.Compare == nil {
		return
	}
	e := a.event(r, d)
	e.Duration = took
	if a.cfg.Compare != nil && !d.known {
		a.compare(r, d, &e)
	}
	if a.cfg.Observe == nil {
		return
	}
	ctx := r.Context()
	if panicked := fault.Contain(func() { a.cfg.Observe(ctx, e) }); panicked != nil {
		logging.Write(ctx, a.cfg.Logger, slog.LevelError, "middleware.Config.Observe failed", slog.String("error", panicked.Error()))
	}
}

// compare asks Config.Compare about r.
func (a *Authenticator) compare(r *http.Request, d *decision, e *Event) {
	var other error
	if panicked := fault.Contain(func() { other = a.cfg.Compare(r) }); panicked != nil {
		other = panicked
	}
	e.Compared, e.Differs = true, (other == nil) != (d.err == nil)
	if !e.Differs {
		return
	}
	attrs := []slog.Attr{slog.String("method", e.Method)}
	if e.Route != "" {
		attrs = append(attrs, slog.String("route", e.Route))
	}
	if d.err != nil {
		attrs = append(attrs, slog.String("rejected_by", "rsguard"), slog.String("error", recorded(r, d, d.err)))
	} else {
		attrs = append(attrs, slog.String("rejected_by", "Compare"), slog.String("error", recorded(r, d, other)))
	}
	logging.Write(r.Context(), a.cfg.Logger, slog.LevelWarn, "decisions differ", attrs...)
}
