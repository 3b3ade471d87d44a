package revocation

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// A KeycloakConfig says whose not-before policies are accepted. Sender and List
// are required.
type KeycloakConfig struct {
	// Sender says by whom a policy is signed and for whom. Issuers is the one
	// realm, and Audiences are the client IDs of the clients whose Admin URL
	// leads to this receiver. Keys, Algorithms, Leeway, MaxTokenSize,
	// InsecureHTTP and Now have their meaning and their defaults. The others
	// are for access tokens, and are an error here.
	Sender validator.Config

	// List takes the rules, usually a [List].
	List Revoker

	// Logger gets a line for each policy, and at most one a second about those
	// that were refused. If nil, it is [slog.Default].
	Logger *slog.Logger
}

func (cfg *KeycloakConfig) check() error {
	errs := []error{checkSender(&cfg.Sender)}
	if len(cfg.Sender.Issuers) > 1 {
		errs = append(errs, errors.New("revocation: KeycloakConfig.Sender.Issuers has several realms, "+
			"and a policy doesn't name its own: make a receiver for each"))
	}
	return errors.Join(errs...)
}

// A KeycloakReceiver receives the not-before policy that Keycloak pushes to a
// client with an Admin URL. It is the [http.Handler] for the path
// "/k_push_not_before" below that URL. It is made by [NewKeycloakReceiver], and
// safe for concurrent use.
//
// No standard describes the push. Keycloak's class PushNotBeforeAction does. It
// is a JWT, signed by the realm's key, that has neither "iss" nor "aud". The
// realm is known by its key, and "resource" must be one of Audiences. All tokens
// of the realm that were issued before "notBefore" are rejected from then on.
// Keycloak's logout push, k_logout, is not received, because Back-Channel Logout
// says the same in a standard's words.
type KeycloakReceiver struct {
	receiver *keycloakReceiver // by its address: see Format
}

type keycloakReceiver struct {
	*signals
	realm string
}

// NewKeycloakReceiver returns a receiver by cfg. The error joins all faults of
// cfg. It does no I/O.
func NewKeycloakReceiver(cfg KeycloakConfig) (*KeycloakReceiver, error) {
	cfgErr := cfg.check()
	kind, realm := vouched.Signed{Untyped: true}, ""
	if len(cfg.Sender.Issuers) > 0 {
		realm = cfg.Sender.Issuers[0]
		kind.Issuer = realm
	}
	sender := cfg.Sender
	sender.AudienceClaim = "resource"
	s, err := newSignals(sender, kind, cfg.List)
	if err := errors.Join(cfgErr, err); err != nil {
		return nil, err
	}
	s.log.logger = cfg.Logger
	return &KeycloakReceiver{&keycloakReceiver{s, realm}}, nil
}

// ServeHTTP answers the POST of a policy: 204 once List has taken the rule, 400
// for a policy that is rejected, and 503 if it should be pushed again.
func (k *KeycloakReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if k.receiver == nil {
		(&refusal{status: http.StatusServiceUnavailable}).respond(w, "", "")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, refused := readBody(w, r, k.receiver.maxSize())
	if refused == nil {
		refused = k.receiver.take(r.Context(), body)
	}
	if refused == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	k.receiver.log.refused(r.Context(), k.receiver.now(), "not-before policy", refused)
	refused.respond(w, "error", "error_description")
}

func (k *keycloakReceiver) take(ctx context.Context, token string) *refusal {
	payload, _, err := openSigned(ctx, k.sender, token, k.kind)
	if err != nil {
		return refusalOf(err)
	}
	claims, err := jose.ParseObject(nil, payload, jose.ReadBefore)
	if err != nil {
		return refuse(codeRequest, "its claims can't be read")
	}
	action, _ := jose.Lookup(claims, "action")
	if !action.Is("PUSH_NOT_BEFORE") {
		return refuse(codeRequest, "its action is not PUSH_NOT_BEFORE")
	}
	now := k.now()
	expiration, ok := dateOf(claims, "expiration")
	if !ok {
		return refuse(codeRequest, "it has no expiration")
	}
	if !now.Before(expiration.Add(k.leeway)) {
		return refuse(codeRequest, "it has expired")
	}
	notBefore, ok := dateOf(claims, "notBefore")
	if !ok {
		return refuse(codeRequest, "it has no notBefore")
	}
	if notBefore.Unix() == 0 {
		// Keycloak's word for no policy. Tokens that were rejected by an
		// earlier one stay so.
		return nil
	}
	if latest := now.Add(k.leeway); notBefore.After(latest) {
		notBefore = latest
	}
	if refused := within(k.realm); refused != nil {
		return refused
	}
	if refused := k.revoke(ctx, []Rule{{Issuer: k.realm, IssuedBefore: notBefore}}); refused != nil {
		return refused
	}
	k.log.write(ctx, slog.LevelInfo, "not-before policy taken", slog.String("issuer", k.realm), slog.Time("not_before", notBefore))
	return nil
}

// dateOf returns a claim that is a NumericDate from 1970 on.
func dateOf(claims []jose.Member, name string) (time.Time, bool) {
	v, _ := jose.Lookup(claims, name)
	t, ok := v.Time()
	return t, ok && t.Unix() >= 0
}
