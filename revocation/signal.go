package revocation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// A Revoker takes the rules that an issuer's signals lead to. A [List] is one.
// It must be safe for concurrent use. If it returns an error, the sender is told
// to send its signal again later.
type Revoker interface {
	Revoke(ctx context.Context, r Rule) error
}

var openSigned = vouched.Open.(func(context.Context, *validator.Validator, string, vouched.Signed) (string, time.Time, error))

// A signals opens the signals of one kind and passes on the rules that they lead
// to.
type signals struct {
	sender *validator.Validator
	kind   vouched.Signed
	list   Revoker
	leeway time.Duration
	size   int // Sender.MaxTokenSize
	now    func() time.Time
	log    refusalLog
}

// checkSender returns an error for settings of a Sender that a signal can't
// have. What is left is for validator.New to check.
func checkSender(cfg *validator.Config) error {
	var errs []error
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"AudienceClaim", cfg.AudienceClaim != ""},
		{"RequireRFC9068", cfg.RequireRFC9068},
		{"InsecureSkipTypeCheck", cfg.InsecureSkipTypeCheck},
		{"Checks", len(cfg.Checks) > 0},
		{"CacheSize", cfg.CacheSize != 0},
	} {
		if f.set {
			errs = append(errs, fmt.Errorf("revocation: Sender.%s is for access tokens, and must not be set", f.name))
		}
	}
	return errors.Join(errs...)
}

func newSignals(sender validator.Config, kind vouched.Signed, list Revoker) (*signals, error) {
	var errs []error
	if isnil.Value(list) {
		errs = append(errs, errors.New("revocation: List is nil"))
	}
	sender.CacheSize = -1 // what is opened here is never seen again
	v, err := validator.New(sender)
	if err != nil {
		errs = append(errs, fmt.Errorf("revocation: Sender: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &signals{sender: v, kind: kind, list: list, size: sender.MaxTokenSize, now: sender.Now}
	if s.now == nil {
		s.now = time.Now
	}
	switch {
	case sender.Leeway == 0:
		s.leeway = validator.DefaultLeeway
	case sender.Leeway > 0:
		s.leeway = sender.Leeway
	}
	return s, nil
}

// A signal holds the claims of a signal whose signature, issuer and audience
// were checked.
type signal struct {
	issuer, id, subject, sessionID string
	issuedAt                       time.Time

	events              jose.Value
	claims              []jose.Member
	hasExpiry, hasNonce bool
	hasSubject, hasSID  bool
}

// open returns the signal in token.
func (s *signals) open(ctx context.Context, token string) (*signal, *refusal) {
	payload, issuedAt, err := openSigned(ctx, s.sender, token, s.kind)
	if err != nil {
		return nil, refusalOf(err)
	}
	claims, err := jose.ParseObject(nil, payload, jose.ReadBefore)
	if err != nil {
		return nil, refuse(codeRequest, "its claims can't be read")
	}
	x := &signal{issuedAt: issuedAt, claims: claims}
	hasIssuedAt := false
	for _, m := range claims {
		switch m.Name {
		case "iss":
			x.issuer, _ = m.Value.Text()
		case "sub":
			x.subject, _ = m.Value.Text()
			x.hasSubject = true
		case "sid":
			x.sessionID, _ = m.Value.Text()
			x.hasSID = true
		case "jti":
			x.id, _ = m.Value.Text()
		case "iat":
			hasIssuedAt = true
		case "exp":
			x.hasExpiry = true
		case "nonce":
			x.hasNonce = true
		case "events":
			x.events = m.Value
		}
	}
	switch {
	case x.id == "":
		return nil, refuse(codeRequest, "it has no jti")
	case !hasIssuedAt:
		return nil, refuse(codeRequest, "it has no iat")
	case x.issuedAt.Unix() < 0:
		return nil, refuse(codeRequest, "its iat is before 1970")
	case x.events.Kind() != jose.KindObject:
		return nil, refuse(codeRequest, "its events is missing, or not an object")
	}
	return x, nil
}

// revoke passes rules on. Passing them on twice changes nothing, so if one fails
// the sender sends all of them again.
func (s *signals) revoke(ctx context.Context, rules []Rule) *refusal {
	for _, rule := range rules {
		var err error
		if panicked := fault.Contain(func() { err = s.list.Revoke(ctx, rule) }); panicked != nil {
			return &refusal{status: http.StatusInternalServerError, err: panicked}
		}
		if err != nil {
			return &refusal{status: http.StatusServiceUnavailable, err: fmt.Errorf("the list did not take the rule: %w", err)}
		}
	}
	return nil
}

// within returns an error if a value of a signal is longer than that of a rule
// can be.
func within(values ...string) *refusal {
	for _, value := range values {
		if len(value) > maxValue {
			return refuse(codeRequest, fmt.Sprintf("a value in it has over %d bytes", maxValue))
		}
	}
	return nil
}
