package introspection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/validator"
)

// The defaults of a [Config].
const (
	DefaultMaxAge  = time.Minute
	DefaultTimeout = 5 * time.Second
	DefaultMaxRate = 200
)

// A Config says whom to ask, and which tokens to accept. Issuer, Audiences,
// ClientID and Auth are required. The zero value of every other field is its
// default.
type Config struct {
	// Issuer is the server's name. An answer without "iss" is about a token of
	// this issuer. If Endpoint is empty, it must be an https URL, or an http
	// one on a loopback host, by which the endpoint is discovered (RFC 8414,
	// Section 3, or OpenID Connect Discovery 1.0, Section 4).
	Issuer string

	// Issuers are further "iss" values to accept, such as custom domains of
	// the same server.
	Issuers []string

	// Endpoint is the URL of the introspection endpoint, an https URL or an
	// http one on a loopback host. If empty, it is discovered when the first
	// token comes, and again after a day. For clients with a certificate, see
	// [ClientCertificate].
	Endpoint string

	// InsecureHTTP accepts http URLs on any host in Issuer and Endpoint, and in
	// metadata that was fetched over http. It is for a server in the same
	// cluster or compose file, such as Hydra's administrative port. An attacker
	// on the network between this program and the server can then read tokens
	// and credentials, and answer in its place. New logs that it is on.
	InsecureHTTP bool

	// Audiences are the names of this API. One of them must be in "aud".
	Audiences []string

	// AudienceClaim names the claim that stands in for an absent "aud", as in
	// [validator.Config].
	AudienceClaim string

	// AudienceGuaranteedBy accepts answers without "aud". It is for a server
	// that calls a token active only to those APIs that it is meant for (RFC
	// 7662, Section 4 lets it), which not all servers do. It must be equal to
	// Issuer. An "aud" that is there always counts.
	AudienceGuaranteedBy string

	// ClientID is our name at the server, and Auth proves it: by
	// [ClientSecretBasic], [ClientSecretPost], [PrivateKeyJWT],
	// [ClientCertificate], or a function of the caller's.
	ClientID string
	Auth     Authentication

	// Leeway is how far the server's clock and ours may disagree. Zero means
	// [validator.DefaultLeeway], a negative value none, and more than 5 minutes
	// is an error.
	Leeway time.Duration

	// MaxTokenSize is the length of the longest token in bytes. Longer ones
	// are rejected without a call. If zero, it is
	// [validator.DefaultMaxTokenSize]. More than 1 MiB is an error.
	MaxTokenSize int

	// Checks are run in their order after everything else, at each request.
	Checks []validator.Check

	// Client sends the requests. If nil, it is one with a transport of its
	// own. Redirects are never followed, since a token is sent.
	Client *http.Client

	// Timeout bounds each call. If zero, it is [DefaultTimeout].
	Timeout time.Duration

	// MaxAge is how long an answer is believed, and so how long a token that
	// was revoked may still be accepted. If zero, it is [DefaultMaxAge]. If
	// negative, each request causes a call.
	MaxAge time.Duration

	// StaleFor is for how long after MaxAge an answer is believed while the
	// server can't be asked. If zero, a token is then rejected with
	// [validator.CodeUnavailable].
	StaleFor time.Duration

	// CacheSize is for how many tokens answers are remembered. If zero, 8 MiB
	// of tokens and answers are. If positive, there is room for 4 KiB each. If
	// negative, none, and MaxRate is for all tokens. Answers that a token is not
	// active are remembered for 10 seconds, for 8,192 tokens.
	CacheSize int

	// MaxRate is how many tokens a second that are not known may cause a call.
	// Others are rejected with [validator.CodeUnavailable]. If zero, it is
	// [DefaultMaxRate]. If negative, there is no such limit.
	MaxRate int

	// RequireSigned accepts nothing but answers that are signed (RFC 9701),
	// by Keys, with one of Algorithms, for ClientID or one of Audiences. If
	// Keys is nil, they are those that Issuer names in its metadata, and if
	// Algorithms is empty, RS256 alone. Without RequireSigned, a signed answer
	// is still verified if the server sends one.
	RequireSigned bool
	Keys          validator.KeySource
	Algorithms    []validator.Algorithm

	// InsecureUserInfo asks the userinfo endpoint in place of the introspection
	// endpoint, which is then Endpoint or discovered. It is for tokens that are
	// good for that alone, such as those of Auth0 that were requested without
	// an audience. Userinfo says nothing of whom a token was issued to or what
	// for, so the tokens of all clients of the issuer are accepted, without
	// scopes. A response without a user in "sub" is none. ClientID, Auth and
	// Audiences must be empty.
	InsecureUserInfo bool

	// Logger gets one record when calls begin to fail and one when they
	// succeed again, and at most one a minute about a mistake in the Config,
	// such as a wrong client secret. If nil, it is [slog.Default].
	Logger *slog.Logger

	// Observe is told of each request to the server when it begins and when it
	// ends, and of changes of [Status].State. It is called outside of locks, by
	// several goroutines at a time, and must return soon, since a call waits
	// for it. The context is that of the call. It is also told of the requests
	// for the keys of signed answers, if Keys is nil. A panic is contained and
	// logged. If nil, nothing is told.
	Observe func(context.Context, observe.Event)

	// Now tells the time. If nil, it is [time.Now].
	Now func() time.Time
}

// check joins everything that is wrong with cfg.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("introspection: Config."+format, args...))
	}
	for _, u := range []struct{ name, value string }{{"Issuer", cfg.discovers()}, {"Endpoint", cfg.Endpoint}} {
		if u.value == "" {
			continue
		}
		if _, err := cfg.parse(u.value); err != nil {
			wrong("%s %w", u.name, err)
		}
	}
	if cfg.Issuer == "" {
		wrong("Issuer is empty: name the server that has issued the tokens")
	}
	switch {
	case cfg.InsecureUserInfo:
		if cfg.ClientID != "" || cfg.Auth != nil || len(cfg.Audiences) > 0 || cfg.AudienceClaim != "" || cfg.RequireSigned {
			wrong("InsecureUserInfo excludes ClientID, Auth, Audiences, AudienceClaim and RequireSigned, which userinfo knows nothing of")
		}
	case cfg.ClientID == "" || cfg.Auth == nil:
		wrong("ClientID or Config.Auth is not set: the endpoint answers only to clients that it knows (RFC 7662, Section 2.1)")
	}
	if cfg.AudienceGuaranteedBy != "" && cfg.AudienceGuaranteedBy != cfg.Issuer {
		wrong("AudienceGuaranteedBy is %q, and Config.Issuer is %q: they must be equal", cfg.AudienceGuaranteedBy, cfg.Issuer)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Timeout", cfg.Timeout}, {"StaleFor", cfg.StaleFor}} {
		if d.value < 0 {
			wrong("%s is negative: %v", d.name, d.value)
		}
	}
	if _, err := validator.New(cfg.decision()); err != nil {
		errs = append(errs, fmt.Errorf("introspection: Config: %w", err))
	}
	return errors.Join(errs...)
}

// parse parses a URL to which tokens may be sent, or which says where.
func (cfg *Config) parse(raw string) (*url.URL, error) {
	if cfg.InsecureHTTP {
		return secureurl.ParseInsecure(raw)
	}
	return secureurl.Parse(raw)
}

// discovers returns the issuer whose metadata is asked for, or "" if none is.
func (cfg *Config) discovers() string {
	if cfg.Endpoint == "" || cfg.RequireSigned && cfg.Keys == nil {
		return cfg.Issuer
	}
	return ""
}

// decision is the Config of the Validator that decides about answers.
func (cfg *Config) decision() validator.Config {
	audiences := cfg.Audiences
	if cfg.InsecureUserInfo {
		audiences = []string{cfg.Issuer} // is not compared
	}
	return validator.Config{
		Issuers: cfg.issuers(), Audiences: audiences, AudienceClaim: cfg.AudienceClaim, Keys: noKeys,
		Leeway: cfg.Leeway, MaxTokenSize: cfg.MaxTokenSize, Checks: cfg.Checks, CacheSize: -1, Now: cfg.Now,
	}
}

// signed is the Config of the Validator that verifies signed answers.
func (cfg *Config) signed() validator.Config {
	return validator.Config{
		Issuers: []string{cfg.Issuer}, Audiences: append([]string{cfg.ClientID}, cfg.Audiences...),
		Keys: cfg.Keys, Algorithms: cfg.Algorithms, Leeway: cfg.Leeway, MaxTokenSize: maxSigned, CacheSize: -1, Now: cfg.Now,
	}
}

func (cfg *Config) issuers() []string {
	issuers := []string{cfg.Issuer}
	for _, issuer := range cfg.Issuers {
		if !slices.Contains(issuers, issuer) {
			issuers = append(issuers, issuer)
		}
	}
	return issuers
}

// withDefaults returns cfg with every default in place.
func (cfg Config) withDefaults() Config {
	cfg.Leeway = max(cmp.Or(cfg.Leeway, validator.DefaultLeeway), 0)
	cfg.MaxTokenSize = cmp.Or(cfg.MaxTokenSize, validator.DefaultMaxTokenSize)
	cfg.MaxAge = max(cmp.Or(cfg.MaxAge, DefaultMaxAge), 0)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.MaxRate = cmp.Or(cfg.MaxRate, DefaultMaxRate)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// An Authentication proves to the server that the request is of Config.ClientID.
// It may set fields of the header and add to the form, whose member "token"
// stays what it is. Ctx bounds the whole call. It must be safe for concurrent
// use. Its error is an outage, and its text is logged.
//
// For a server that takes an access token of the API's own:
//
//	func(ctx context.Context, r *introspection.AuthRequest) error {
//		token, err := ownToken(ctx)
//		r.Header.Set("Authorization", "Bearer "+token)
//		return err
//	}
type Authentication func(ctx context.Context, r *AuthRequest) error

// An AuthRequest is the request that an [Authentication] completes.
type AuthRequest struct {
	ClientID string
	Issuer   string // Config.Issuer
	Endpoint string // the URL that the request is sent to
	Header   http.Header
	Form     url.Values // the body, with the token in it
	Now      time.Time
}
