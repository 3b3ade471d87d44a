// Package middleware decides whether an HTTP request may proceed, by the access token that it carries, and gives the
// requests that may not the answer that the standards ask for.
//
//	v, err := validator.New(validator.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
//	auth, err := middleware.New(middleware.Config{Validator: v})
//	mux.Handle("GET /orders", auth.Handler(list))
//	mux.Handle("POST /orders", auth.Require(validator.Scopes("orders:write"))(create))
//	claims, ok := middleware.ClaimsFromContext(r.Context()) // in list and create
//
// It has three layers, and a framework of its own kind needs the first two alone: [Authenticator.Authenticate] is the
// decision, [Authenticator.Challenge] the answer, and [Authenticator.Handler] and [Authenticator.Require] are both
// for net/http and everything that takes its handlers.
//
// The standards are RFC 6750 (Bearer tokens), RFC 9449 and RFC 8705 (tokens bound to a key or certificate), RFC 9110,
// Section 11 (HTTP authentication), RFC 9470 (step-up challenges) and RFC 9728 (protected resource metadata).
package middleware

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

// A Validator decides whether a token may be accepted. [*validator.Validator] and [*validator.Mux] are Validators.
type Validator interface {
	// Validate returns the claims of token, or an error, best a [*validator.Error], whose code chooses the answer;
	// any other error counts as [validator.CodeRefused]. The claims may be shared by requests, and are not changed.
	// It must be safe for concurrent use.
	Validate(ctx context.Context, token string) (*validator.Claims, error)
}

// Config says how an [Authenticator] is to decide and answer. Validator is required; the zero value of every other
// field is its default.
type Config struct {
	// Validator decides about tokens. It is required.
	Validator Validator

	// Token finds the request's access token. Nil means [BearerToken]; where clients can't send its header, there are
	// [CookieToken], [FormToken] and [WebSocketToken]. An empty token without an error means that
	// there are no credentials, as does an error with [validator.CodeMissing]: from this function alone, and not from
	// the others of a Config, a check or the Validator. An error that is no [*validator.Error] counts as
	// [validator.CodeRequest]: there are credentials, but they cannot be read. Token must be safe for concurrent use,
	// and may be called more than once for a request.
	Token func(*http.Request) (string, error)

	// IssuerForHost names the issuer whose tokens are accepted on a host, for an API that is reached under several
	// domains: a token must then be used on the domain that it was issued for, as with Auth0's own API and custom
	// domains. Host is that of Origin, in lower case and without a port, and so of the request itself unless Origin says
	// which proxies to believe. What the function returns is compared with the token's "iss", exactly; "" means a host that
	// is not known, and refuses every token. So does a host that is neither a DNS name in ASCII nor an address, which the
	// function is not asked about. The Validator has to accept all of these issuers by itself. Nil means no such
	// rule. IssuerForHost must be safe for concurrent use.
	IssuerForHost func(host string) string

	// Optional lets requests without credentials pass, without claims, where no check guards the route. Credentials
	// that are there must be good all the same. Those of another scheme than Bearer, or DPoP if there is a DPoP, count as
	// none.
	Optional bool

	// DPoP checks the proofs of tokens that are bound to a key, which come under the scheme DPoP, in Authorization whatever
	// Token is (RFC 9449, Section 7.1). Nil means that nothing proves such tokens, and they are refused. A token that is
	// bound is refused under any other scheme. A Verifier takes each proof once, so two Authenticators that one request
	// passes need two.
	DPoP *dpop.Verifier

	// Origin finds the scheme and host of the URL that the client has sent r to, such as "https://api.example.com", which
	// a proof must name, and whose host IssuerForHost gets. It may have a path that a proxy has taken off. Nil means the
	// scheme of the connection and the host that r names, which its sender chooses: right where no other service accepts
	// the same tokens. Else that one could pass on to this one what was sent to it. Behind proxies there are [FixedOrigin],
	// [XForwardedOrigin] and [ForwardedOrigin]. An error that is no [*validator.Error] counts as [validator.CodeRequest].
	// Origin must be safe for concurrent use.
	Origin func(r *http.Request) (string, error)

	// ClientCertificate finds the certificate whose key the client has proven to have, or nil without an error if there is
	// none, for tokens that are bound to one (RFC 8705, Section 3). Nil means the first of r.TLS.PeerCertificates, for
	// which the server's tls.Config has to ask: tls.RequestClientCert does. Where TLS ends at a proxy there is
	// [ClientCertHeader]. If ClientCertificate is set, the answers to accepted requests have Vary: Client-Cert; one that
	// looks at another field adds that to Vary itself. An error that is no [*validator.Error] counts as
	// [validator.CodeRequest]. ClientCertificate must be safe for concurrent use.
	ClientCertificate func(r *http.Request) (*x509.Certificate, error)

	// AllowPreflight lets CORS preflights without credentials pass, without claims, whatever checks guard the route: an
	// OPTIONS request with Origin and Access-Control-Request-Method. Browsers never put credentials into one. What comes
	// after must answer it as such and do nothing else, for it may be anybody's. Better than this is to answer them
	// before the Authenticator, by a CORS middleware around it; then leave it off.
	AllowPreflight bool

	// Realm is named in every challenge. It is text for people, of printable ASCII characters. Empty means none.
	// RFC 6750, Section 3 asks for one parameter at least, and a challenge for a missing token has none but Realm and
	// ResourceMetadata: set either for clients that insist.
	Realm string

	// ResourceMetadata is the URL of the protected resource metadata, named in every challenge (RFC 9728, Section 5.1).
	// It is an https URL, or http on a loopback host. Empty means that of Metadata, or none.
	ResourceMetadata string

	// Metadata is that document, for [Authenticator.Metadata] to serve. Nil means none, or that it is served elsewhere.
	Metadata *Metadata

	// ErrorHandler writes the response to a refused request for [Authenticator.Handler] and [Authenticator.Require]:
	// the headers of [Authenticator.Challenge] are set already. If it sends no status, status is sent. Nothing of err
	// belongs in the response; [validator.CodeOf] tells its kind. Nil means a line of text with the name of the status.
	// The adapters for frameworks do not call it, since those have error handlers of their own.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, status int, err error)

	// Logger gets one record, "token refused", for each refused request, with the status, the code, the token's
	// unverified issuer and key ID (cut to 256 bytes), and the error's text (cut to 1 KiB): never the token. Nil means
	// [slog.Default] at the time of the refusal. The level is
	//
	//	Debug  when there are no credentials, no nonce yet, or no client any more: all are part of every day
	//	Info   when the client or its token is at fault, also if it sends a JWT without a scheme or under a wrong one
	//	Warn   when keys are unavailable: good tokens are being refused
	//	Error  when a function of this Config, a check or the Validator panicked, or keys are unavailable by a mistake in the
	//	       configuration (jwks.ErrConfig): it won't go away by itself
	Logger *slog.Logger
}

// An Authenticator guards HTTP handlers. It is safe for concurrent use.
type Authenticator struct {
	cfg      Config
	algs     string            // those of DPoP proofs, for challenges
	metadata *metadataDocument // nil if there is none
}

// New returns an Authenticator for cfg. Its error joins everything that is wrong with cfg.
func New(cfg Config) (*Authenticator, error) {
	a := &Authenticator{cfg: cfg, algs: algorithmList(cfg.DPoP)}
	err := cfg.check()
	if cfg.Metadata != nil {
		document, problem := cfg.Metadata.document(cfg)
		if problem != nil {
			err = errors.Join(err, fmt.Errorf("middleware: Config.Metadata: %w", problem))
		} else {
			a.metadata, a.cfg.ResourceMetadata = document, document.url
		}
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Handler returns a handler that calls next for requests with an acceptable token, with its claims in the request's
// context, and answers all others itself. It is [Authenticator.Require] without checks.
func (a *Authenticator) Handler(next http.Handler) http.Handler {
	return a.Require()(next)
}

// Require returns a middleware that calls the next handler for requests with an acceptable token that passes all
// checks, and answers all others itself. The checks run in order, until one fails.
//
// Inside a Handler or Require of the same Authenticator, it runs the checks on the claims that were found there,
// unless the request has come to carry another token since. Anywhere else it validates the token itself; claims of
// another Authenticator or of [NewContext] are not taken for its own. Require panics if a check is nil.
func (a *Authenticator) Require(checks ...validator.Check) func(http.Handler) http.Handler {
	for _, check := range checks {
		if check == nil {
			panic("middleware: Require: a check is nil")
		}
	}
	checks = slices.Clone(checks) // append(common, a)... and append(common, b)... may be one array
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			authenticated, err := a.Authenticate(r, checks...)
			if err != nil {
				a.refuse(w, r, err)
				return
			}
			a.Admit(w.Header(), authenticated)
			next.ServeHTTP(w, authenticated)
		})
	}
}

func (a *Authenticator) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := a.Challenge(w.Header(), err)
	if a.cfg.ErrorHandler == nil {
		http.Error(w, http.StatusText(status), status)
		return
	}
	own := &errorWriter{w, status, false}
	a.cfg.ErrorHandler(own, r, status, err)
	own.begin()
}

// Authenticate decides whether r may proceed, as Require does, and is what adapters for frameworks are made of.
// It returns the request to go on with, whose context has the claims, or else an error for [Authenticator.Challenge],
// and no request. It has logged the refusal already, and writes no response.
//
// A panic of a check, of the Config's Token function or of the Validator is a refusal too, one with status 500, except
// that [http.ErrAbortHandler] panics on.
func (a *Authenticator) Authenticate(r *http.Request, checks ...validator.Check) (*http.Request, error) {
	id, err := a.guard(r, checks)
	if err != nil {
		a.logRefusal(r.Context(), err)
		return nil, err
	}

	ctx := r.Context()
	switch {
	case id == identityFrom(ctx):
		return r, nil
	case id == nil:
		// That hides those of others: theirs must not be taken for that of an optional token that isn't there.
		return r.WithContext(context.WithValue(ctx, contextKey{}, id)), nil
	}
	return r.WithContext(id), nil
}

// identify returns whom r comes from: found by this Authenticator before, or now. It is nil for a request without
// credentials that may pass.
func (a *Authenticator) identify(r *http.Request, checks []validator.Check) (*identity, error) {
	ctx := r.Context()
	id := identityFrom(ctx)
	c, err := a.credentials(r)
	missing := validator.CodeOf(err) == validator.CodeMissing

	switch {
	case id.isBy(a) && (missing || err == nil && c.token == id.token):
		// A handler in between may have removed the token, but if it put another in its place, then the request is a
		// new one, made with the context of the old: the claims found are not its sender's.
	case missing && a.cfg.Optional && len(checks) == 0, missing && a.cfg.AllowPreflight && isPreflight(r):
		return nil, nil
	case err != nil:
		return nil, withScheme(err, c.underDPoP)
	default:
		claims, err := a.validate(r, c)
		if err != nil {
			return nil, withScheme(err, c.underDPoP)
		}
		id = newIdentity(ctx, found{by: a, token: c.token, underDPoP: c.underDPoP, claims: claims})
	}

	if err := a.checkHost(r, id.claims); err != nil {
		return nil, withScheme(err, id.underDPoP)
	}
	for _, check := range checks {
		if err := check(ctx, id.claims); err != nil {
			return nil, withScheme(refusalOf(id.claims, err), id.underDPoP)
		}
	}
	return id, nil
}

// token returns r's token, never empty, or a [*validator.Error].
func (a *Authenticator) token(r *http.Request) (string, error) {
	if a.cfg.Token == nil {
		return BearerToken(r)
	}
	token, err := a.cfg.Token(r)
	if validator.CodeOf(err) == validator.CodeMissing {
		return "", err
	}
	if err != nil {
		return "", refusal(validator.CodeRequest, err)
	}
	if token == "" {
		return "", &validator.Error{Code: validator.CodeMissing, Err: errNoToken}
	}
	return token, nil
}

var errNoToken = errors.New("the request has no token")

// refusal returns err if it has a code, and otherwise gives it code. CodeMissing
// counts as none: whether there are credentials is for the token's source alone
// to say, and an Optional request without any passes.
func refusal(code validator.Code, err error) error {
	var e *validator.Error
	switch {
	case !errors.As(err, &e):
		return &validator.Error{Code: code, Err: err}
	case e == nil:
		return &fault{text: "a nil *validator.Error was returned as an error"}
	case e.Code == validator.CodeMissing:
		return &validator.Error{Code: code, Err: err}
	case err == error(e):
		own := ownError(e)
		own.Code = cmp.Or(e.Code, code)
		return own
	case e.Code == "":
		return &validator.Error{Code: code, Err: err}
	default:
		return &ownWrapped{err, ownError(e)}
	}
}

// ownError returns a copy of e, since a check, or a function of the Config, may
// return the same to all requests, and an ErrorHandler may change what it gets.
func ownError(e *validator.Error) *validator.Error {
	own := *e
	own.Scopes, own.ACRValues = slices.Clone(e.Scopes), slices.Clone(e.ACRValues)
	return &own
}

// An ownWrapped is an error that wraps an Error, of which a copy is found first.
type ownWrapped struct {
	error
	own *validator.Error
}

func (e *ownWrapped) Unwrap() []error { return []error{e.own, e.error} }

// refusalOf is refusal for a check's error, to which it adds whose token it was, for the log.
func refusalOf(claims *validator.Claims, err error) error {
	err = refusal(validator.CodeRefused, err)
	var e *validator.Error
	if errors.As(err, &e) && e.Issuer == "" {
		e.Issuer, e.KeyID = claims.Issuer, claims.KeyID()
	}
	return err
}
