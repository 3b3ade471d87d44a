package middleware

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/scopetoken"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// A Validator decides whether a token is accepted. [*validator.Validator] and
// [*validator.Mux] are Validators.
type Validator interface {
	// Validate returns the claims of token, or an error. The code of a
	// [*validator.Error] chooses the response. Any other error counts as
	// [validator.CodeRefused]. The claims belong to the request's handlers, and
	// this package doesn't change them. Validate must be safe for concurrent
	// use.
	Validate(ctx context.Context, token string) (*validator.Claims, error)
}

// A Config says how an [Authenticator] decides and responds. Validator is
// required. The zero value of every other field is its default.
//
// The functions of a Config must be safe for concurrent use. If they return a
// [*validator.Error], its code chooses the response. Any other error counts as
// [validator.CodeRequest].
type Config struct {
	// Validator decides about tokens. It is required.
	Validator Validator

	// Token finds the request's access token. If nil, [BearerToken] is used.
	// For clients that can't send the header there are [CookieToken],
	// [FormToken] and [WebSocketToken]. An empty token without an error means
	// that there are no credentials, and so does an error with
	// [validator.CodeMissing], which has this meaning only here. Token may be
	// called more than once for a request.
	Token func(*http.Request) (string, error)

	// IssuerForHost returns the issuer whose tokens are accepted on a host. It
	// is for an API with several domains, on each of which only the tokens
	// issued for it are accepted, as with Auth0's own API and custom domains.
	// The host is that of Origin, in lower case and without a port. The result
	// must equal the token's "iss". If it is "", the host is unknown and every
	// token is rejected. Every token is also rejected, without a call, if the
	// host is neither an ASCII DNS name nor an address. The Validator must
	// accept all of these issuers. If nil, there is no such rule.
	IssuerForHost func(host string) string

	// Optional accepts requests without credentials, without claims, on routes
	// without checks. Bad credentials are still rejected. Credentials of a
	// scheme other than Bearer count as none, except those of DPoP if DPoP is
	// set.
	Optional bool

	// DPoP checks the proofs of tokens that are bound to a key. Such tokens
	// come under the scheme DPoP in Authorization, whatever Token is (RFC 9449,
	// Section 7.1), and are rejected under any other scheme. If nil, they are
	// always rejected. Each proof is accepted for one request. If a request
	// passes several Authenticators, give them one Verifier. If they have
	// several with one replay store, the second takes the proof for a replay.
	DPoP *dpop.Verifier

	// RequireBinding rejects tokens that are not bound to a key or certificate.
	// By default they are accepted too. A bound token always needs its proof.
	RequireBinding bool

	// Revocations are the tokens that are rejected although they are valid
	// otherwise. It is asked about every token after its signature, times and
	// binding, whether the Validator remembers it or not, and before a route's
	// checks. A revoked token is rejected with [validator.CodeRevoked]. If it
	// can't be known whether one is revoked, the request is rejected with
	// [validator.CodeUnavailable]. If nil, no token is revoked.
	Revocations *revocation.List

	// CancelWithToken cancels the context of an accepted request once its token
	// would be rejected: when Revocations names it, or at
	// [validator.Claims.AcceptedUntil]. It is for WebSockets, server-sent events
	// and other handlers that run for long, and that return when their context
	// is done. [context.Cause] then returns the [*validator.Error]. When the
	// handler has returned, the end is logged and observed as one more
	// rejection. The clock is that of Revocations, or the system's without it.
	// If too many requests are watched, by revocation.Config.MaxWatches, the
	// next are rejected with [validator.CodeUnavailable]. Behind an adapter, the
	// context of the request must end with it, as it does in a server of
	// net/http. The contexts of InsecureReportOnly are not cancelled. By default,
	// a request is decided about once, when it begins.
	CancelWithToken bool

	// Origin returns the scheme and host of the URL to which the client has
	// sent r, such as "https://api.example.com". A DPoP proof must name them,
	// and IssuerForHost gets the host. It may have a path that a proxy has
	// removed. If nil, it is the scheme of the connection and the host of r,
	// which the client chooses. That is right unless another service accepts
	// the same tokens and could forward requests sent to it. Behind proxies use
	// [FixedOrigin], [XForwardedOrigin] or [ForwardedOrigin].
	Origin func(r *http.Request) (string, error)

	// ClientCertificate returns the certificate whose key the client has proven
	// to have, for tokens that are bound to one (RFC 8705, Section 3). It
	// returns nil and no error if there is none. If ClientCertificate is nil,
	// the first of r.TLS.PeerCertificates is used. The server's tls.Config must
	// request it, such as by tls.RequestClientCert. If a proxy ends TLS, use
	// [ClientCertHeader]. If ClientCertificate is set, responses to accepted
	// requests have Vary: Client-Cert. If the function reads another field, the
	// handler must add that field to Vary.
	ClientCertificate func(r *http.Request) (*x509.Certificate, error)

	// AllowPreflight accepts CORS preflights without credentials, without
	// claims, whatever checks the route has. A preflight is an OPTIONS request
	// with Origin and Access-Control-Request-Method. Browsers never add
	// credentials to it. Any client can send one, so the handler must answer it
	// and do nothing more. It is better to leave this off and to answer
	// preflights by a CORS middleware in front of the Authenticator.
	AllowPreflight bool

	// Realm is named in every challenge. It is text for people, of printable
	// ASCII characters. If empty, there is none. RFC 6750, Section 3, requires
	// at least one parameter. A challenge for a missing token may have only
	// Realm, ResourceMetadata and the route's scopes.
	Realm string

	// ResourceMetadata is the URL of the protected resource metadata, which
	// every challenge names (RFC 9728, Section 5.1). It is an https URL, or
	// http on a loopback host. If empty, it is that of Metadata, if that is
	// set.
	ResourceMetadata string

	// Metadata is the protected resource metadata that [Authenticator.Metadata]
	// serves. If nil, there is none, or it is served elsewhere.
	Metadata *Metadata

	// ErrorHandler writes the response to a rejected request, in net/http and in
	// echoauth, ginauth and connectauth. Behind the adapters for Echo v5, Fiber,
	// Huma and gRPC it is not called, because the framework has a place of its
	// own for that. The header fields are already set. If it sends no
	// status, status is sent. It must not disclose err, except that
	// [validator.CodeOf] tells its kind. If nil, the body is the name of the
	// status.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, status int, err error)

	// Observe is called once for each decision of a [Guard], after it and before
	// the response, on the request's goroutine. The context is the request's.
	// Behind a Guard of the same Authenticator, that is once more for each
	// Guard. A panic is logged and changes nothing. If nil, it costs nothing.
	// See [Audit].
	Observe func(context.Context, Event)

	// InsecureReportOnly accepts every request, for trying a configuration
	// before it counts. A request that would be rejected is logged as "would
	// refuse token", at level Info or above. It has claims only if nothing but
	// a route's check would reject it. New logs at level Warn that it is on,
	// and every event has Event.ReportOnly.
	InsecureReportOnly bool

	// Compare is the decision of what this Authenticator replaces or will be
	// replaced by: nil if the request is accepted. It changes no response. A
	// difference is logged at level Warn as "decisions differ", with the reason
	// of the one that rejects, and observed with Event.Differs. Compare must
	// not change the request or read its body. A panic in it counts as a
	// rejection.
	Compare func(*http.Request) error

	// Logger gets one record, "token refused", for each rejected request. It
	// has the status, the code, the token's unverified issuer and key ID, the
	// "jti" of a token that the Validator has accepted (each cut to 256 bytes),
	// the method, the route's pattern and the error's text (cut to 1 KiB), but
	// never the token. If an error of a check, a Validator or Compare quotes the
	// request's credentials, or text in the form of a signed token, the record
	// has "[credentials]" in their place. A panic of its handler is contained,
	// and the record is lost. If nil, [slog.Default] is used at the time of the
	// rejection. The levels are:
	//
	//	Debug  no credentials, no nonce yet, or no client any more
	//	Info   the client or its token is at fault, also if a token comes
	//	       without its scheme
	//	Warn   a service is unavailable, so good tokens are rejected
	//	Error  a function of this Config, a check or the Validator panicked,
	//	       or keys are unavailable by a mistake in the configuration
	//	       (jwks.ErrConfig)
	Logger *slog.Logger
}

// New returns an Authenticator for cfg. The error joins all faults of cfg.
func New(cfg Config) (*Authenticator, error) {
	document, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if document != nil {
		cfg.ResourceMetadata = document.url
	}
	a := &Authenticator{
		cfg:      cfg.withDefaults(),
		varies:   cfg.ClientCertificate != nil,
		dpopOnly: cfg.dpopOnly(),
		algs:     algorithmList(cfg.DPoP),
		metadata: document,
	}
	if cfg.CancelWithToken && !cfg.InsecureReportOnly {
		if a.watches = cfg.Revocations; a.watches == nil {
			if a.watches, err = revocation.New(revocation.Config{}); err != nil {
				return nil, err
			}
		}
	}
	if cfg.InsecureReportOnly {
		logging.Write(context.Background(), a.cfg.Logger, slog.LevelWarn, "middleware.Config.InsecureReportOnly is on: no request is rejected")
	}
	return a, nil
}

// check returns the document of Metadata, or nil if Metadata is nil.
func (cfg Config) check() (*metadataDocument, error) {
	var errs []error
	if isnil.Value(cfg.Validator) {
		errs = append(errs, errors.New("middleware: Config.Validator is nil"))
	}
	if !isPrintable(cfg.Realm) {
		errs = append(errs, fmt.Errorf("middleware: Config.Realm %q has characters that are not printable ASCII", cfg.Realm))
	}
	if err := checkURL(cfg.ResourceMetadata); cfg.ResourceMetadata != "" && err != nil {
		errs = append(errs, fmt.Errorf("middleware: Config.ResourceMetadata %w", err))
	}
	var document *metadataDocument
	if cfg.Metadata != nil {
		var err error
		if document, err = cfg.Metadata.document(cfg); err != nil {
			errs = append(errs, fmt.Errorf("middleware: Config.Metadata: %w", err))
		}
	}
	return document, errors.Join(errs...)
}

func (cfg Config) withDefaults() Config {
	if cfg.Token == nil {
		cfg.Token = BearerToken
	}
	if cfg.Origin == nil {
		cfg.Origin = directOrigin
	}
	if cfg.ClientCertificate == nil {
		cfg.ClientCertificate = connectionCertificate
	}
	return cfg
}

// dpopOnly reports whether only tokens bound to a key are accepted, as far as
// the Config says. A server may request certificates without
// Config.ClientCertificate, but an API that relies on them sets it.
func (cfg Config) dpopOnly() bool {
	return cfg.RequireBinding && cfg.DPoP != nil && cfg.ClientCertificate == nil
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// checkURL returns an error if s can't name an API, an issuer or a document in
// public and in a challenge.
func checkURL(s string) error {
	if !scopetoken.Valid(s) {
		return errors.New("has characters that no URL has")
	}
	_, err := secureurl.Parse(s)
	return err
}
