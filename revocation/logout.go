package revocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/parameter"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// DefaultLogoutMaxAge is the default of LogoutConfig.MaxAge.
const DefaultLogoutMaxAge = 10 * time.Minute

// maxLogoutMaxAge is longer than any retry of a sender takes.
const maxLogoutMaxAge = 24 * time.Hour

// A LogoutConfig says whose logout tokens are accepted, and what becomes of
// them. Sender and List are required. The zero value of every other field is its
// default.
type LogoutConfig struct {
	// Sender says by whom logout tokens are signed and for whom. Issuers are
	// the issuers of the access tokens. Audiences are the client identifiers
	// for which this receiver's URL is registered, and not the audience of
	// access tokens. Keys, Algorithms, Secret, Leeway, MaxTokenSize,
	// InsecureHTTP and Now have their meaning and their defaults. The others
	// are for access tokens, and are an error here.
	Sender validator.Config

	// List takes the rules, usually a [List].
	List Revoker

	// SessionIDInTokens says that the issuer's access tokens have the claim
	// "sid". A logout of one session then ends that session's tokens alone. By
	// default, it also ends all tokens of the user that were issued before,
	// because a rule by "sid" names no token that has none.
	SessionIDInTokens bool

	// AllowMissingExpiry accepts logout tokens without "exp", which was no
	// claim of theirs in the drafts before the final version. MaxAge bounds
	// them in any case.
	AllowMissingExpiry bool

	// MaxAge is the age by "iat" from which on a logout token is rejected. If
	// zero, it is [DefaultLogoutMaxAge]. It can't be negative or over a day.
	MaxAge time.Duration

	// Logger gets a line for each logout, and at most one a second about those
	// that were refused. If nil, it is [slog.Default].
	Logger *slog.Logger
}

func (cfg *LogoutConfig) check() error {
	errs := []error{checkSender(&cfg.Sender)}
	if cfg.MaxAge < 0 || cfg.MaxAge > maxLogoutMaxAge {
		errs = append(errs, fmt.Errorf("revocation: LogoutConfig.MaxAge is %v; it can be 0 to %v", cfg.MaxAge, maxLogoutMaxAge))
	}
	return errors.Join(errs...)
}

func (cfg LogoutConfig) withDefaults() LogoutConfig {
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultLogoutMaxAge
	}
	return cfg
}

// A LogoutReceiver receives the logout tokens of OpenID Connect Back-Channel
// Logout 1.0. It is the [http.Handler] for the URL that is registered at the
// issuer as backchannel_logout_uri. It is made by [NewLogoutReceiver], and safe
// for concurrent use.
//
// A logout token with a "sid" becomes a rule by SessionID, and one with a "sub"
// a rule by Subject for tokens that were issued before. See
// LogoutConfig.SessionIDInTokens for one with both.
//
// The response is 200 once List has taken the rules. It is 400 with a JSON body
// for a logout token that is rejected (Section 2.8), one whose "jti" was used
// included. It is 503 with Retry-After if the issuer's keys can't be fetched or
// List returns an error. Section 2.8 has 400 for the latter too, which would
// tell the issuer that its token was bad, and that it need not send it again.
type LogoutReceiver struct {
	receiver *logoutReceiver // by its address: see Format
}

type logoutReceiver struct {
	*signals
	cfg  LogoutConfig
	seen seen
}

// NewLogoutReceiver returns a receiver by cfg. The error joins all faults of
// cfg. It does no I/O.
func NewLogoutReceiver(cfg LogoutConfig) (*LogoutReceiver, error) {
	cfgErr := cfg.check()
	cfg = cfg.withDefaults()
	// Section 2.4 recommends the type, and does not require it.
	s, err := newSignals(cfg.Sender, vouched.Signed{Types: []string{"logout+jwt"}, Untyped: true}, cfg.List)
	if err := errors.Join(cfgErr, err); err != nil {
		return nil, err
	}
	s.log.logger = cfg.Logger
	return &LogoutReceiver{&logoutReceiver{signals: s, cfg: cfg}}, nil
}

// ServeHTTP answers a POST of a form with the logout token (Section 2.5).
func (l *LogoutReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.receiver == nil {
		(&refusal{status: http.StatusServiceUnavailable}).respond(w, "", "")
		return
	}
	l.receiver.serve(w, r)
}

// maxForm is how much longer than the longest token a form can be.
const maxForm = 4 << 10

func (l *logoutReceiver) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // Section 2.8
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	refused := l.read(w, r)
	if refused == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	l.log.refused(r.Context(), l.now(), "logout token", refused)
	if refused.code != "" {
		refused.code = codeRequest // the only one that is defined for this response
	}
	refused.respond(w, "error", "error_description")
}

// read reads the form, and does what its logout token says.
func (l *logoutReceiver) read(w http.ResponseWriter, r *http.Request) *refusal {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return refuse(codeRequest, "the Content-Type is not application/x-www-form-urlencoded")
	}
	body, refused := readBody(w, r, l.maxSize()+maxForm)
	if refused != nil {
		return refused
	}
	tokens, ok := parameter.Values(body, "logout_token", 2)
	if !ok || len(tokens) != 1 {
		return refuse(codeRequest, "the form can't be read, or does not have logout_token once")
	}
	return l.take(r.Context(), tokens[0])
}

// backChannelLogout is the member of events by which a JWT is a logout token.
const backChannelLogout = "http://schemas.openid.net/event/backchannel-logout"

// take checks a logout token (Section 2.6) and passes its rules on.
func (l *logoutReceiver) take(ctx context.Context, token string) *refusal {
	x, refused := l.open(ctx, token)
	if refused != nil {
		return refused
	}
	event, refused := findEvent(x.events, backChannelLogout)
	if refused != nil {
		return refused
	}
	switch now := l.now(); {
	case event.Kind() != jose.KindObject:
		return refuse(codeRequest, "events has no back-channel logout that is an object (Section 2.4)")
	case x.hasNonce:
		return refuse(codeRequest, "it has a nonce, which no logout token has (Section 2.4)")
	case x.hasSubject && x.subject == "" || x.hasSID && x.sessionID == "":
		return refuse(codeRequest, "sub or sid is not a string, or is empty")
	case !x.hasSubject && !x.hasSID:
		return refuse(codeRequest, "it has neither sub nor sid (Section 2.4)")
	case !x.hasExpiry && !l.cfg.AllowMissingExpiry:
		return refuse(codeRequest, "it has no exp (Section 2.4); see LogoutConfig.AllowMissingExpiry")
	case !now.Before(x.issuedAt.Add(l.cfg.MaxAge + l.leeway)):
		return refuse(codeRequest, "it was issued too long ago")
	case l.seen.has(x.issuer, x.id):
		return refuse(codeRequest, "its jti was used before (Section 2.6)")
	}
	if refused := within(x.issuer, x.subject, x.sessionID); refused != nil {
		return refused
	}
	rules := l.rules(x)
	if refused := l.revoke(ctx, rules); refused != nil {
		return refused // and its jti was not used
	}
	l.seen.add(x.issuer, x.id)
	l.log.write(ctx, slog.LevelInfo, "logout token taken",
		slog.String("issuer", x.issuer), slog.Bool("session", x.hasSID), slog.Bool("subject", x.hasSubject))
	return nil
}

func (l *logoutReceiver) rules(x *signal) []Rule {
	var rules []Rule
	if x.hasSID {
		rules = append(rules, Rule{Issuer: x.issuer, SessionID: x.sessionID})
	}
	if x.hasSubject && (!x.hasSID || !l.cfg.SessionIDInTokens) {
		rules = append(rules, Rule{Issuer: x.issuer, Subject: x.subject, IssuedBefore: x.issuedAt})
	}
	return rules
}

// findEvent returns the event of this type, of no kind if there is none.
func findEvent(events jose.Value, name string) (jose.Value, *refusal) {
	members, err := jose.ParseObject(nil, events.Raw(), jose.ReadBefore)
	if err != nil {
		return jose.Value{}, refuse(codeRequest, "its events can't be read")
	}
	event, _ := jose.Lookup(members, name)
	return event, nil
}
