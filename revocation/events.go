package revocation

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// An EventConfig says whose Security Event Tokens are accepted, and what becomes
// of them. Sender and List are required. The zero value of every other field is
// its default.
type EventConfig struct {
	// Sender says by whom Security Event Tokens are signed and for whom. Issuers
	// are the transmitters. Audiences are the "aud" of the stream, which is
	// usually not the audience of access tokens. Keys, Algorithms, Secret,
	// Leeway, MaxTokenSize, InsecureHTTP and Now have their meaning and their
	// defaults. The others are for access tokens, and are an error here.
	Sender validator.Config

	// List takes the rules, usually a [List].
	List Revoker

	// TokenIssuers are the issuers of access tokens that each of the
	// transmitters may speak for. If empty, a transmitter speaks for tokens
	// whose "iss" is its own, and for no others.
	TokenIssuers []string

	// CriticalSubjectMembers are the critical_subject_members of the
	// transmitter's metadata, such as "device". An event about a complex subject
	// with one of them that no rule can name is acknowledged and logged, and has
	// no effect, as the Shared Signals Framework 1.0, Section 3.6, requires. If
	// empty, an event ends what its other members name.
	CriticalSubjectMembers []string

	// SessionIDInTokens says that the issuer's access tokens have the claim
	// "sid". An event about one session then ends that session's tokens alone.
	// By default, it also ends all tokens that the user had before, if the event
	// names the user.
	SessionIDInTokens bool

	// Authorization is the Authorization field that pushes must have, such as
	// "Bearer " and a secret. If empty, none is required, and the signature
	// alone tells who has sent an event.
	Authorization string

	// Verified is called with the issuer and the state of a verification event.
	// If it returns an error, the transmitter gets the error invalid_state. If
	// nil, every state is accepted.
	Verified func(ctx context.Context, issuer, state string) error

	// Logger gets a line for each Security Event Token, and at most one a second
	// about those that were refused. If nil, it is [slog.Default].
	Logger *slog.Logger
}

func (cfg *EventConfig) check() error {
	errs := []error{checkSender(&cfg.Sender)}
	if slices.Contains(cfg.TokenIssuers, "") {
		errs = append(errs, errors.New("revocation: EventConfig.TokenIssuers has an empty one"))
	}
	if slices.Contains(cfg.CriticalSubjectMembers, "") {
		errs = append(errs, errors.New("revocation: EventConfig.CriticalSubjectMembers has an empty one"))
	}
	if strings.TrimSpace(cfg.Authorization) != cfg.Authorization {
		errs = append(errs, errors.New("revocation: EventConfig.Authorization has space around it"))
	}
	return errors.Join(errs...)
}

func (cfg EventConfig) withDefaults() EventConfig {
	cfg.TokenIssuers = slices.Clone(cfg.TokenIssuers)
	cfg.CriticalSubjectMembers = slices.Clone(cfg.CriticalSubjectMembers)
	return cfg
}

// An EventReceiver receives the Security Event Tokens (SETs, RFC 8417) of the
// OpenID Shared Signals Framework 1.0. It is the [http.Handler] to which a
// transmitter pushes them (RFC 8935), and an [EventPoller] uses it for those that
// are polled (RFC 8936). It is made by [NewEventReceiver], and safe for
// concurrent use.
//
// It understands session-revoked, credential-change and token-claims-change of
// CAEP 1.0, account-disabled, account-purged and sessions-revoked of RISC, and
// the framework's own verification and stream-updated. An event of another type,
// or about a subject that no rule can name, such as an email address, is
// acknowledged and logged.
//
// The response is 202 once List has taken the rules, and for a SET that was
// received before. It is 400 with a JSON body for a SET that is rejected. It is
// 503 with Retry-After if the transmitter's keys can't be fetched or List returns
// an error, so that the transmitter sends the SET again.
type EventReceiver struct {
	receiver *eventReceiver // by its address: see Format
}

type eventReceiver struct {
	*signals
	cfg  EventConfig
	seen seen
}

// NewEventReceiver returns a receiver by cfg. The error joins all faults of cfg.
// It does no I/O.
func NewEventReceiver(cfg EventConfig) (*EventReceiver, error) {
	cfgErr := cfg.check()
	cfg = cfg.withDefaults()
	// Shared Signals Framework 1.0, Section 4.1.1 requires the type.
	s, err := newSignals(cfg.Sender, vouched.Signed{Types: []string{"secevent+jwt"}}, cfg.List)
	if err := errors.Join(cfgErr, err); err != nil {
		return nil, err
	}
	s.log.logger = cfg.Logger
	return &EventReceiver{&eventReceiver{signals: s, cfg: cfg}}, nil
}

// ServeHTTP answers the push of one SET (RFC 8935, Section 2).
func (e *EventReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.receiver == nil {
		(&refusal{status: http.StatusServiceUnavailable}).respond(w, "", "")
		return
	}
	e.receiver.serve(w, r)
}

func (r *eventReceiver) serve(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	refused := r.read(w, req)
	if refused == nil {
		w.WriteHeader(http.StatusAccepted) // Section 2.2
		return
	}
	r.log.refused(req.Context(), r.now(), "security event token", refused)
	refused.respond(w, "err", "description")
}

func (r *eventReceiver) read(w http.ResponseWriter, req *http.Request) *refusal {
	if want := r.cfg.Authorization; want != "" {
		got := req.Header.Values("Authorization")
		if len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(want)) != 1 {
			return refuse(codeAuthentication, "the Authorization field is not the one of this stream")
		}
	}
	mediaType, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/secevent+jwt" {
		return refuse(codeRequest, "the Content-Type is not application/secevent+jwt")
	}
	body, refused := readBody(w, req, r.maxSize())
	if refused != nil {
		return refused
	}
	return r.take(req.Context(), body, "")
}

// take checks a SET and passes its rules on. If id is not empty, it must be the
// SET's jti.
func (r *eventReceiver) take(ctx context.Context, token, id string) *refusal {
	x, refused := r.open(ctx, token)
	if refused != nil {
		return refused
	}
	switch {
	case id != "" && id != x.id:
		return refuse(codeRequest, "its jti is not the name by which it was delivered (RFC 8936, Section 2.3)")
	case x.hasSubject:
		return refuse(codeRequest, "it has a sub, which no SET of the Shared Signals Framework has (Section 4.1.2)")
	case x.hasExpiry:
		return refuse(codeRequest, "it has an exp, which no SET of the Shared Signals Framework has (Section 4.1.7)")
	}
	if refused := within(x.issuer); refused != nil {
		return refused
	}
	if r.seen.has(x.issuer, x.id) {
		// The transmitter has not received the first acknowledgment. The rules
		// would be the same.
		return nil
	}
	events, others, refused := understood(x.events)
	if refused != nil {
		return refused
	}
	for i, name := range others {
		if i == maxIgnored {
			break // a SET should have one event (Section 4.2.1)
		}
		r.ignored(ctx, x, name, "the type is not understood")
	}
	for i := range events {
		if refused := r.happen(ctx, x, &events[i]); refused != nil {
			return refused
		}
	}
	r.seen.add(x.issuer, x.id)
	return nil
}

// happen does what one event says.
func (r *eventReceiver) happen(ctx context.Context, x *signal, e *event) *refusal {
	switch e.effect {
	case verifiesStream:
		return r.verified(ctx, x, e)
	case changesStream:
		level := slog.LevelInfo
		if status := e.text("status"); status != "enabled" {
			level = slog.LevelWarn // what is revoked is not heard of any more
		}
		r.log.write(ctx, level, "event stream updated", slog.String("issuer", x.issuer), slog.String("status", show.Cut(e.text("status"), 64)))
		return nil
	}
	harmless, refused := e.harmless()
	if refused != nil {
		return refused
	}
	if harmless {
		r.ignored(ctx, x, e.name, "it takes nothing from anyone")
		return nil
	}
	subject, refused := r.subjectOf(x, e)
	if refused != nil {
		return refused
	}
	at, refused := e.happened(x)
	if refused != nil {
		return refused
	}
	if subject.critical {
		r.ignored(ctx, x, e.name, "a critical member of its subject can't be processed", slog.Any("subject", subject.ignored))
		return nil
	}
	if !subject.named() {
		r.ignored(ctx, x, e.name, "no rule can name its subject", slog.Any("subject", subject.ignored))
		return nil
	}
	if refused := r.revoke(ctx, r.rules(subject, e.effect, at)); refused != nil {
		return refused
	}
	r.log.write(ctx, slog.LevelInfo, "security event taken",
		slog.String("event", e.name), slog.String("issuer", x.issuer), slog.Any("ignored", subject.ignored))
	return nil
}

// ignored logs an event that is acknowledged and has no effect. It is a warning,
// because a token that the issuer takes for withdrawn may still be accepted.
func (r *eventReceiver) ignored(ctx context.Context, x *signal, event, why string, more ...slog.Attr) {
	attrs := append([]slog.Attr{
		slog.String("event", show.Cut(event, 256)), slog.String("issuer", x.issuer), slog.String("reason", why),
	}, more...)
	r.log.write(ctx, slog.LevelWarn, "security event ignored", attrs...)
}

func (r *eventReceiver) verified(ctx context.Context, x *signal, e *event) *refusal {
	state := e.text("state")
	if r.cfg.Verified != nil {
		var err error
		if panicked := fault.Contain(func() { err = r.cfg.Verified(ctx, x.issuer, state) }); panicked != nil {
			return &refusal{status: http.StatusInternalServerError, err: panicked}
		}
		if err != nil {
			return &refusal{http.StatusBadRequest, codeState, "the state is not the expected one", fmt.Errorf("EventConfig.Verified: %w", err), 0}
		}
	}
	r.log.write(ctx, slog.LevelInfo, "event stream verified", slog.String("issuer", x.issuer))
	return nil
}
