package clientauth

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/b64token"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/validator"
)

// read reads the answer of RFC 6749, Section 5.1, and checks the token in it.
func (c *state) read(ctx context.Context, endpoint string, res response, w wanted, requested time.Time) (*grant, *Error) {
	wrong := func(format string, args ...any) *Error {
		// An answer may have a secret or the token where a text shows it.
		return &Error{Code: CodeAnswer, Status: res.status, Err: fmt.Errorf("POST %s: %s", endpoint, res.sent.said(fmt.Sprintf(format, args...)))}
	}
	mediaType, _, _ := mime.ParseMediaType(res.header.Get("Content-Type"))
	if mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return nil, wrong("the answer is %.64q, want application/json (RFC 6749, Section 5.1)", mediaType)
	}
	a, err := readAnswer(res.body)
	token, ok := a.token.Text()
	if len(token) >= minToken {
		res.sent = append(secrets{token}, res.sent...)
	}
	if err != nil {
		return nil, wrong("%v", err)
	}
	if !ok {
		return nil, wrong("access_token is %v, want a string", a.token.Kind())
	}
	tokenType, ok := a.tokenType.Text()
	if !ok {
		return nil, wrong("token_type is %v, want the string %q", a.tokenType.Kind(), c.tokenType())
	}
	lifetime, err := c.lifetime(a.expiresIn)
	if err != nil {
		return nil, wrong("%v", err)
	}
	if issued, ok := a.issuedType.Text(); w.form.Get("grant_type") == grantExchange && (!ok || issued != typeAccess && issued != typeJWT) {
		return nil, wrong("issued_token_type is %.64s, want that of an access token (RFC 8693, Section 2.2.1)", a.issuedType.Raw())
	}
	scope, ok := a.scope.Text()
	if !ok && a.scope.Kind() != jose.KindNone {
		return nil, wrong("scope is %v, want a string", a.scope.Kind())
	}

	g, failure := c.checked(ctx, offer{token, tokenType, scope, lifetime}, w, requested)
	if failure != nil {
		failure.Status = res.status
		if failure.Code == CodeAnswer {
			failure = wrong("%v", failure.Err)
		}
	}
	return g, failure
}

// minToken is the length of the shortest token that is kept out of texts. A
// shorter one can be guessed, and would be found in every word.
const minToken = 8

// An offer is a token as the issuer's answer has it, or as the Store has it.
type offer struct {
	token, tokenType, scope string
	lifetime                time.Duration // zero if that was not said
}

// checked returns the token of o if it passes all checks.
func (c *state) checked(ctx context.Context, o offer, w wanted, requested time.Time) (*grant, *Error) {
	wrong := func(format string, args ...any) (*grant, *Error) {
		return nil, &Error{Code: CodeAnswer, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case !b64token.Valid(o.token):
		return wrong("access_token has characters that no Authorization field can have (RFC 6750, Section 2.1)")
	case len(o.token) > c.cfg.MaxTokenSize:
		return wrong("access_token has %d bytes: see Config.MaxTokenSize, which is %d", len(o.token), c.cfg.MaxTokenSize)
	// Without regard to case (RFC 6749, Section 5.1). A client that has asked
	// for a bound token must not use another in its place (RFC 9449, Section 5).
	case !strings.EqualFold(o.tokenType, c.tokenType()):
		return wrong("token_type is %.64q, want %q", o.tokenType, c.tokenType())
	}
	end, failure := c.checkToken(ctx, o.token, w)
	if failure != nil {
		return nil, failure
	}
	lifetime := o.lifetime
	switch {
	case lifetime == 0 && end.IsZero():
		lifetime = c.cfg.Lifetime
	case lifetime == 0:
		lifetime = min(end.Sub(requested), c.cfg.MaxLifetime)
	}
	expiry := requested.Add(lifetime)
	if !end.IsZero() && end.Before(expiry) {
		expiry = requested.Add(end.Sub(requested.Round(0))) // with the monotonic clock's reading
	}
	if !expiry.After(requested) {
		return nil, &Error{Code: CodeToken, Err: errors.New("the token has ended already: compare the clocks")}
	}
	return newGrant(strings.Clone(o.token), c.tokenType(), strings.Clone(o.scope), requested, expiry), nil
}

// An answer is the answer of a token endpoint.
type answer struct {
	token, tokenType, expiresIn, scope, issuedType jose.Value
}

func readAnswer(body string) (a answer, err error) {
	var o jose.Object
	o.Open(strings.TrimPrefix(body, jose.ByteOrderMark), jose.ClaimsLimits(maxAnswer))
	for o.Next() {
		switch value := o.Member.Value; o.Member.Name {
		case "access_token":
			a.token = value
		case "token_type":
			a.tokenType = value
		case "expires_in":
			a.expiresIn = value
		case "scope":
			a.scope = value
		case "issued_token_type":
			a.issuedType = value
		}
	}
	return a, o.Err()
}

// tokenType returns the token_type of the tokens that are requested.
func (c *state) tokenType() string {
	if c.cfg.Key != nil {
		return "DPoP"
	}
	return "Bearer"
}

// lifetime returns the seconds of expires_in, or 0 if there is none.
func (c *state) lifetime(v jose.Value) (time.Duration, error) {
	digits := v.Raw()
	switch v.Kind() {
	case jose.KindNone:
		return 0, nil
	case jose.KindNumber:
	case jose.KindString:
		if !c.cfg.InsecureTextLifetime {
			return 0, fmt.Errorf("expires_in is %.64s, want a number: see Config.InsecureTextLifetime", digits)
		}
		digits, _ = v.Text()
	default:
		return 0, fmt.Errorf("expires_in is %v, want a number", v.Kind())
	}
	seconds, err := strconv.ParseUint(strings.TrimSuffix(digits, ".0"), 10, 63)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("expires_in is %.64q, want a number of seconds", digits)
	case err != nil || seconds > uint64(c.cfg.MaxLifetime/time.Second):
		return 0, fmt.Errorf("expires_in is %.64q: see Config.MaxLifetime, which is %v", digits, c.cfg.MaxLifetime)
	case seconds == 0:
		return 0, errors.New("expires_in is 0")
	}
	return time.Duration(seconds) * time.Second, nil
}

// readError reads the members of an error answer (RFC 6749, Section 5.2), if it
// is one.
func (e *Error) readError(res *response) {
	members, err := jose.ParseObject(nil, strings.TrimPrefix(res.body, jose.ByteOrderMark), jose.ClaimsLimits(maxAnswer))
	if err != nil {
		return
	}
	text := func(name string) string {
		value, _ := jose.Lookup(members, name)
		text, _ := value.Text()
		return text
	}
	e.OAuthError, e.Description = res.sent.said(text("error")), res.sent.said(text("error_description"))
	// RFC 9470, Section 3 names what a challenge has. Issuers that have an
	// error for it use the same names.
	e.ACRValues = strings.Fields(res.sent.said(text("acr_values")))
	if value, ok := jose.Lookup(members, "max_age"); ok && value.Kind() == jose.KindNumber {
		if seconds, err := strconv.ParseUint(value.Raw(), 10, 31); err == nil {
			e.MaxAge = time.Duration(seconds) * time.Second
		}
	}
}

// checkToken checks a token before it is kept. It returns when it ends, if that
// can be read.
func (c *state) checkToken(ctx context.Context, token string, w wanted) (time.Time, *Error) {
	if c.cfg.Validator == nil {
		return c.checkForm(token)
	}
	ours := validator.Confirmation{X5TS256: c.x5t}
	if c.cfg.Key != nil {
		ours.JKT = c.cfg.Key.thumbprint
	}
	claims, err := c.cfg.Validator.Validate(validator.ContextWithConfirmation(ctx, ours), token)
	switch {
	case err == nil && claims == nil:
		err = errors.New("the Validator returned neither claims nor an error")
	case err == nil && c.cfg.Key != nil && (claims.Confirmation == nil || claims.Confirmation.JKT == ""):
		err = &validator.Error{Code: validator.CodeBinding, Err: errors.New("the token is not bound to Config.Key")}
	case err == nil && w.organization != "":
		err = validator.Organization(w.organization)(ctx, claims)
	}
	if err != nil {
		code := CodeToken
		if validator.CodeOf(err) == validator.CodeUnavailable {
			code = CodeUnavailable // nothing is known of the token
		}
		return time.Time{}, &Error{Code: code, Err: err}
	}
	return claims.ExpiresAt, nil
}

// checkForm reads when a JWT ends. What it says besides is not the client's to
// read (RFC 9068, Section 6), and a token of another form is taken as it is.
func (c *state) checkForm(token string) (time.Time, *Error) {
	exp, there := c.expOf(token)
	if !there {
		return time.Time{}, nil
	}
	end, ok := exp.Time()
	now := c.cfg.Now()
	switch {
	case !ok:
		return time.Time{}, &Error{Code: CodeToken, Err: fmt.Errorf("the token's exp is %v, want a number", exp.Kind())}
	case !end.After(now):
		return time.Time{}, &Error{Code: CodeToken, Err: fmt.Errorf("the token's exp was %s, before now (%s): compare the clocks",
			end.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
	}
	return end, nil
}

// expOf returns the "exp" of a JWT. A token of another form has none.
func (c *state) expOf(token string) (jose.Value, bool) {
	var t jose.Token
	if strings.Count(token, ".") != 2 || t.Parse(token, c.cfg.MaxTokenSize) != nil {
		return jose.Value{}, false
	}
	payload, err := t.Payload()
	if err != nil {
		return jose.Value{}, false
	}
	members, err := jose.ParseObject(nil, payload, jose.ClaimsLimits(c.cfg.MaxTokenSize))
	if err != nil {
		return jose.Value{}, false
	}
	return jose.Lookup(members, "exp")
}
