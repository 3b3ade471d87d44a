package introspection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rsguard/rsguard/internal/b64token"
	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// ErrUnavailable is in the chain of the errors of [Introspector.Validate] with
// [validator.CodeUnavailable]. They also have a method RetryAfter() with the
// time until another attempt can succeed.
var ErrUnavailable = errors.New("the introspection endpoint can't be asked")

// An Introspector asks a server about tokens. It is a middleware.Validator,
// made by [New], and safe for concurrent use. It has no goroutine but those of
// calls in progress, which end by themselves.
type Introspector struct {
	cfg     *Config // by its address: see Format
	decides *validator.Validator
	rules   vouched.Rules
	client  *client
	memory  *memory
	calls   *calls
}

// The functions of package validator for claims without a signature.
var (
	read = vouched.Read.(func(*validator.Validator, string, vouched.Rules) (
		func(context.Context, *validator.Claims) error, int, error))
	explain = vouched.Explain.(func(context.Context, *validator.Validator, string, vouched.Rules) validator.Report)
	open    = vouched.Open.(func(context.Context, *validator.Validator, string, vouched.Signed) (string, time.Time, error))
)

// New returns an Introspector. It does no I/O: the endpoint is discovered, and
// asked, when the first token comes. Its error joins everything that is wrong
// with cfg.
func New(cfg Config) (*Introspector, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	decides, err := validator.New(cfg.decision())
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	client, err := newClient(&cfg)
	if err != nil {
		return nil, err
	}
	in := &Introspector{
		cfg: &cfg, decides: decides, client: client, memory: newMemory(&cfg), calls: newCalls(&cfg),
		rules: vouched.Rules{
			Issuer: cfg.Issuer, Audience: cfg.AudienceGuaranteedBy != "" || cfg.InsecureUserInfo, Expiry: true, MaxSize: maxAnswer,
		},
	}
	if cfg.InsecureHTTP {
		in.calls.write(slog.LevelWarn, "introspection: plain http is accepted: an attacker on the network can read tokens and answer for the issuer",
			slog.String("issuer", cfg.Issuer), slog.String("option", "InsecureHTTP"))
	}
	return in, nil
}

// Issuers returns the issuers whose tokens in accepts, as in its Config.
func (in *Introspector) Issuers() []string {
	if in.cfg == nil {
		return nil
	}
	return in.cfg.issuers()
}

// Validate returns the claims of token if it is to be accepted. Its error is a
// [*validator.Error]. With [validator.CodeUnavailable] the token is not known to
// be bad: the endpoint can't be asked, or ctx, which bounds the wait for it, is
// done. With [validator.CodeRevoked] the server says that it is not active. The
// other codes are those of a token in JWT form.
//
// A token that is bound to a key is rejected unless ctx says, by
// [validator.ContextWithConfirmation], that its sender has proven to have it.
//
// A panic of a check is an error with [validator.CodeInternal].
func (in *Introspector) Validate(ctx context.Context, token string) (claims *validator.Claims, err error) {
	returned := false
	defer func() {
		if !returned {
			claims, err = nil, &validator.Error{Code: validator.CodeInternal, Err: fault.Of(recover())}
		}
	}()
	claims, err = in.validate(ctx, token)
	returned = true
	return claims, err
}

func (in *Introspector) validate(ctx context.Context, token string) (*validator.Claims, error) {
	e, err := in.entry(ctx, token)
	if err != nil {
		return nil, err
	}
	claims := new(validator.Claims)
	if err := e.decide(ctx, claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// entry returns what the server says of token, as it is known or as it says
// now.
func (in *Introspector) entry(ctx context.Context, token string) (*entry, error) {
	if in.cfg == nil {
		return nil, &validator.Error{Code: validator.CodeUnavailable, Err: errNotMade}
	}
	if err := in.checkForm(token); err != nil {
		return nil, err
	}
	now := in.cfg.Now()
	if now.IsZero() {
		return nil, &validator.Error{Code: validator.CodeUnavailable, Err: errNoTime}
	}
	e := in.memory.get(token)
	if e != nil && e.age(now) < in.cfg.MaxAge {
		return e, nil
	}
	if e == nil && in.memory.isInactive(token, now) {
		return nil, inactive()
	}
	answer, err := in.ask(ctx, token, e, now)
	switch {
	case err == nil && answer.inactive:
		return nil, inactive()
	case err == nil:
		return answer.entry, nil
	case e != nil && ctx.Err() == nil && e.age(now) < in.cfg.MaxAge+in.cfg.StaleFor:
		return e, nil
	}
	return nil, &validator.Error{Code: validator.CodeUnavailable, Service: "introspection", Issuer: in.cfg.Issuer, Trusted: true, Err: err}
}

var (
	errNotMade = errors.New("this Introspector was not made by New")
	errNoTime  = errors.New("Config.Now returned the zero time")
)

// inactive is the caller's own.
func inactive() error {
	return &validator.Error{Code: validator.CodeRevoked, Err: errInactive}
}

var errInactive = errors.New("the server says that the token is not active: it has expired, was revoked, or was never issued " +
	"for us to see (RFC 7662, Section 2.2)")

// checkForm rejects what can be no token of RFC 6750, Section 2.1, without a
// call.
func (in *Introspector) checkForm(token string) error {
	if len(token) > in.cfg.MaxTokenSize {
		return malformed(fmt.Errorf("the token is too large: %d bytes, over the %d of Config.MaxTokenSize", len(token), in.cfg.MaxTokenSize))
	}
	if !b64token.Valid(token) {
		return malformed(errors.New("the token is empty, or has characters that no token has (RFC 6750, Section 2.1)"))
	}
	return nil
}

func malformed(err error) error { return &validator.Error{Code: validator.CodeMalformed, Err: err} }

// Forget forgets what is known of token, so that the server is asked about it
// again. The answer to a call in progress is not remembered.
func (in *Introspector) Forget(token string) {
	if in.cfg != nil {
		in.calls.forget(token)
		in.memory.forget(token)
	}
}

// Explain validates token as [Introspector.Validate] does, and tells about
// every step. Its verdict is Validate's. The server is asked if need be.
func (in *Introspector) Explain(ctx context.Context, token string) (report validator.Report) {
	if panicked := fault.Contain(func() { report = in.explain(ctx, token) }); panicked != nil {
		report = validator.Report{Err: &validator.Error{Code: validator.CodeInternal, Err: panicked}}
	}
	return report
}

func (in *Introspector) explain(ctx context.Context, token string) validator.Report {
	e, err := in.entry(ctx, token)
	asked := validator.Step{
		Name: "active", Want: "the server to say that the token is active", Outcome: validator.Passed,
	}
	if err != nil {
		asked.Outcome, asked.Found = validator.Failed, string(validator.CodeOf(err))
		return validator.Report{Steps: []validator.Step{asked}, Err: err}
	}
	report := explain(ctx, in.decides, e.claims, in.rules)
	if e.problem != nil && report.Err == nil {
		report.Err = e.decide(ctx, new(validator.Claims))
	}
	report.Steps = append([]validator.Step{asked}, report.Steps...)
	return report
}
