package clientauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/internal/scopetoken"
)

// A Request says what for a token is requested. The zero Request requests what
// the issuer has as the client's default.
type Request struct {
	// Audience is the API, as the parameter "audience" of Auth0 and others.
	Audience string

	// Resource is the API as a URI, as the parameter "resource" of RFC 8707.
	// Which of both an issuer reads depends on it, and Auth0 on its setting
	// for compatibility. Both may be set.
	Resource string

	// Organization is the id or the name of an organization, as the parameter
	// "organization" of Auth0.
	Organization string

	// Scopes are those that are requested. If empty, the issuer decides.
	Scopes []string

	// Params are further parameters, such as "authorization_details". They must
	// not be those that this package sets.
	Params url.Values
}

// reserved are the parameters that this package sets.
var reserved = []string{
	"grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "audience", "resource",
	"organization", "scope", "subject_token", "subject_token_type", "requested_token_type", "actor_token",
	"actor_token_type", "assertion",
}

func (r *Request) check(json bool) error {
	var errs []error
	for _, scope := range r.Scopes {
		if !scopetoken.Valid(scope) {
			errs = append(errs, fmt.Errorf("clientauth: Request.Scopes has %q, which can't be a scope", scope))
		}
	}
	if r.Resource != "" {
		// RFC 8707, Section 2.
		if u, err := url.Parse(r.Resource); err != nil || !u.IsAbs() || strings.Contains(r.Resource, "#") {
			errs = append(errs, fmt.Errorf("clientauth: Request.Resource is %q, which is no absolute URI without a fragment", r.Resource))
		}
	}
	for name, values := range r.Params {
		if slices.Contains(reserved, name) {
			errs = append(errs, fmt.Errorf("clientauth: Request.Params has %q, for which there is a field", name))
		}
		if json && len(values) != 1 {
			errs = append(errs, fmt.Errorf("clientauth: Request.Params has %q %d times, which Config.JSON can't send", name, len(values)))
		}
	}
	return errors.Join(errs...)
}

// form returns the parameters of r, without those of the grant.
func (r *Request) form() url.Values {
	form := make(url.Values)
	for name, values := range r.Params {
		form[name] = slices.Clone(values)
	}
	for name, value := range map[string]string{
		"audience": r.Audience, "resource": r.Resource, "organization": r.Organization, "scope": strings.Join(r.Scopes, " "),
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	return form
}

// A Source returns tokens for one [Request]. Make one with [Client.Source]. It
// is safe for concurrent use. All Sources of a Client with equal Requests share
// their token.
type Source struct {
	client  *state
	request Request
	form    url.Values
}

var _ oauth2.TokenSource = (*Source)(nil)

// Source returns a Source of tokens by the client-credentials grant (RFC 6749,
// Section 4.4). It does no I/O.
func (c *Client) Source(r Request) (*Source, error) {
	if c.state == nil {
		return nil, errNotNew
	}
	r.Scopes = slices.Clone(r.Scopes)
	slices.Sort(r.Scopes)
	r.Scopes = slices.Compact(r.Scopes)
	if err := r.check(c.cfg.JSON); err != nil {
		return nil, err
	}
	form := r.form()
	form.Set("grant_type", "client_credentials")
	return &Source{c.state, r, form}, nil
}

var errNotNew = errors.New("clientauth: the Client or Source was not made by this package")

// Token is [Source.TokenContext] without a context, and makes s an
// [oauth2.TokenSource]. It returns after Config.Timeout at the latest.
func (s *Source) Token() (*oauth2.Token, error) { return s.TokenContext(context.Background()) }

// TokenContext returns a token that is good for some time yet. Ctx bounds the
// wait for a token request, and doesn't end the request, which is for all. The
// error is an [*Error], or that of ctx.
//
// The type of a token that is bound to Config.Key is DPoP. [oauth2.Transport]
// makes no proofs, and can't be used with it: use [NewTransport].
func (s *Source) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	g, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return g.public(), nil
}

// Renew returns another token than one that an API has rejected with the error
// invalid_token, such as one that was revoked. It is for calls that [Transport]
// doesn't make: an interceptor of a gRPC client that repeats a call once after
// the status Unauthenticated. If the token was renewed already, it returns the
// one that is kept. All calls together cause one request in 10 seconds at most.
// Sooner, and for an issuer that returns the same token, the code of the error
// is [CodeToken].
func (s *Source) Renew(ctx context.Context, rejected *oauth2.Token) (*oauth2.Token, error) {
	if s.client == nil || rejected == nil {
		return nil, errNotNew
	}
	g, err := s.renew(ctx, &grant{token: rejected.AccessToken})
	switch {
	case err != nil:
		return nil, err
	case g == nil:
		return nil, &Error{Code: CodeToken, Err: errors.New("the token was rejected less than 10s after one was renewed for that")}
	case g.token == rejected.AccessToken:
		return nil, &Error{Code: CodeToken, Err: errors.New("the issuer returns the token that was rejected")}
	}
	return g.public(), nil
}

// public returns g as a token of package oauth2.
func (g *grant) public() *oauth2.Token {
	t := &oauth2.Token{AccessToken: g.token, TokenType: g.tokenType, Expiry: g.expiry.Round(0)}
	return t.WithExtra(map[string]any{"scope": g.scope})
}

// Run keeps a token that can be used, without any calls for it, until ctx is
// done, whose error it returns. A service that is called rarely starts it in a
// goroutine of its own, so that no call waits for the issuer.
func (s *Source) Run(ctx context.Context) error {
	for {
		wait := time.Second
		g, err := s.current(ctx)
		var e *Error
		switch {
		case err == nil:
			wait = max(g.untilDue(s.client.cfg.Now()), wait)
		case errors.As(err, &e):
			wait = max(e.wait, wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

func (s *Source) current(ctx context.Context) (*grant, error) {
	if s.client == nil {
		return nil, errNotNew
	}
	return s.client.token(ctx, s.wanted())
}

// renew returns another token than the one that an API has rejected. It returns
// nil if that one must do.
func (s *Source) renew(ctx context.Context, rejected *grant) (*grant, error) {
	w := s.wanted()
	w.rejected, w.seq = rejected.token, rejected.seq
	return s.client.token(ctx, w)
}

// A wanted is a token that is wanted.
type wanted struct {
	key          [sha256.Size]byte
	form         url.Values
	organization string
	rejected     string // a token that will not do, or ""
	seq          int64  // its number among those in the Store
}

func (s *Source) wanted() wanted {
	return wanted{key: keyOf(s.form), form: s.form, organization: s.request.Organization}
}

// keyOf returns the name of what is requested. A form's encoding is sorted, and
// unambiguous.
func keyOf(form url.Values) [sha256.Size]byte { return sha256.Sum256([]byte(form.Encode())) }
