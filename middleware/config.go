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
	"github.com/rsguard/rsguard/internal/scopetoken"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/validator"
)

// A Validator decides whether a token may be accepted. [*validator.Validator]
// and [*validator.Mux] are Validators.
type Validator interface {
	// Validate returns the claims of token, or an error. The code of a
	// [*validator.Error] chooses the response; any other error counts as
	// [validator.CodeRefused]. The claims are not changed here, but belong to
	// the request's handlers. Validate must be safe for concurrent use.
	Validate(ctx context.Context, token string) (*validator.Claims, error)
}

// Config says how an [Authenticator] decides and responds. Validator is
// required; the zero value of every other field is its default.
//
// The functions of a Config must be safe for concurrent use. An error that they
// return chooses the response by its code if it is a [*validator.Error], and
// counts as [validator.CodeRequest] otherwise.
type Config struct {
	// Validator decides about tokens. It is required.
	Validator Validator

	// Token finds the request's access token. If nil, [BearerToken] is
	// used. Where clients can't send its header, there are [CookieToken],
	// [FormToken] and [WebSocketToken]. An empty token without an error
	// means that there are no credentials, as does an error with
	// [validator.CodeMissing], from this function alone. Token may be
	// called more than once for a request.
	Token func(*http.Request) (string, error)

	// IssuerForHost returns the issuer whose tokens are accepted on a host,
	// for an API that is reached under several domains: a token must then
	// be used on the domain that it was issued for, as with Auth0's own API
	// and custom domains. Host is that of Origin, in lower case and without
	// a port. The result is compared with the token's "iss", exactly; ""
	// means that the host is not known, and rejects every token. So does a
	// host that is neither a DNS name in ASCII nor an address, for which
	// the function is not called. The Validator has to accept all of these
	// issuers by itself. If nil, there is no such rule.
	IssuerForHost func(host string) string

	// Optional lets requests without credentials pass, without claims, on
	// every route without checks. Credentials that are there must be good
	// all the same. Those of another scheme than Bearer, or DPoP if DPoP is
	// set, count as none.
	Optional bool

	// DPoP checks the proofs of tokens that are bound to a key. They come
	// under the scheme DPoP in Authorization, whatever Token is (RFC 9449,
	// Section 7.1), and are rejected under any other. If nil, they are
	// always rejected. A Verifier accepts each proof once, so two
	// Authenticators that one request passes need two.
	DPoP *dpop.Verifier

	// RequireBinding rejects tokens that are bound to nothing. By default
	// they are accepted beside those that are bound to a key or
	// certificate, which always need their proof.
	RequireBinding bool

	// Origin returns the scheme and host of the URL that the client has
	// sent r to, such as "https://api.example.com", which a proof must name
	// and whose host IssuerForHost gets. It may have a path that a proxy
	// has taken off. If nil, it is the scheme of the connection and the
	// host that r names, which its sender chooses. That is right where no
	// other service accepts the same tokens; otherwise the other one could
	// pass on what was sent to it. Behind proxies there are [FixedOrigin],
	// [XForwardedOrigin] and [ForwardedOrigin].
	Origin func(r *http.Request) (string, error)

	// ClientCertificate returns the certificate whose key the client has
	// proven to have, or nil without an error, for tokens that are bound to
	// one (RFC 8705, Section 3). If nil, it is the first of
	// r.TLS.PeerCertificates, for which the server's tls.Config has to ask:
	// tls.RequestClientCert does. Where TLS ends at a proxy there is
	// [ClientCertHeader]. If ClientCertificate is set, responses to
	// accepted requests have Vary: Client-Cert; a function that looks at
	// another field has that added by the handler.
	ClientCertificate func(r *http.Request) (*x509.Certificate, error)

	// AllowPreflight lets CORS preflights without credentials pass, without
	// claims, whatever checks guard the route: an OPTIONS request with
	// Origin and Access-Control-Request-Method. Browsers never put
	// credentials into one. What comes after must answer it as such and do
	// nothing else, since anyone can send it. It is better to answer them
	// before the Authenticator, by a CORS middleware around it, and to
	// leave this off.
	AllowPreflight bool

	// Realm is named in every challenge. It is text for people, of
	// printable ASCII characters. If empty, there is none. RFC 6750,
	// Section 3 asks for at least one parameter, and a challenge for a
	// missing token may have none but Realm, ResourceMetadata and the
	// route's scopes.
	Realm string

	// ResourceMetadata is the URL of the protected resource metadata, named
	// in every challenge (RFC 9728, Section 5.1). It is an https URL, or
	// http on a loopback host. If empty, it is that of Metadata, or none.
	ResourceMetadata string

	// Metadata is that document, for [Authenticator.Metadata] to serve. If
	// nil, there is none, or it is served elsewhere.
	Metadata *Metadata

	// ErrorHandler writes the response to a rejected request, in net/http
	// and in every adapter. Its header fields are set already. If it sends
	// no status, status is sent. Nothing of err belongs in the response;
	// [validator.CodeOf] tells its kind. If nil, the body is a line of text
	// with the name of the status.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, status int, err error)

	// Logger gets one record, "token refused", for each rejected request,
	// with the status, the code, the token's unverified issuer and key ID
	// (cut to 256 bytes), and the error's text (cut to 1 KiB): never the
	// token. If nil, [slog.Default] is used, at the time of the rejection.
	// The level is
	//
	//	Debug  when there are no credentials, no nonce yet, or no client any more
	//	Info   when the client or its token is at fault, also if a token comes without its scheme
	//	Warn   when a service is unavailable, so that good tokens are rejected
	//	Error  when a function of this Config, a check or the Validator panicked, or keys are
	//	       unavailable by a mistake in the configuration (jwks.ErrConfig)
	Logger *slog.Logger
}

// New returns an Authenticator for cfg. Its error joins everything that is
// wrong with cfg.
func New(cfg Config) (*Authenticator, error) {
	document, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if document != nil {
		cfg.ResourceMetadata = document.url
	}
	return &Authenticator{
		cfg:      cfg.withDefaults(),
		varies:   cfg.ClientCertificate != nil,
		dpopOnly: cfg.dpopOnly(),
		algs:     algorithmList(cfg.DPoP),
		metadata: document,
	}, nil
}

// check returns the document of Metadata, or nil if that is nil.
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

// dpopOnly reports whether no token but one that is bound to a key is accepted,
// as far as the Config says. A server may ask for certificates without a word
// here, but an API that counts on them says so.
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

// checkURL says what keeps s from naming an API, an issuer or a document in
// public, and in a challenge.
func checkURL(s string) error {
	if !scopetoken.Valid(s) {
		return errors.New("has characters that no URL has")
	}
	_, err := secureurl.Parse(s)
	return err
}
